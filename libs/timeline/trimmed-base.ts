import { BasePage } from './base-page.js';
import { digestWeight } from './digest.js';
import { digestValues, mergeDigests } from './digest-builder.js';
import { decodeDigests, encodeDigests } from './digest-page.js';
import { FLAG_DIGEST } from './layout.js';
import { BASE_ID, baseKey, digestKey } from './page-keys.js';
import { describeInner, describeLeaf } from './partials.js';
import type { RowPage } from './row-page.js';
import type { WritablePages } from './writable-pages.js';

/**
 * What trimmed rows leave behind (S20): their partials and digests, which only windows without end add. Rows that
 * come for a time below the horizon are counted here and nowhere else. Grows; nothing ever leaves it. Its digests, alone
 * of all that is stored, depend on what came between two flushes: they are of what is gone, and stay within S9.
 */
export class TrimmedBase {
  #page: BasePage | undefined;
  #values: number[][] = [];

  constructor(private readonly pages: WritablePages) {}

  /** Takes the partials of rows that leave the timeline, or never enter it. */
  take(rows: RowPage): void {
    const { layout } = this.pages;
    const page = (this.#page ??= this.#load());
    const { entry } = page;
    const parts = entry.writable(2);
    parts.insertEntry(parts.count, BASE_ID);
    describeLeaf(parts, parts.count - 1, rows);
    if (entry.count === 0) entry.insertEntry(0, BASE_ID);
    describeInner(entry, 0, parts);
    layout.isNumber.forEach((isNumber, column) => {
      if (isNumber) this.#takeNumbers(rows, column, page);
    });
  }

  flush(): void {
    if (this.#page === undefined) return;
    const { layout, store, headKey } = this.pages;
    if (layout.digestColumns.length > 0) {
      const stored = this.#page.entry.hasDigest(0) ? store.get(digestKey(headKey, BASE_ID)) : undefined;
      const earlier = stored === undefined ? [] : decodeDigests(stored, layout);
      const digests = layout.digestColumns.map((_, at) => {
        const parts = [...earlier.slice(at, at + 1), digestValues(Float64Array.from(this.#values[at] ?? []))];
        return mergeDigests(parts.filter((digest) => digestWeight(digest) > 0));
      });
      store.put(digestKey(headKey, BASE_ID), encodeDigests(digests, layout));
      this.#page.entry.setFlags(0, FLAG_DIGEST);
    }
    store.put(baseKey(headKey), this.#page.encode());
    this.#page = undefined;
    this.#values = [];
  }

  #takeNumbers(rows: RowPage, column: number, page: BasePage): void {
    const at = this.pages.layout.digestColumns.indexOf(column);
    const values = at < 0 ? undefined : (this.#values[at] ??= []);
    for (let index = 0; index < rows.count; index++) {
      const value = rows.number(index, column);
      if (value !== value) continue;
      page.addTo(column, value);
      values?.push(value);
    }
  }

  #load(): BasePage {
    const { layout, store, headKey } = this.pages;
    const stored = store.get(baseKey(headKey));
    return stored === undefined ? BasePage.empty(layout) : BasePage.decode(stored, layout);
  }
}
