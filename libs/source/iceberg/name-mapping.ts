import { type ExactJson, parseExactJson } from '../../codec/exact-json.js';
import { icebergError } from './iceberg-error.js';
import { listOf, numberOf, objectOf, textOf } from './metadata-json.js';

/** Which ids the columns of files have that were written without ids, by their names there. */
export type NameMapping = readonly MappedName[];

export interface MappedName {
  readonly id: number | undefined;
  readonly names: readonly string[];
  readonly fields: NameMapping;
}

/** The table's property `schema.name-mapping.default`. */
export function readNameMapping(property: ExactJson | undefined): NameMapping | undefined {
  if (typeof property !== 'string') return undefined;
  try {
    return mappingOf(parseExactJson(property));
  } catch (cause) {
    throw icebergError('TABLE', "the table's property schema.name-mapping.default cannot be read", cause);
  }
}

function mappingOf(json: ExactJson | undefined): NameMapping {
  return listOf(json, 'name mapping').map((one) => {
    const entry = objectOf(one, 'name mapping');
    return {
      id: entry['field-id'] === undefined ? undefined : numberOf(entry['field-id'], 'field-id'),
      names: listOf(entry['names'], 'names').map((name) => textOf(name, 'names')),
      fields: mappingOf(entry['fields']),
    };
  });
}

export function mappedName(mapping: NameMapping | undefined, name: string): MappedName | undefined {
  return mapping?.find(({ names }) => names.includes(name));
}
