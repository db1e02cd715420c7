import type { StoreReader } from '../store/store.js';
import { PageShelf } from '../timeline/page-shelf.js';
import type { PageReader } from '../timeline/page-access.js';
import { type HeadCache, isHeadKey, keyText } from './head-cache.js';
import { headKeyLength, TIMELINE_TAG } from './state-keys.js';

/** An applier's share of memory for decoded pages; some 8,000 pages, which are read far more often than written. */
export const SHELF_CACHE_BYTES = 64 * 1_024 * 1_024;

interface Kept {
  readonly shelf: PageShelf;
  /** The bytes that the young generation's count knows of. */
  counted: number;
}

/**
 * The decoded pages of the groups that were read last, as of the last commit: a hot group's leaves and digests are asked for
 * again and again, and a shelf finds them by number, without a key. Two generations: what is used moves to the
 * young one, and when that is full the old one goes, so an eviction costs nothing.
 */
export class ShelfCache {
  readonly #generationBytesMax: number;
  #young = new Map<string, Kept>();
  #old = new Map<string, Kept>();
  #youngBytes = 0;
  #last: Kept | undefined;

  constructor(bytesMax: number) {
    this.#generationBytesMax = bytesMax / 2;
  }

  /** For a reading of the state as of the last commit. */
  open(headText: string): PageShelf {
    this.#countLast();
    let kept = this.#young.get(headText);
    if (kept === undefined) {
      const old = this.#old.get(headText)?.shelf;
      // A group too large to be kept whole is begun anew from time to time.
      this.#old.delete(headText);
      kept = { shelf: old === undefined || old.bytes > this.#generationBytesMax / 2 ? new PageShelf() : old, counted: 0 };
      this.#young.set(headText, kept);
    }
    this.#last = kept;
    return kept.shelf;
  }

  /** These keys, by their texts, have been written by a commit. Readings that are under way keep the shelves that they have. */
  committed(writes: Iterable<readonly [text: string, write: { readonly key: Uint8Array }]>): void {
    if (this.#young.size === 0 && this.#old.size === 0) return;
    const renewed = new Set<PageShelf>();
    for (const [text, { key }] of writes) {
      if (key[0] !== TIMELINE_TAG) continue;
      const headLength = headKeyLength(key);
      const headText = text.slice(0, headLength);
      const generation = this.#young.has(headText) ? this.#young : this.#old;
      let kept = generation.get(headText);
      if (kept === undefined) continue;
      if (!renewed.has(kept.shelf)) {
        kept = { shelf: kept.shelf.succeed(), counted: kept.counted };
        renewed.add(kept.shelf);
        generation.set(headText, kept);
      }
      kept.shelf.forget(key, headLength);
    }
    this.#last = undefined;
  }

  /** How much a reading has put on its shelf is known only when it is over: when the next one is opened. */
  #countLast(): void {
    if (this.#last === undefined) return;
    this.#youngBytes += this.#last.shelf.bytes - this.#last.counted;
    this.#last.counted = this.#last.shelf.bytes;
    if (this.#youngBytes < this.#generationBytesMax) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}

/** Reads a store through the caches. For one synchronous block, in which the store shows what the caches hold (S15). */
export class CachedReader implements PageReader {
  readonly #below: StoreReader;
  readonly #heads: HeadCache;
  readonly #shelves: ShelfCache;
  readonly #onDamage: ((cause: Error) => void) | undefined;

  /** `onDamage` is told of pages that cannot be decoded. */
  constructor(below: StoreReader, heads: HeadCache, shelves: ShelfCache, onDamage?: (cause: Error) => void) {
    this.#below = below;
    this.#heads = heads;
    this.#shelves = shelves;
    this.#onDamage = onDamage;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const kept = key[0] === TIMELINE_TAG && isHeadKey(key) ? this.#heads.get(keyText(key)) : undefined;
    // A copy: a shelf keeps it, while the next tick writes over the cache's.
    return kept === undefined ? this.#below.get(key) : new Uint8Array(kept);
  }

  shelf(headKey: Uint8Array): PageShelf {
    return this.#shelves.open(keyText(headKey));
  }

  damaged(cause: Error): void {
    this.#onDamage?.(cause);
  }
}
