import assert from 'node:assert/strict';
import { type Geometry, PRODUCTION_GEOMETRY } from './geometry.js';
import { HeadPage } from './head-page.js';
import { InnerPage } from './inner-page.js';
import { type Layout, layoutOf } from './layout.js';
import { PageKind, pageSize, requirePage } from './page-header.js';
import { pageKey } from './page-keys.js';
import { RowPage } from './row-page.js';
import type { PageWriter } from './page-access.js';
import type { TimelineShape } from './timeline.js';

/** The pages of one timeline as its writer changes them: copies of what is stored, put back by `flush`. */
export class WritablePages {
  readonly layout: Layout;
  readonly head: HeadPage;
  headChanged = false;
  /** Inner pages that gained or lost more rows than late ones: their digests are to be made anew. */
  readonly staleDigests = new Set<number>();
  readonly #pages = new Map<number, RowPage | InnerPage>();
  readonly #changed = new Set<number>();

  constructor(
    shape: TimelineShape,
    readonly geometry: Geometry,
    readonly store: PageWriter,
    readonly headKey: Uint8Array,
  ) {
    this.layout = layoutOf(shape);
    const stored = store.get(headKey);
    this.head =
      stored === undefined
        ? new HeadPage(RowPage.empty(this.layout, geometry.headRows))
        : HeadPage.decode(stored, this.layout).writable(geometry.headRows);
  }

  leaf(id: number): RowPage {
    const page =
      this.#pages.get(id) ??
      this.#load(id, (value) => {
        const leaf = RowPage.decodeLeaf(value, this.layout);
        return leaf.writable(Math.max(this.geometry.leafRows, leaf.count));
      });
    assert(page instanceof RowPage);
    return page;
  }

  inner(id: number): InnerPage {
    // One entry more than may stay: a split comes after the insertion that makes it due.
    const page =
      this.#pages.get(id) ??
      this.#load(id, (value) => {
        const inner = InnerPage.decode(value, this.layout);
        return inner.writable(Math.max(this.geometry.fanOut, inner.count) + 1);
      });
    assert(page instanceof InnerPage);
    return page;
  }

  /** Gives a page an id; what has one is written at the next flush. */
  add(page: RowPage | InnerPage): number {
    const id = this.head.nextId++;
    this.#pages.set(id, page);
    this.#changed.add(id);
    return id;
  }

  replace(id: number, page: RowPage | InnerPage): void {
    this.#pages.set(id, page);
    this.#changed.add(id);
  }

  /** To be called before or after each change of a page. */
  touch(id: number): void {
    this.#changed.add(id);
  }

  isChanged(id: number): boolean {
    return this.#changed.has(id);
  }

  remove(id: number): void {
    this.#pages.delete(id);
    this.#changed.delete(id);
    this.store.delete(pageKey(this.headKey, id));
  }

  flush(): void {
    for (const id of [...this.#changed].sort((a, b) => a - b)) {
      const page = this.#pages.get(id);
      assert(page !== undefined);
      this.store.put(pageKey(this.headKey, id), page instanceof RowPage ? page.encodeLeaf(this.store) : page.encode());
    }
    this.#changed.clear();
    if (this.headChanged) this.store.put(this.headKey, this.head.encode(this.store));
    this.headChanged = false;
  }

  #load(id: number, open: (value: Uint8Array) => RowPage | InnerPage): RowPage | InnerPage {
    const value = this.store.get(pageKey(this.headKey, id));
    requirePage(value !== undefined, 'an entry points to it, and it is missing');
    const page = open(value);
    this.#pages.set(id, page);
    return page;
  }
}

/**
 * Whether appends go on writing the page: heads, inner pages, and leaves that are not full. Who keeps pages for the
 * next tick keeps these.
 */
export function mayGrow(page: Uint8Array): boolean {
  const { kind, count } = pageSize(page);
  if (kind === PageKind.leaf) return count < PRODUCTION_GEOMETRY.leafRows;
  return kind === PageKind.head || kind === PageKind.inner;
}
