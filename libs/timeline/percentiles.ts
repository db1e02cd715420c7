import { type CoverItem, expandEntry, type RowSpan } from './cover.js';
import { RAW_VALUES_MAX } from './geometry.js';
import { COLUMN_COUNT } from './layout.js';
import { newestNumber } from './last-values.js';
import { BASE_ID } from './page-keys.js';
import { RankSearch } from './rank-search.js';
import type { WindowView } from './window-view.js';

/** The value of nearest rank, ceil(pct / 100 · n) and at least the first (S9); null of nothing (S5). */
export function percentile(view: WindowView, column: number, pct: number): number | null {
  const partial = view.range(column);
  if (partial.count === 0) return null;
  const rank = Math.min(partial.count, Math.max(1, Math.ceil((pct * partial.count) / 100)));
  if (isFew(view)) return valueOfRank(view, column, rank);
  const search = rankSearch(view, column);
  return search.valueOfRank(rank, { min: partial.min, max: partial.max });
}

/** Rows of a window that is answered without a search: most groups have no more, and to make one costs more than to sort them. */
const FEW_ROWS = 32;
/** Good for one answer, which is made in one go. */
const few = new Float64Array(FEW_ROWS);

function isFew({ items }: WindowView): boolean {
  let rows = 0;
  for (const item of items) {
    if (item.kind === 'entry') return false;
    rows += item.end - item.start;
  }
  return rows <= FEW_ROWS;
}

/** By insertion, each value where it belongs; at least `rank` of them are there. */
function valueOfRank({ items, bounds: { knownAtUs } }: WindowView, column: number, rank: number): number {
  let count = 0;
  for (const item of items) {
    if (item.kind === 'entry') continue;
    for (let index = item.start; index < item.end; index++) {
      const value = item.page.number(index, column);
      if (value !== value || item.page.known(index) > knownAtUs) continue;
      let at = count++;
      for (; at > 0 && few[at - 1]! > value; at--) few[at] = few[at - 1]!;
      few[at] = value;
    }
  }
  return few[rank - 1]!;
}

/** The share of the window's values that lie strictly below the newest one (S9); null of nothing (S5). */
export function percentRank(view: WindowView, column: number): number | null {
  const newest = newestNumber(view, column);
  if (newest === undefined) return null;
  const { count } = view.range(column);
  // Rounding within digests must not put a share outside 0 to 1.
  return Math.min(count - 1, Math.max(0, rankSearch(view, column).countBelow(newest))) / count;
}

/** Raw values as long as there are few enough, and digests of whole subtrees beyond (S9), with raw values at the edges. */
function rankSearch(view: WindowView, column: number): RankSearch {
  const kept = view.rankSearches[column];
  if (kept !== undefined) return kept;
  const { count } = view.range(column);
  const search = new RankSearch();
  const spans: RowSpan[] = [];
  const late: Float64Array[] = [];
  const digestAt = view.pages.layout.digestColumns.indexOf(column);
  // The base has no raw values to give.
  const usesDigest = (child: number): boolean => digestAt >= 0 && (count > RAW_VALUES_MAX || child === BASE_ID);
  const gather = (item: CoverItem): void => {
    if (item.kind === 'rows') {
      const sorted = item.leaf?.sorted(column);
      if (sorted === undefined) spans.push(item);
      else search.sorted.push(sorted);
    } else if (item.page.field(item.index, view.pages.layout.partialAt[column]! + COLUMN_COUNT) === 0) return;
    else if (usesDigest(item.page.child(item.index)) && item.page.hasDigest(item.index)) {
      search.digests.push(view.pages.digests(item.page.child(item.index))[digestAt]!);
      if (item.page.hasLate(item.index)) late.push(view.pages.late(item.page.child(item.index))[digestAt]!);
    } else expandEntry(view.pages, item).forEach(gather);
  };
  view.items.forEach(gather);
  search.setRaw(valuesOf({ spans, late }, column, view.bounds.knownAtUs));
  view.rankSearches[column] = search;
  return search;
}

function valuesOf(
  { spans, late }: { readonly spans: readonly RowSpan[]; readonly late: readonly Float64Array[] },
  column: number,
  knownAtUs: number,
): Float64Array<ArrayBuffer> {
  const lateCount = late.reduce((sum, { length }) => sum + length, 0);
  const values = new Float64Array(spans.reduce((sum, { start, end }) => sum + end - start, lateCount));
  let count = 0;
  for (const list of late) {
    values.set(list, count);
    count += list.length;
  }
  for (const { page, start, end } of spans) {
    for (let index = start; index < end; index++) {
      const value = page.number(index, column);
      if (value === value && page.known(index) <= knownAtUs) values[count++] = value;
    }
  }
  return values.subarray(0, count);
}
