import type { InnerPage } from './inner-page.js';
import { COLUMN_COUNT, COLUMN_MAX, COLUMN_MIN } from './layout.js';
import type { RowPage } from './row-page.js';

/**
 * What a partial says of a column but for its sum: how many values there are, and between which they lie. Counts, extremes and
 * percentiles ask for no more, and most of what reading a window's edges costs is its sum.
 */
export class ColumnRange {
  count = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;

  /** Adds rows [start, end), leaving out what was not known by `knownAtUs` (T4). */
  addRows(page: RowPage, column: number, range: { readonly start: number; readonly end: number; readonly knownAtUs: number }): void {
    if (page.layout.isNumber[column]!) this.#addNumbers(page, column, range);
    else {
      for (let index = range.start; index < range.end; index++) {
        if (!page.isNull(index, column) && page.known(index) <= range.knownAtUs) this.count++;
      }
    }
  }

  addEntry(page: InnerPage, index: number, column: number): void {
    const at = page.layout.partialAt[column]!;
    const count = page.field(index, at + COLUMN_COUNT);
    if (count === 0) return;
    this.count += count;
    if (!page.layout.isNumber[column]!) return;
    this.min = Math.min(this.min, page.field(index, at + COLUMN_MIN));
    this.max = Math.max(this.max, page.field(index, at + COLUMN_MAX));
  }

  #addNumbers(page: RowPage, column: number, range: { readonly start: number; readonly end: number; readonly knownAtUs: number }): void {
    let { count, min, max } = this;
    for (let index = range.start; index < range.end; index++) {
      const value = page.number(index, column);
      // NaN, the null, is not equal to itself.
      if (value !== value || page.known(index) > range.knownAtUs) continue;
      count++;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.count = count;
    this.min = min;
    this.max = max;
  }
}
