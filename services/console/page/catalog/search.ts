import type { Described, Status } from '../status.js';

export interface CatalogEntry extends Described {
  readonly kind: 'dataset' | 'pipeline' | 'featureset';
  /** Names of fields or features. */
  readonly parts: readonly string[];
}

export function entriesOf({ datasets, pipelines, featuresets }: Status): readonly CatalogEntry[] {
  return [
    ...featuresets.map((one) => ({ ...described(one), kind: 'featureset' as const, parts: one.features.map(({ name }) => name) })),
    ...datasets.map((one) => ({ ...described(one), kind: 'dataset' as const, parts: one.fields.map(({ name }) => name) })),
    ...pipelines.map((one) => ({
      ...described(one),
      kind: 'pipeline' as const,
      parts: [`${one.input_datasets.join(', ')} → ${one.output_dataset}`],
    })),
  ];
}

function described({ name, description, owner, tags, deprecated }: Described): Described {
  return { name, description, owner, tags, deprecated };
}

/** Those in which every word of the text occurs, whatever its case. */
export function matching(entries: readonly CatalogEntry[], text: string): readonly CatalogEntry[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return entries;
  return entries.filter(({ kind, name, description, owner, tags, parts }) => {
    const whole = [kind, name, description, owner, ...tags, ...parts].join('\n').toLowerCase();
    return words.every((word) => whole.includes(word));
  });
}
