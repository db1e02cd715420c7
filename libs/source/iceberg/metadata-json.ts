import { type ExactJson, ExactNumber } from '../../codec/exact-json.js';
import { icebergError } from './iceberg-error.js';

export type JsonObject = Readonly<Record<string, ExactJson | undefined>>;

export function objectOf(json: ExactJson | undefined, place: string): JsonObject {
  if (typeof json === 'object' && json !== null && !Array.isArray(json) && !(json instanceof ExactNumber)) return json as JsonObject; // what is left
  throw broken(place, 'an object');
}

export function listOf(json: ExactJson | undefined, place: string): readonly ExactJson[] {
  if (json === undefined || json === null) return [];
  if (Array.isArray(json)) return json as readonly ExactJson[]; // isArray loses the type of what is in it
  throw broken(place, 'a list');
}

export function textOf(json: ExactJson | undefined, place: string): string {
  if (typeof json === 'string') return json;
  throw broken(place, 'text');
}

export function numberOf(json: ExactJson | undefined, place: string): number {
  if (typeof json === 'number') return json;
  throw broken(place, 'a number');
}

/** The digits of an integer of any size, such as the id of a snapshot; undefined where there is none. */
export function idOf(json: ExactJson | undefined, place: string): string | undefined {
  if (json === undefined || json === null) return undefined;
  if (typeof json === 'number' || json instanceof ExactNumber) return String(json);
  throw broken(place, 'an integer');
}

function broken(place: string, what: string): Error {
  return icebergError('TABLE', `the table's metadata cannot be read: ${place} is not ${what}`);
}
