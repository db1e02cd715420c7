import { ThymeError } from '../errors/errors.js';
import { BasePage } from './base-page.js';
import type { Digest } from './digest.js';
import { decodeDigests } from './digest-page.js';
import { HeadPage } from './head-page.js';
import { InnerPage } from './inner-page.js';
import { decodeLate } from './late-page.js';
import { type Layout, layoutOf } from './layout.js';
import { LeafPage } from './leaf-page.js';
import { endedShape } from './ended-shape.js';
import { baseKey, digestKey, endedKey, lateKey, pageKey } from './page-keys.js';
import { requirePage } from './page-header.js';
import { PageShelf } from './page-shelf.js';
import { RowPage } from './row-page.js';
import type { PageReader } from './page-access.js';
import type { TimelineShape } from './timeline.js';

/** The pages of one timeline as one reading sees them: each is fetched at most once, whatever is asked of it. */
export class TimelinePages {
  readonly layout: Layout;
  readonly head: HeadPage | undefined;
  readonly #store: PageReader;
  readonly #headKey: Uint8Array;
  readonly #shelf: PageShelf;
  readonly #shape: TimelineShape;
  #ended: TimelinePages | undefined;

  /** `shelf` is for a timeline within another; else the store's is taken. */
  constructor(shape: TimelineShape, store: PageReader, headKey: Uint8Array, shelf?: PageShelf) {
    this.#shape = shape;
    this.layout = layoutOf(shape);
    this.#store = store;
    this.#headKey = headKey;
    this.#shelf = shelf ?? store.shelf?.(headKey) ?? new PageShelf();
    if (this.#shelf.head === undefined) {
      const head = store.get(headKey);
      this.#shelf.head = head === undefined ? null : this.#decoded(() => HeadPage.decode(head, this.layout));
    }
    this.head = this.#shelf.head ?? undefined;
  }

  leaf(id: number): LeafPage {
    let page = this.#shelf.leaf(id);
    if (page === undefined) {
      page = this.#decoded(() => new LeafPage(RowPage.decodeLeaf(this.#fetch(pageKey(this.#headKey, id)), this.layout)));
      this.#shelf.putLeaf(id, page);
    }
    return page;
  }

  inner(id: number): InnerPage {
    let page = this.#shelf.inner(id);
    if (page === undefined) {
      page = this.#decoded(() => InnerPage.decode(this.#fetch(pageKey(this.#headKey, id)), this.layout));
      this.#shelf.putInner(id, page);
    }
    return page;
  }

  /** Gives the digests of a sealed inner page: one for each column that keeps them. */
  digests(id: number): readonly Digest[] {
    let page = this.#shelf.digests(id);
    if (page === undefined) {
      page = this.#decoded(() => decodeDigests(this.#fetch(digestKey(this.#headKey, id)), this.layout));
      this.#shelf.putDigests(id, page);
    }
    return page;
  }

  /** What came late to it and is not in its digests: as these, a list for each column. */
  late(id: number): readonly Float64Array[] {
    let page = this.#shelf.late(id);
    if (page === undefined) {
      page = this.#decoded(() => decodeLate(this.#fetch(lateKey(this.#headKey, id)), this.layout));
      this.#shelf.putLate(id, page);
    }
    return page;
  }

  /** The partial of what was trimmed (S20); none while nothing was. */
  base(): BasePage | undefined {
    if (this.head === undefined || this.head.horizonUs === Number.NEGATIVE_INFINITY) return undefined;
    if (this.#shelf.base === undefined) {
      const value = this.#store.get(baseKey(this.#headKey));
      this.#shelf.base = value === undefined ? null : this.#decoded(() => BasePage.decode(value, this.layout));
    }
    return this.#shelf.base ?? undefined;
  }

  /** The timeline of its ended rows (S17), which may have none; undefined where there can be none. */
  ended(): TimelinePages | undefined {
    if (this.layout.startAt < 0 || this.head === undefined) return undefined;
    return (this.#ended ??= new TimelinePages(endedShape(this.#shape), this.#store, endedKey(this.#headKey), this.#shelf.ended));
  }

  /** Whoever keeps the store is told of a page that cannot be one: the reading itself only fails. */
  #decoded<P>(decode: () => P): P {
    try {
      return decode();
    } catch (cause) {
      if (cause instanceof ThymeError && cause.disposition === 'rebuild') this.#store.damaged?.(cause);
      throw cause;
    }
  }

  #fetch(key: Uint8Array): Uint8Array {
    const value = this.#store.get(key);
    requirePage(value !== undefined, 'an entry points to it, and it is missing');
    return value;
  }
}
