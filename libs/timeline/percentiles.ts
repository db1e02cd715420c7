import { type CoverItem, expandEntry } from './cover.js';
import { RAW_VALUES_MAX } from './geometry.js';
import { COLUMN_COUNT } from './layout.js';
import { newestNumber } from './last-values.js';
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
  const isRaw = count <= RAW_VALUES_MAX;
  const values: number[] = [];
  const search = new RankSearch();
  const digestAt = view.pages.layout.digestColumns.indexOf(column);
  const gather = (item: CoverItem): void => {
    if (item.kind === 'rows') {
      for (let index = item.start; index < item.end; index++) {
        const value = item.page.number(index, column);
        if (value === value && item.page.known(index) <= view.bounds.knownAtUs) values.push(value);
      }
    } else if (!isRaw && digestAt >= 0 && item.page.hasDigest(item.index)) {
      const digest = view.pages.digests(item.page.child(item.index))[digestAt];
      const isEmpty = item.page.field(item.index, view.pages.layout.partialAt[column]! + COLUMN_COUNT) === 0;
      if (digest !== undefined && !isEmpty) search.digests.push(digest);
    } else expandEntry(view.pages, item).forEach(gather);
  };
  view.items.forEach(gather);
  search.setRaw(Float64Array.from(values).sort());
  view.rankSearches[column] = search;
  return search;
}
