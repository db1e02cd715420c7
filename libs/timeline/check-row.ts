import assert from 'node:assert/strict';
import type { Layout } from './layout.js';
import type { TimelineRow } from './timeline.js';

/** Before anything is changed: a page half changed would be worse than the mistake. */
export function checkRow(row: TimelineRow, layout: Layout): void {
  assert(Number.isFinite(row.eventTimeUs) && Number.isFinite(row.knownUs), 'a row has no time');
  assert.equal(row.values.length, layout.columnCount, 'a row has not the columns of its timeline');
  for (let column = 0; column < layout.columnCount; column++) {
    const value = row.values[column];
    if (value === null) continue;
    if (layout.isNumber[column]!) assert(typeof value === 'number' && Number.isFinite(value), 'a column of numbers takes finite numbers only');
    else assert(value instanceof Uint8Array, 'a column of bytes takes bytes only');
  }
}
