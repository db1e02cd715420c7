import { create } from '@bufbuild/protobuf';
import { EntityKeySchema, type EntityKey } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { jsonToValue } from '../../libs/rest/value-json.js';

/** An entity as it was asked for, and as the query service takes it. The service coerces text to the key's type. */
export interface AskedEntity {
  readonly key: EntityKey;
  /** To be repeated in the answer, as it was sent. */
  readonly echo: JsonTree;
}

/** The names of the key's fields in order; asked only for keys that are given by name. */
export type KeyFields = () => Promise<readonly string[]>;

/** An entity as a body has it: text, a number (REST 8), a bool, or an object with the fields of a composite key. */
export async function entityFromJson(json: unknown, place: string, fields: KeyFields): Promise<AskedEntity> {
  if (typeof json === 'string' || typeof json === 'number' || typeof json === 'boolean') return { key: keyOf([json], place), echo: json };
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalidArgument(place, 'send the key as text, a number or a bool, or as an object of its fields');
  }
  return fromNamed(new Map<string, unknown>(Object.entries(json)), place, fields);
}

/** An entity as a URL has it: `entity_id=value`, or `entity.<field>=value` for each field. */
export async function entityFromQuery(query: ReadonlyMap<string, string>, fields: KeyFields): Promise<AskedEntity> {
  const named = new Map(
    [...query].filter(([name]) => name.startsWith('entity.')).map(([name, value]) => [name.slice('entity.'.length), value]),
  );
  const id = query.get('entity_id');
  if (named.size > 0) {
    if (id !== undefined) throw invalidArgument('entity_id', 'is given along with entity.<field>: send one of the two');
    return fromNamed(named, 'entity', fields);
  }
  if (id === undefined)
    throw invalidArgument('entity_id', 'is missing: send entity_id=VALUE, or entity.<field>=VALUE for each field of a composite key');
  return { key: keyOf([id], 'entity_id'), echo: id };
}

/** The key as one text, for a column of entities. */
export function entityText({ echo }: AskedEntity): string {
  return typeof echo === 'string' ? echo : encodeJson(echo);
}

async function fromNamed(named: ReadonlyMap<string, unknown>, place: string, fields: KeyFields): Promise<AskedEntity> {
  const names = await fields();
  const missing = names.filter((name) => !named.has(name));
  const unknown = [...named.keys()].filter((name) => !names.includes(name));
  if (missing.length > 0 || unknown.length > 0) {
    throw invalidArgument(
      place,
      `the key has the fields ${names.join(', ')}; ${missing.length > 0 ? `missing: ${missing.join(', ')}` : `unknown: ${unknown.join(', ').slice(0, 128)}`}`,
    );
  }
  const values = names.map((name) => scalar(named.get(name), `${place}.${name}`));
  return { key: keyOf(values, place), echo: new Map(names.map((name, i) => [name, values[i] ?? null])) };
}

function scalar(value: unknown, place: string): string | number | boolean {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw invalidArgument(place, 'send text, a number or a bool');
}

function keyOf(values: readonly (string | number | boolean)[], place: string): EntityKey {
  for (const value of values) {
    // JSON numbers beyond 2^53 arrive rounded: the answer would be somebody else's.
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw invalidArgument(place, `${value} is beyond the integers that JSON numbers hold exactly: send it as text`);
    }
  }
  return create(EntityKeySchema, { values: values.map((value) => jsonToValue(value, place)) });
}
