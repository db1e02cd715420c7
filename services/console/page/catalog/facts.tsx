import type { ComponentChildren } from 'preact';
import { hrefOf } from '../place.js';
import type { Described } from '../status.js';

export type Fact = readonly [name: string, value: ComponentChildren];

/** What is said of a definition: its author's words, and facts below one another. */
export function Facts({
  of: { description, owner, tags, deprecated },
  facts,
}: {
  readonly of: Described;
  readonly facts: readonly Fact[];
}) {
  const all: readonly Fact[] = [...facts, ['Owner', owner], ['Tags', tags.join(', ')], ['Deprecated', deprecated ? 'yes' : '']];
  return (
    <>
      {description !== '' && <p class="lead">{description}</p>}
      <dl class="facts">
        {all.map(([name, value]) =>
          value === '' || value === null || (Array.isArray(value) && value.length === 0) ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
    </>
  );
}

/** Names as links to their own pages. */
export function links(kind: 'dataset' | 'pipeline' | 'featureset', names: readonly string[]): ComponentChildren[] {
  return names.map((name, i) => (
    <span key={name}>
      {i === 0 ? '' : ', '}
      <a href={hrefOf(['catalog', kind, name])}>{name}</a>
    </span>
  ));
}
