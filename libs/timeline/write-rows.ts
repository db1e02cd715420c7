import { appendRows } from './append-rows.js';
import { layoutOf } from './layout.js';
import { TimelineWriter } from './timeline-writer.js';
import type { PageWriter } from './page-access.js';
import type { RowEnd, TimelineRow, TimelineShape } from './timeline.js';

/**
 * Writes one tick's rows of a group, trims it to the horizon (S20), and flushes. Most ticks bring a group a few rows newer than
 * all it has: those are put behind the others without a writer (append-rows.ts).
 */
export function writeRows(
  shape: TimelineShape,
  store: PageWriter,
  headKey: Uint8Array,
  rows: readonly TimelineRow[],
  horizonUs = Number.NEGATIVE_INFINITY,
): void {
  if (appendRows(layoutOf(shape), { store, headKey, horizonUs }, rows)) return;
  const writer = new TimelineWriter(shape, store, headKey);
  for (const row of rows) writer.insert(row);
  writer.trim(horizonUs);
  writer.flush();
}

/** What a tick has for a group of a timeline that may be retracted. */
export interface GroupChanges {
  readonly rows: readonly TimelineRow[];
  /** Of these rows, or of earlier ones. */
  readonly ends: readonly RowEnd[];
  /** Absent where ended rows are kept for ever (S20). */
  readonly horizonUs?: number | undefined;
}

/**
 * Writes one tick's rows of a group, ends others (S17), trims ended ones (S20), and flushes: each page is written once. Returns
 * how many of the rows that were to be ended were there.
 */
export function writeChanges(
  shape: TimelineShape,
  store: PageWriter,
  headKey: Uint8Array,
  { rows, ends, horizonUs }: GroupChanges,
): number {
  const writer = new TimelineWriter(shape, store, headKey);
  for (const row of rows) writer.insert(row);
  let found = 0;
  for (const end of ends) if (writer.end(end)) found++;
  if (horizonUs !== undefined) writer.trim(horizonUs);
  writer.flush();
  return found;
}
