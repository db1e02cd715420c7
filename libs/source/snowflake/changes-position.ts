import type { JsonValue } from '../connector.js';
import { brokenPosition, membersOf } from '../table/row-place.js';

/**
 * Which changes of a table were published: all up to the instant `at` (null: none), and `taken` of those from there up to `until`, in the
 * order of changes-sql.ts. What lies between two instants never changes, so it is the same whenever it is read again; and what was
 * published of an interval is committed with its end, so a restart ends it where it began it.
 *
 *   { at, until, taken }
 */
export interface ChangesPosition {
  /** As SQL reads it: `2026-01-31T12:00:00.000001+00:00`. */
  readonly at: string | null;
  /** The end of the interval that is under way; null between two. */
  readonly until: string | null;
  readonly taken: number;
}

export const NOTHING_TAKEN: ChangesPosition = { at: null, until: null, taken: 0 };

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?\+00:00$/;

export function encodeChanges({ at, until, taken }: ChangesPosition): JsonValue {
  return { at, until, taken };
}

/** Instants are written into statements, so nothing else passes. */
export function decodeChanges(stored: JsonValue | undefined): ChangesPosition {
  if (stored === undefined) return NOTHING_TAKEN;
  const { at, until, taken } = membersOf(stored);
  if (!isInstant(at) || !isInstant(until) || typeof taken !== 'number' || !Number.isSafeInteger(taken) || taken < 0) throw brokenPosition();
  return { at, until, taken };
}

function isInstant(value: JsonValue | undefined): value is string | null {
  return value === null || (typeof value === 'string' && INSTANT.test(value));
}
