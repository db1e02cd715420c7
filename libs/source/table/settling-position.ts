import { createHash } from 'node:crypto';
import type { JsonValue } from '../connector.js';
import { brokenPosition, membersOf, placeJson, placeOf, type RowPlace } from './row-place.js';

/**
 * Where the reader of a table stands that does not tell which transaction wrote a row (CONNECTORS 1, 2).
 *
 * A row is settled once its cursor is older than the look-back, by the source's own clock: rows that come later than that are
 * not promised. Rows are read in the order of (cursor, key), each pass from `place` on, the last settled row that was read. So
 * the rows behind it, which are not settled, are read again by each pass, and with them those that have come in between
 * since: what was published of them is `seen`. When no more can be remembered, newer rows wait in the table until they are
 * settled; then they are published without being remembered.
 *
 *   { place?, seen: marks of MARK_LENGTH characters one behind the other, heldFrom?, initialEnd? }
 */
export interface SettlingPosition {
  readonly place: RowPlace | undefined;
  readonly seen: ReadonlySet<string>;
  /** The cursor of the first row that the last pass has left for later. */
  readonly heldFrom: string | undefined;
  /** The end that was there at the first look, until all of it is published: rows up to it are history (S10). Null: there was none. */
  readonly initialEnd: RowPlace | null | undefined;
}

export const FROM_THE_BEGINNING: SettlingPosition = { place: undefined, seen: new Set(), heldFrom: undefined, initialEnd: undefined };

/** 72 bits: among 10,000 rows and as many new ones, two are taken for one in one of 10^13 passes. */
const MARK_LENGTH = 12;
/** Each is 12 bytes of every commit. */
export const SEEN_MAX = 10_000;

export function markOf({ cursor, key }: RowPlace): string {
  return createHash('sha256')
    .update(JSON.stringify([cursor, ...key]))
    .digest('base64url')
    .slice(0, MARK_LENGTH);
}

export function encodeSettling({ place, seen, heldFrom, initialEnd }: SettlingPosition): JsonValue {
  return {
    ...(place === undefined ? {} : { place: placeJson(place) }),
    seen: [...seen].join(''),
    ...(heldFrom === undefined ? {} : { heldFrom }),
    ...(initialEnd === undefined ? {} : { initialEnd: initialEnd === null ? null : placeJson(initialEnd) }),
  };
}

export function decodeSettling(stored: JsonValue | undefined): SettlingPosition {
  if (stored === undefined) return FROM_THE_BEGINNING;
  const { place, seen, heldFrom, initialEnd } = membersOf(stored);
  if (typeof seen !== 'string' || seen.length % MARK_LENGTH !== 0) throw brokenPosition();
  return {
    place: place === undefined ? undefined : placeOf(place),
    seen: new Set(Array.from({ length: seen.length / MARK_LENGTH }, (_, i) => seen.slice(i * MARK_LENGTH, (i + 1) * MARK_LENGTH))),
    heldFrom: heldFrom === undefined ? undefined : String(heldFrom),
    initialEnd: initialEnd === undefined || initialEnd === null ? initialEnd : placeOf(initialEnd),
  };
}
