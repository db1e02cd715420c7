import { type CoverItem, coverWindow, expandEntry, type WindowBounds } from './cover.js';
import { ExactSum } from './exact-sum.js';
import { COLUMN_COUNT, COLUMN_SUM_ERROR, COLUMN_SUM_HI, COLUMN_SUM_LO, ENTRY_ROWS } from './layout.js';
import { BASE_ID } from './page-keys.js';
import { ColumnPartial } from './partials.js';
import type { RankSearch } from './rank-search.js';
import type { TimelinePages } from './timeline-pages.js';

/** One window at one instant, for all that is asked of it: what was once computed is kept. */
export class WindowView {
  readonly #partials: (ColumnPartial | undefined)[] = [];
  readonly #sums: (number | undefined)[] = [];
  readonly items: readonly CoverItem[];
  /** Kept by percentiles.ts, by column: several percentiles of one window share it. */
  readonly rankSearches: (RankSearch | undefined)[] = [];

  constructor(readonly pages: TimelinePages, readonly bounds: WindowBounds) {
    this.items = coverWindow(pages, bounds);
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

  #exactSum(column: number): number {
    const sum = new ExactSum();
    for (const item of this.items) this.#addExactly(item, column, sum);
    const rounded = sum.rounded();
    if (Number.isFinite(rounded)) return rounded;
    const scaled = new ExactSum({ scaled: true });
    for (const item of this.items) this.#addExactly(item, column, scaled);
    return scaled.rounded();
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
      if (item.page.child(item.index) === BASE_ID) this.pages.base()?.sums[column]?.parts.forEach((part) => sum.add(part));
      else for (const part of expandEntry(this.pages, item)) this.#addExactly(part, column, sum);
      return;
    }
    sum.add(item.page.field(item.index, at + COLUMN_SUM_HI));
    sum.add(item.page.field(item.index, at + COLUMN_SUM_LO));
  }
}
