import type { JsonValue } from '../connector.js';
import { SourceError } from '../source-error.js';

/** Within a snapshot that is being read. */
export interface PlaceInSnapshot {
  readonly snapshot: string;
  /** The file, by its place in the snapshot's order of files; the rows of what a snapshot changes are counted as one file. */
  readonly file: number;
  /** The next row of that file. */
  readonly row: number;
}

/**
 * Which rows have been read (Y1): all of the table as it was after `seen`, and those before `at`.
 *
 *   { table, seen, first?, changedUs, at?: { snapshot, file, row } }
 *
 * Snapshots never change, so the files of one, ordered by (sequence number, path), are the same whenever it is read again.
 */
export interface TablePosition {
  /** The table's own id: a table that was dropped and made anew has another one. */
  readonly table: string;
  /** The last snapshot whose rows were all read; null before the first. */
  readonly seen: string | null;
  /** The snapshot that was current when the table was read for the first time: its rows are history (S10). */
  readonly first: string | null;
  /** The change time of the last rows (S17): it never goes back, whatever the writers' clocks do. */
  readonly changedUs: number;
  readonly at: PlaceInSnapshot | null;
}

export function encodePosition({ table, seen, first, changedUs, at }: TablePosition): JsonValue {
  return { table, seen, first, changedUs, at: at === null ? null : { ...at } };
}

export function decodePosition(stored: JsonValue): TablePosition {
  const position = membersOf(stored);
  const { table, seen, first, changedUs, at } = position;
  if (typeof table !== 'string' || !isId(seen) || !isId(first) || typeof changedUs !== 'number') throw broken();
  return { table, seen, first, changedUs, at: at === null || at === undefined ? null : placeOf(at) };
}

export function describePosition({ seen, at }: TablePosition): string {
  if (at !== null) return `snapshot ${at.snapshot}, file ${at.file + 1}, ${at.row} rows of it`;
  return seen === null ? 'an empty table' : `snapshot ${seen}`;
}

function placeOf(stored: JsonValue): PlaceInSnapshot {
  const { snapshot, file, row } = membersOf(stored);
  if (typeof snapshot !== 'string' || typeof file !== 'number' || typeof row !== 'number') throw broken();
  return { snapshot, file, row };
}

function membersOf(stored: JsonValue): Readonly<Record<string, JsonValue | undefined>> {
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) throw broken();
  return stored as Readonly<Record<string, JsonValue>>; // neither null nor a list
}

function isId(value: JsonValue | undefined): value is string | null {
  return value === null || typeof value === 'string';
}

function broken(): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_POSITION', 'the stored position of the source is not one of an Iceberg table');
}
