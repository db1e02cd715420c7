import { type CoverItem, expandEntry, type RowSpan } from './cover.js';
import { RAW_VALUES_MAX } from './geometry.js';
import { COLUMN_COUNT } from './layout.js';
import { newestNumber } from './last-values.js';
import { BASE_ID } from './page-keys.js';
import { RankSearch } from './rank-search.js';
import type { WindowView } from './window-view.js';

/** The value of nearest rank, ceil(pct / 100 · n) and at least the first (S9); null of nothing (S5). */
export function percentile(view: WindowView, column: number, pct: number): number | null {
  const partial = view.partial(column);
  if (partial.count === 0) return null;
  const rank = Math.min(partial.count, Math.max(1, Math.ceil((pct * partial.count) / 100)));
  const search = rankSearch(view, column);
  return search.valueOfRank(rank, { min: partial.min, max: partial.max });
}

/** The share of the window's values that lie strictly below the newest one (S9); null of nothing (S5). */
export function percentRank(view: WindowView, column: number): number | null {
  const newest = newestNumber(view, column);
  if (newest === undefined) return null;
  const { count } = view.partial(column);
  // Rounding within digests must not put a share outside 0 to 1.
  return Math.min(count - 1, Math.max(0, rankSearch(view, column).countBelow(newest))) / count;
}

/** Raw values as long as there are few enough, and digests of whole subtrees beyond (S9), with raw values at the edges. */
function rankSearch(view: WindowView, column: number): RankSearch {
  const kept = view.rankSearches[column];
  if (kept !== undefined) return kept;
  const { count } = view.partial(column);
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
