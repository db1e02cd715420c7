import { invalidArgument } from '../../libs/errors/errors.js';
import { parseObject } from '../../libs/rest/json-scan.js';
import type { RestRequest, RouteBody } from '../../libs/rest/route.js';
import { parseTimestamp } from '../../libs/time/timestamp.js';

// Names are read out of Maps: a member called `__proto__` is one like any other, and ignored like any unknown one.
export type Fields = ReadonlyMap<string, unknown>;

const MIB = 1024 * 1024;

/** A body is one JSON object. */
export function bodyFields({ body }: RestRequest): Fields {
  return parseObject(body);
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

export function requiredList(fields: Fields, name: string, lengthMax: number): readonly unknown[] {
  const value = fields.get(name);
  if (!Array.isArray(value)) throw invalidArgument(name, 'must be a list');
  if (value.length > lengthMax) throw invalidArgument(name, `holds ${value.length} entries; at most ${lengthMax} go into one request: send several`);
  return value;
}

/** S1: RFC 3339, a date, or epoch seconds as a number or as text. `place` names the row, where there are rows. */
export function timestampUs(value: unknown, place: string): bigint {
  try {
    return BigInt(parseTimestamp(value));
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

export function limitOf(query: ReadonlyMap<string, string>, options: { readonly fallback: number; readonly max: number }): number {
  const text = query.get('limit');
  if (text === undefined) return options.fallback;
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) throw invalidArgument('limit', `'${text.slice(0, 32)}' is no integer from 1 to ${options.max}`);
  return Math.min(Number(text), options.max);
}
