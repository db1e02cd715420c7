import assert from 'node:assert/strict';
import type { Layout } from './layout.js';
import type { RowEnd, TimelineRow } from './timeline.js';

/** Before anything is changed: a page half changed would be worse than the mistake. */
export function checkRow(row: TimelineRow, layout: Layout): void {
  assert(Number.isFinite(row.eventTimeUs) && Number.isFinite(row.knownUs), 'a row has no time');
  assert(row.startUs === undefined || (Number.isFinite(row.startUs) && layout.startAt >= 0), 'a row has a start where none can be');
  assert.equal(row.values.length, layout.columnCount, 'a row has not the columns of its timeline');
  for (let column = 0; column < layout.columnCount; column++) {
    const value = row.values[column];
    if (value === null) continue;
    if (layout.isNumber[column]!)
      assert(typeof value === 'number' && Number.isFinite(value), 'a column of numbers takes finite numbers only');
    else assert(value instanceof Uint8Array, 'a column of bytes takes bytes only');
  }
}

export function checkEnd({ eventTimeUs, endUs, endKnownUs }: RowEnd, { startAt }: Layout): void {
  assert(startAt >= 0, 'a row is ended in a timeline that nothing is taken back from');
  assert(Number.isFinite(eventTimeUs) && Number.isFinite(endUs) && Number.isFinite(endKnownUs), 'an end has no time');
}
