import { useMemo } from 'preact/hooks';
import { hrefOf } from '../place.js';
import type { Status } from '../status.js';
import { columnEdges, columnId, columnOf } from './columns.js';
import { reached } from './graph.js';

interface ColumnsProps {
  readonly kind: 'dataset' | 'featureset';
  readonly name: string;
  readonly chosen: string | undefined;
  readonly status: Status;
}

/** The columns of a dataset or the features of a featureset; of a chosen one, what it is made of and what is made of it. */
export function Columns({ kind, name, chosen, status }: ColumnsProps) {
  const edges = useMemo(() => columnEdges(status), [status.latest_commit?.id, status.jobs.length]);
  const word = kind === 'dataset' ? 'Columns' : 'Features';
  const columns =
    kind === 'dataset'
      ? (status.datasets.find((one) => one.name === name)?.fields ?? [])
      : (status.featuresets.find((one) => one.name === name)?.features ?? []);
  return (
    <div class="columns">
      <nav class="chips" aria-label={`${word} of ${name}`}>
        {columns.map(({ name: column }) => (
          <a
            key={column}
            href={hrefOf(column === chosen ? ['lineage', kind, name] : ['lineage', kind, name, column])}
            aria-current={column === chosen ? 'true' : undefined}
          >
            {column}
          </a>
        ))}
      </nav>
      {chosen !== undefined && (
        <dl class="facts">
          <Side title={`${chosen} is made of`} none="nothing before it" ids={reached({ edges }, columnId(kind, name, chosen), 'up')} />
          <Side title={`If ${chosen} changes, so may`} none="nothing" ids={reached({ edges }, columnId(kind, name, chosen), 'down')} />
        </dl>
      )}
    </div>
  );
}

/** By dataset and featureset, in the order in which they are reached. */
function Side({ title, none, ids }: { readonly title: string; readonly none: string; readonly ids: ReadonlySet<string> }) {
  const byOwner = new Map<string, { readonly kind: string; readonly owner: string; readonly names: string[] }>();
  for (const { kind, owner, name } of [...ids].map(columnOf)) {
    const found = byOwner.get(`${kind} ${owner}`) ?? { kind, owner, names: [] };
    found.names.push(name);
    byOwner.set(`${kind} ${owner}`, found);
  }
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        {byOwner.size === 0 && none}
        {[...byOwner.values()].map(({ kind, owner, names }) => (
          <p key={`${kind} ${owner}`}>
            <a href={hrefOf(['lineage', kind, owner])}>{owner}</a>:{' '}
            {names.map((name, i) => (
              <span key={name}>
                {i === 0 ? '' : ', '}
                <a href={hrefOf(['lineage', kind, owner, name])}>{name}</a>
              </span>
            ))}
          </p>
        ))}
      </dd>
    </div>
  );
}
