import { PairSum } from './exact-sum.js';
import type { InnerPage } from './inner-page.js';
import {
  COLUMN_COUNT,
  COLUMN_MAX,
  COLUMN_MIN,
  COLUMN_SUM_ERROR,
  COLUMN_SUM_HI,
  COLUMN_SUM_LO,
  ENTRY_ALIVE,
  ENTRY_COLUMNS,
  ENTRY_START_MAX,
  ENTRY_KNOWN_MAX,
  ENTRY_KNOWN_MIN,
  ENTRY_OFFSET_MAX,
  ENTRY_ROWS,
  ENTRY_SOURCE_MAX,
  ENTRY_TIME_MAX,
  ENTRY_TIME_MIN,
  type Layout,
  ROW_OFFSET,
  ROW_SOURCE,
} from './layout.js';
import type { RowPage } from './row-page.js';

/** What a set of rows amounts to in one column: neutral when fresh, mergeable in any order (S8). */
export class ColumnPartial {
  count = 0;
  readonly sum = new PairSum();
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
    this.sum.add(page.field(index, at + COLUMN_SUM_HI), page.field(index, at + COLUMN_SUM_LO), page.field(index, at + COLUMN_SUM_ERROR));
    this.min = Math.min(this.min, page.field(index, at + COLUMN_MIN));
    this.max = Math.max(this.max, page.field(index, at + COLUMN_MAX));
  }

  /** Writes the partial into an entry. */
  store(page: InnerPage, index: number, column: number): void {
    const at = index * page.layout.entryWords + page.layout.partialAt[column]!;
    page.words[at + COLUMN_COUNT] = this.count;
    if (!page.layout.isNumber[column]!) return;
    page.words[at + COLUMN_SUM_HI] = this.sum.hi;
    page.words[at + COLUMN_SUM_LO] = this.sum.lo;
    page.words[at + COLUMN_SUM_ERROR] = this.sum.error;
    page.words[at + COLUMN_MIN] = this.min;
    page.words[at + COLUMN_MAX] = this.max;
  }

  /** The pair sum of PairSum.add, for single values and in local variables: this loop is what reading an edge costs. */
  #addNumbers(page: RowPage, column: number, range: { readonly start: number; readonly end: number; readonly knownAtUs: number }): void {
    let { count, min, max } = this;
    let [hi, lo, error] = [0, 0, 0];
    for (let index = range.start; index < range.end; index++) {
      const value = page.number(index, column);
      // NaN, the null, is not equal to itself.
      if (value !== value || page.known(index) > range.knownAtUs) continue;
      count++;
      if (value < min) min = value;
      if (value > max) max = value;
      const s = hi + value;
      const sb = s - hi;
      const e = hi - (s - sb) + (value - sb);
      const t = lo + e;
      const tb = t - lo;
      error += Math.abs(lo - (t - tb) + (e - tb));
      hi = s + t;
      const hb = hi - s;
      lo = s - (hi - hb) + (t - hb);
    }
    this.sum.add(hi, lo, error);
    Object.assign(this, { count, min, max });
  }
}

/** Fills an entry from its leaf's rows: from all of them, since partials are never corrected (T3). */
export function describeLeaf(parent: InnerPage, index: number, leaf: RowPage): void {
  const { layout } = parent;
  const at = index * layout.entryWords;
  const last = (leaf.count - 1) * layout.rowWords;
  let [knownMin, knownMax, startMax] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = 0; row < leaf.count; row++) {
    knownMin = Math.min(knownMin, leaf.known(row));
    knownMax = Math.max(knownMax, leaf.known(row));
    if (layout.startAt >= 0) startMax = Math.max(startMax, leaf.start(row));
  }
  parent.words[at + ENTRY_ROWS] = leaf.count;
  parent.words[at + ENTRY_ALIVE] = leaf.count;
  parent.words[at + ENTRY_TIME_MIN] = leaf.time(0);
  parent.words[at + ENTRY_TIME_MAX] = leaf.time(leaf.count - 1);
  parent.words[at + ENTRY_SOURCE_MAX] = leaf.words[last + ROW_SOURCE]!;
  parent.words[at + ENTRY_OFFSET_MAX] = leaf.words[last + ROW_OFFSET]!;
  parent.words[at + ENTRY_START_MAX] = startMax;
  parent.words[at + ENTRY_KNOWN_MIN] = knownMin;
  parent.words[at + ENTRY_KNOWN_MAX] = knownMax;
  for (let column = 0; column < layout.columnCount; column++) {
    const partial = new ColumnPartial();
    partial.addRows(leaf, column, { start: 0, end: leaf.count, knownAtUs: Number.POSITIVE_INFINITY });
    partial.store(parent, index, column);
  }
}

/** Fills an entry from the entries of its inner page, or of any list of entries in time order. */
export function describeInner(parent: InnerPage, index: number, child: InnerPage): void {
  const { layout } = parent;
  const at = index * layout.entryWords;
  // Child and flags stay; of the rest, the last entry has the greatest key.
  parent.words.set(
    child.words.subarray((child.count - 1) * layout.entryWords + ENTRY_ROWS, (child.count - 1) * layout.entryWords + ENTRY_COLUMNS),
    at + ENTRY_ROWS,
  );
  mergeBounds(layout, parent.words.subarray(at, at + ENTRY_COLUMNS), child);
  for (let column = 0; column < layout.columnCount; column++) {
    const partial = new ColumnPartial();
    for (let entry = 0; entry < child.count; entry++) partial.addEntry(child, entry, column);
    partial.store(parent, index, column);
  }
}

function mergeBounds(layout: Layout, out: Float64Array, child: InnerPage): void {
  for (let entry = 0; entry < child.count - 1; entry++) {
    const at = entry * layout.entryWords;
    out[ENTRY_ROWS]! += child.words[at + ENTRY_ROWS]!;
    out[ENTRY_ALIVE]! += child.words[at + ENTRY_ALIVE]!;
    out[ENTRY_TIME_MIN] = Math.min(out[ENTRY_TIME_MIN]!, child.words[at + ENTRY_TIME_MIN]!);
    out[ENTRY_START_MAX] = Math.max(out[ENTRY_START_MAX]!, child.words[at + ENTRY_START_MAX]!);
    out[ENTRY_KNOWN_MIN] = Math.min(out[ENTRY_KNOWN_MIN]!, child.words[at + ENTRY_KNOWN_MIN]!);
    out[ENTRY_KNOWN_MAX] = Math.max(out[ENTRY_KNOWN_MAX]!, child.words[at + ENTRY_KNOWN_MAX]!);
  }
}
