import { ColumnRange } from './column-range.js';
import { type CoverItem, coverWindow, expandEntry, type WindowBounds } from './cover.js';
import { endedWithin } from './ended-rows.js';
import { ExactSum } from './exact-sum.js';
import { COLUMN_COUNT, COLUMN_SUM_ERROR, COLUMN_SUM_HI, COLUMN_SUM_LO, ENTRY_ROWS } from './layout.js';
import { BASE_ID } from './page-keys.js';
import { ColumnPartial } from './partials.js';
import type { RankSearch } from './rank-search.js';
import type { RowPage } from './row-page.js';
import type { TimelinePages } from './timeline-pages.js';

/** One window at one instant, for all that is asked of it: what was once computed is kept. */
export class WindowView {
  readonly #partials: (ColumnPartial | undefined)[] = [];
  readonly #ranges: (ColumnRange | undefined)[] = [];
  readonly #sums: (number | undefined)[] = [];
  /** All that the window consists of; folds take it in any order. */
  readonly items: readonly CoverItem[];
  /** The current rows among these, oldest first, and the ended ones that still count at this instant (S17). */
  readonly current: readonly CoverItem[];
  readonly ended: RowPage | undefined;
  /** Kept by percentiles.ts, by column: several percentiles of one window share it. */
  readonly rankSearches: (RankSearch | undefined)[] = [];

  constructor(
    readonly pages: TimelinePages,
    readonly bounds: WindowBounds,
  ) {
    this.current = coverWindow(pages, bounds);
    this.ended = endedWithin(pages, bounds);
    const { current, ended } = this;
    this.items = ended === undefined ? current : [...current, { kind: 'rows', page: ended, start: 0, end: ended.count }];
  }

  /** All events, whatever their columns hold (S6). */
  rowCount(): number {
    let count = 0;
    for (const item of this.items) {
      if (item.kind === 'entry') count += item.page.field(item.index, ENTRY_ROWS);
      else if (this.bounds.knownAtUs === Number.POSITIVE_INFINITY) count += item.end - item.start;
      else for (let index = item.start; index < item.end; index++) if (item.page.known(index) <= this.bounds.knownAtUs) count++;
    }
    return count;
  }

  /** Count and extremes: without the sum, unless that was asked for before. */
  range(column: number): Pick<ColumnRange, 'count' | 'min' | 'max'> {
    const known = this.#partials[column] ?? this.#ranges[column];
    if (known !== undefined) return known;
    const range = new ColumnRange();
    for (const item of this.items) {
      if (item.kind === 'entry') range.addEntry(item.page, item.index, column);
      else range.addRows(item.page, column, { start: item.start, end: item.end, knownAtUs: this.bounds.knownAtUs });
    }
    this.#ranges[column] = range;
    return range;
  }

  partial(column: number): ColumnPartial {
    let partial = this.#partials[column];
    if (partial === undefined) {
      partial = new ColumnPartial();
      for (const item of this.items) {
        if (item.kind === 'entry') partial.addEntry(item.page, item.index, column);
        else partial.addRows(item.page, column, { start: item.start, end: item.end, knownAtUs: this.bounds.knownAtUs });
      }
      this.#partials[column] = partial;
    }
    return partial;
  }

  /** The exactly rounded sum (S8); not finite when it overflows. */
  sum(column: number): number {
    return (this.#sums[column] ??= this.partial(column).sum.rounded() ?? this.#exactSum(column));
  }

  /** Null over no values. Finite also where the sum is not (S8). */
  mean(column: number): number | null {
    const { count, min, max } = this.partial(column);
    if (count === 0) return null;
    const sum = this.sum(column);
    if (Number.isFinite(sum)) return sum / count + 0; // -0 is 0, also where a negative sum is too small to be divided
    return Math.min(max, Math.max(min, this.#sumOf(column, { scaled: true }).mean(count)));
  }

  #exactSum(column: number): number {
    const rounded = this.#sumOf(column, { scaled: false }).rounded();
    return Number.isFinite(rounded) ? rounded : this.#sumOf(column, { scaled: true }).rounded();
  }

  #sumOf(column: number, options: { readonly scaled: boolean }): ExactSum {
    const sum = new ExactSum(options);
    for (const item of this.items) this.#addExactly(item, column, sum);
    return sum;
  }

  /** Takes the partials that lost nothing, and of the others what lies below them. */
  #addExactly(item: CoverItem, column: number, sum: ExactSum): void {
    if (item.kind === 'rows') {
      for (let index = item.start; index < item.end; index++) {
        const value = item.page.number(index, column);
        if (value === value && item.page.known(index) <= this.bounds.knownAtUs) sum.add(value);
      }
      return;
    }
    const at = item.page.layout.partialAt[column]!;
    if (item.page.field(item.index, at + COLUMN_COUNT) === 0) return;
    if (item.page.field(item.index, at + COLUMN_SUM_ERROR) !== 0) {
      if (item.page.child(item.index) === BASE_ID) {
        const base = this.pages.base()?.sums[column];
        if (base !== undefined) sum.addSum(base);
      } else for (const part of expandEntry(this.pages, item)) this.#addExactly(part, column, sum);
      return;
    }
    sum.add(item.page.field(item.index, at + COLUMN_SUM_HI));
    sum.add(item.page.field(item.index, at + COLUMN_SUM_LO));
  }
}
