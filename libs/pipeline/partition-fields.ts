import type { DatasetDefinition } from '../definition/definitions.js';

/**
 * The fields whose values are the key of a record in the dataset's topic: of a change those that name its row (S17), of
 * an event its entity's.
 */
export function partitionFields({ cdc, keys }: Pick<DatasetDefinition, 'cdc' | 'keys'>): readonly string[] {
  return cdc?.rowKey ?? keys;
}

/** Whether an entity has the same key's bytes in both versions of a dataset. */
export function hasSameKeys(a: Pick<DatasetDefinition, 'keys' | 'fields'>, b: Pick<DatasetDefinition, 'keys' | 'fields'>): boolean {
  const kind = ({ fields }: Pick<DatasetDefinition, 'fields'>, key: string): string | undefined =>
    fields.find(({ name }) => name === key)?.type.kind;
  return a.keys.length === b.keys.length && a.keys.every((key, i) => key === b.keys[i] && kind(a, key) === kind(b, key));
}
