import { Section } from '../parts.js';
import { hrefOf } from '../place.js';
import type { Status } from '../status.js';
import { Columns } from './column-view.js';
import { featuresOn, type LineageGraph, type LineageNode } from './graph.js';

interface ConsequencesProps {
  readonly chosen: LineageNode;
  readonly graph: LineageGraph;
  readonly up: ReadonlySet<string>;
  readonly down: ReadonlySet<string>;
  readonly status: Status;
  /** The column of it that is looked at; undefined for the whole. */
  readonly column: string | undefined;
}

/** What breaks if the chosen one changes, down to features. */
export function Consequences({ chosen, graph, up, down, status, column }: ConsequencesProps) {
  const touched = featuresOn(status, new Set([chosen.id, ...down]), chosen.id);
  return (
    <Section
      title={`If ${chosen.title} changes`}
      aside={chosen.kind === 'source' ? undefined : <a href={hrefOf(['catalog', chosen.kind, chosen.name])}>Its definition</a>}
    >
      <dl class="facts">
        <div>
          <dt>It stands on</dt>
          <dd>{up.size === 0 ? 'nothing before it' : <Nodes ids={up} graph={graph} />}</dd>
        </div>
        <div>
          <dt>On it stand</dt>
          <dd>{down.size === 0 ? 'nothing' : <Nodes ids={down} graph={graph} />}</dd>
        </div>
        {[...touched].map(([name, features]) => (
          <div key={name}>
            <dt>Features of {name}</dt>
            <dd>{features.map((feature) => feature.name).join(', ')}</dd>
          </div>
        ))}
      </dl>
      {(chosen.kind === 'dataset' || chosen.kind === 'featureset') && (
        <Columns kind={chosen.kind} name={chosen.name} chosen={column} status={status} />
      )}
      <p class="quiet">As the definitions say it. What an extractor looks up in its code is not among them.</p>
    </Section>
  );
}

function Nodes({ ids, graph }: { readonly ids: ReadonlySet<string>; readonly graph: LineageGraph }) {
  return (
    <>
      {[...ids].flatMap((id, i) => {
        const node = graph.nodes.get(id);
        return node === undefined
          ? []
          : [
              i === 0 ? '' : ', ',
              <a key={id} href={hrefOf(['lineage', node.kind, node.name])}>
                {node.title}
              </a>,
            ];
      })}
    </>
  );
}
