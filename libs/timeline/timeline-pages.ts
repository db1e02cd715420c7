import assert from 'node:assert/strict';
import { BasePage } from './base-page.js';
import type { Digest } from './digest.js';
import { decodeDigests } from './digest-page.js';
import { HeadPage } from './head-page.js';
import { InnerPage } from './inner-page.js';
import { decodeLate } from './late-page.js';
import { type Layout, layoutOf } from './layout.js';
import { baseKey, digestKey, lateKey, pageKey } from './page-keys.js';
import { RowPage } from './row-page.js';
import type { PageReader, TimelineShape } from './timeline.js';

/** The pages of one timeline as one reading sees them: each is fetched at most once, whatever is asked of it. */
export class TimelinePages {
  readonly layout: Layout;
  readonly head: HeadPage | undefined;
  readonly #leaves = new Map<number, RowPage>();
  readonly #inner = new Map<number, InnerPage>();
  readonly #digests = new Map<number, Digest[]>();
  readonly #late = new Map<number, Float64Array[]>();
  #base: BasePage | undefined;
  /** Pages that were fetched so far, the head among them. */
  fetched = 1;

  /** `store` may be replaced by another that shows the same state. */
  constructor(shape: TimelineShape, public store: PageReader, private readonly headKey: Uint8Array) {
    this.layout = layoutOf(shape);
    const head = store.get(headKey);
    this.head = head === undefined ? undefined : HeadPage.decode(head, this.layout);
  }

  leaf(id: number): RowPage {
    let page = this.#leaves.get(id);
    if (page === undefined) {
      page = RowPage.decodeLeaf(this.#fetch(pageKey(this.headKey, id)), this.layout);
      this.#leaves.set(id, page);
    }
    return page;
  }

  inner(id: number): InnerPage {
    let page = this.#inner.get(id);
    if (page === undefined) {
      page = InnerPage.decode(this.#fetch(pageKey(this.headKey, id)), this.layout);
      this.#inner.set(id, page);
    }
    return page;
  }

  /** Of a sealed inner page: one for each column that keeps digests. */
  digests(id: number): Digest[] {
    let page = this.#digests.get(id);
    if (page === undefined) {
      page = decodeDigests(this.#fetch(digestKey(this.headKey, id)), this.layout);
      this.#digests.set(id, page);
    }
    return page;
  }

  /** What came late to it and is not in its digests: as these, a list for each column. */
  late(id: number): Float64Array[] {
    let page = this.#late.get(id);
    if (page === undefined) {
      page = decodeLate(this.#fetch(lateKey(this.headKey, id)), this.layout);
      this.#late.set(id, page);
    }
    return page;
  }

  /** The partial of what was trimmed (S20); none while nothing was. */
  base(): BasePage | undefined {
    if (this.head === undefined || this.head.horizonUs === Number.NEGATIVE_INFINITY) return undefined;
    const value = this.#base === undefined ? this.store.get(baseKey(this.headKey)) : undefined;
    if (value !== undefined) this.#base = BasePage.decode(value, this.layout);
    return this.#base;
  }

  #fetch(key: Uint8Array): Uint8Array {
    this.fetched++;
    const value = this.store.get(key);
    assert(value !== undefined, 'a page that an entry points to is missing');
    return value;
  }
}
