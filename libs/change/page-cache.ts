import type { StoreReader } from '../store/store.js';
import { type HeadCache, isHeadKey, keyText } from './head-cache.js';
import { TIMELINE_TAG } from './state-keys.js';

/** An applier's share of memory for pages below heads; some 4,000 pages, which are read far more often than written. */
export const PAGE_CACHE_BYTES = 32 * 1_024 * 1_024;
/** What a page costs beside its bytes: its name, the objects around the bytes, its place in the map. */
const PAGE_OVERHEAD_BYTES = 500;

/**
 * The pages below heads that were read last, as of the last commit: a hot group's leaves and digests are asked for
 * again and again. Two generations: what is used moves to the young one, and when that is full the old one goes, so
 * an eviction costs nothing.
 */
export class PageCache {
  readonly #generationBytesMax: number;
  #young = new Map<string, Uint8Array>();
  #old = new Map<string, Uint8Array>();
  #youngBytes = 0;

  constructor(bytesMax: number) {
    this.#generationBytesMax = bytesMax / 2;
  }

  get(key: string): Uint8Array | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.put(key, old);
    return old;
  }

  /** The page is the cache's from now on: nobody may change it. */
  put(key: string, page: Uint8Array): void {
    this.#youngBytes += page.length + PAGE_OVERHEAD_BYTES;
    this.#young.set(key, page);
    if (this.#youngBytes < this.#generationBytesMax) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}

/** Reads a store through the caches. For one synchronous block, in which the store shows what the caches hold (S15). */
export class CachedReader implements StoreReader {
  readonly #below: StoreReader;
  readonly #heads: HeadCache;
  readonly #pages: PageCache;

  constructor(below: StoreReader, heads: HeadCache, pages: PageCache) {
    this.#below = below;
    this.#heads = heads;
    this.#pages = pages;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (key[0] !== TIMELINE_TAG) return this.#below.get(key);
    const text = keyText(key);
    // A copy: an extractor may wait with it, while the next tick moves the arena's heads.
    if (isHeadKey(key)) return this.#heads.get(text)?.slice() ?? this.#below.get(key);
    const cached = this.#pages.get(text);
    if (cached !== undefined) return cached;
    const page = this.#below.get(key);
    if (page !== undefined) this.#pages.put(text, page);
    return page;
  }
}
