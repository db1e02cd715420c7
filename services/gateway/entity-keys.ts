import type { EntityKey } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { encodeJson, type JsonTree } from '../../libs/rest/json-text.js';
import { jsonToValue } from '../../libs/rest/value-json.js';
import type { KeyValue } from './reads.js';

/** An entity as it was asked for, and as the query service takes it. The service coerces text to the key's type. */
export class AskedEntity {
  /** The key's values, in the order of its fields. */
  readonly values: readonly KeyValue[];
  /** To be repeated in the answer, as it was sent. */
  readonly echo: JsonTree;

  constructor(values: readonly KeyValue[], echo: JsonTree) {
    this.values = values;
    this.echo = echo;
  }

  /** As a message, made when it is asked for: who asks the engine of this process needs none. */
  get key(): EntityKey {
    return entityKeyOf(this.values);
  }
}

export function entityKeyOf(values: readonly KeyValue[]): EntityKey {
  return { $typeName: 'thyme.v1.EntityKey', values: values.map((value) => jsonToValue(value, 'entity')) };
}

/** The names of the key's fields in order; asked only for keys that are given by name. */
export type KeyFields = () => Promise<readonly string[]>;

/** An entity as a body has it: text, a number (REST 8), a bool, or an object with the fields of a composite key. */
export function entityFromJson(json: unknown, place: string, fields: KeyFields): AskedEntity | Promise<AskedEntity> {
  if (typeof json === 'string' || typeof json === 'number' || typeof json === 'boolean')
    return new AskedEntity([keyValue(json, place)], json);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalidArgument(place, 'send the key as text, a number or a bool, or as an object of its fields');
  }
  return fromNamed(new Map<string, unknown>(Object.entries(json)), place, fields);
}

/** An entity as a URL has it: `entity_id=value`, or `entity.<field>=value` for each field. */
export function entityFromQuery(query: ReadonlyMap<string, string>, fields: KeyFields): AskedEntity | Promise<AskedEntity> {
  const named = new Map<string, string>();
  for (const [name, value] of query) if (name.startsWith('entity.')) named.set(name.slice('entity.'.length), value);
  const id = query.get('entity_id');
  if (named.size > 0) {
    if (id !== undefined) throw invalidArgument('entity_id', 'is given along with entity.<field>: send one of the two');
    return fromNamed(named, 'entity', fields);
  }
  if (id === undefined)
    throw invalidArgument('entity_id', 'is missing: send entity_id=VALUE, or entity.<field>=VALUE for each field of a composite key');
  return new AskedEntity([id], id);
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
  const keyValues = values.map((value) => keyValue(value, place));
  return new AskedEntity(keyValues, new Map(names.map((name, i) => [name, values[i] ?? null])));
}

function scalar(value: unknown, place: string): KeyValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw invalidArgument(place, 'send text, a number or a bool');
}

function keyValue(value: KeyValue, place: string): KeyValue {
  // JSON numbers beyond 2^53 arrive rounded: the answer would be somebody else's.
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw invalidArgument(place, `${value} is beyond the integers that JSON numbers hold exactly: send it as text`);
  return value === 0 ? 0 : value; // an integer has no negative zero
}
