import type { Value } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { parseObject } from '../../libs/rest/json-scan.js';
import { refuseUnknown } from '../../libs/rest/known-names.js';
import type { JsonSchema, RestRequest, RouteBody } from '../../libs/rest/route.js';
import { jsonToFields } from '../../libs/rest/value-json.js';
import { parseTimestamp } from '../../libs/time/timestamp.js';
import type { RowAsked } from './reads.js';

// Names are read out of Maps: a member called `__proto__` is one like any other, and refused like any unknown one.
export type Fields = ReadonlyMap<string, unknown>;

const MIB = 1024 * 1024;

/** A body is one JSON object, and has no other members than its schema names. */
export function bodyFields({ body }: RestRequest, schema: JsonSchema): Fields {
  const fields = parseObject(body);
  refuseUnknownMembers(fields.keys(), schema);
  return fields;
}

/** `prefix` is put before the name of what is refused: `queries[3].`. */
export function refuseUnknownMembers(names: Iterable<string>, { properties = {} }: JsonSchema, prefix = ''): void {
  const known = properties as object; // such is a JSON Schema
  for (const name of names) if (!Object.hasOwn(known, name)) refuseUnknown([name], { kind: 'member', known: Object.keys(known), prefix });
}

/** Request-time inputs by name; null counts as none. */
export function inputsAt(value: unknown, place: string): Record<string, Value> {
  return jsonToFields(objectAt(value, place), place);
}

/** The same as they came, for who reads them by their types; a negative zero, which is an integer in JSON, as a zero. */
export function plainInputsAt(value: unknown, place: string): ReadonlyMap<string, unknown> {
  const inputs = new Map<string, unknown>();
  for (const [name, input] of Object.entries(objectAt(value, place))) inputs.set(name, plainOf(input));
  return inputs;
}

function objectAt(value: unknown, place: string): object {
  const inputs = value ?? {};
  if (typeof inputs !== 'object' || Array.isArray(inputs)) throw invalidArgument(place, 'must be an object of inputs by name');
  return inputs;
}

function plainOf(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json === 0 ? 0 : json;
  if (Array.isArray(json)) return json.map(plainOf);
  return Object.fromEntries(Object.entries(json).map(([name, member]) => [name, plainOf(member)])); // own members, of whatever names
}

export function jsonBody(schema: RouteBody['schema'], options: { readonly mebibytesMax: number; readonly wayOut: string }): RouteBody {
  return { bytesMax: options.mebibytesMax * MIB, wayOut: options.wayOut, types: ['application/json'], schema };
}

export function requiredText(fields: Fields, name: string): string {
  const value = optionalText(fields, name);
  if (value === undefined || value === '') throw invalidArgument(name, 'is missing');
  return value;
}

/** Null counts as absent: clients send it for what they leave out. */
export function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields.get(name) ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw invalidArgument(name, 'must be text');
}

export function optionalFlag(fields: Fields, name: string): boolean {
  const value = fields.get(name) ?? false;
  if (typeof value !== 'boolean') throw invalidArgument(name, 'must be true or false');
  return value;
}

export function requiredList(fields: Fields, name: string, lengthMax: number): readonly unknown[] {
  const value = fields.get(name);
  if (!Array.isArray(value)) throw invalidArgument(name, 'must be a list');
  if (value.length > lengthMax)
    throw invalidArgument(name, `holds ${value.length} entries; at most ${lengthMax} go into one request: send several`);
  return value;
}

/** S1: RFC 3339, a date, or epoch seconds as a number or as text. `place` names the row, where there are rows. */
export function timestampUs(value: unknown, place: string): bigint {
  return BigInt(instantAt(value, place));
}

function instantAt(value: unknown, place: string): number {
  try {
    return parseTimestamp(value);
  } catch (error) {
    throw invalidArgument(place, error instanceof Error ? error.message : 'is no timestamp');
  }
}

export function optionalTimestampUs(fields: Fields, name: string): bigint | undefined {
  const value = fields.get(name) ?? undefined;
  return value === undefined ? undefined : timestampUs(value, name);
}

/** The instants and the token that every read may name. */
export function readOptions(fields: Fields): { readonly timestampUs?: bigint; readonly knownAtUs?: bigint; readonly after?: string } {
  const timestamp = optionalTimestampUs(fields, 'timestamp');
  const knownAt = optionalTimestampUs(fields, 'known_at');
  const after = optionalText(fields, 'after');
  return {
    ...(timestamp === undefined ? {} : { timestampUs: timestamp }),
    ...(knownAt === undefined ? {} : { knownAtUs: knownAt }),
    ...(after === undefined ? {} : { after }),
  };
}

/** The same as plain numbers of microseconds. */
export function readTimes(fields: Fields): Pick<RowAsked, 'timestampUs' | 'knownAtUs' | 'after'> {
  return {
    timestampUs: optionalInstant(fields, 'timestamp'),
    knownAtUs: optionalInstant(fields, 'known_at'),
    after: optionalText(fields, 'after'),
  };
}

function optionalInstant(fields: Fields, name: string): number | undefined {
  const value = fields.get(name) ?? undefined;
  return value === undefined ? undefined : instantAt(value, name);
}

export function limitOf(query: ReadonlyMap<string, string>, options: { readonly fallback: number; readonly max: number }): number {
  const text = query.get('limit');
  if (text === undefined) return options.fallback;
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1)
    throw invalidArgument('limit', `'${text.slice(0, 32)}' is no integer from 1 to ${options.max}`);
  return Math.min(Number(text), options.max);
}
