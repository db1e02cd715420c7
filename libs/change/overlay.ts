import type { StoreBatch, StoreReader } from '../store/store.js';
import { Turns } from '../time/turns.js';
import type { PageWriter } from '../timeline/timeline.js';
import { type HeadCache, isHeadKey, keyText } from './head-cache.js';
import type { ShelfCache } from './shelf-cache.js';

/** Writes copied into a batch between two turns of others: some half a millisecond, for heads of 2 KB. */
const WRITES_PER_TURN = 200;

/** Writes of one tick, held over a store until they are written as one batch (C1). Reads see them. */
export class Overlay implements PageWriter {
  readonly #below: StoreReader;
  readonly #heads: HeadCache;
  /** By key as latin-1 text, one character a byte; undefined where deleted. */
  readonly #writes = new Map<string, { readonly key: Uint8Array; readonly value: Uint8Array | undefined }>();

  /** The head's key that was asked for last, and its text: a group's head is read, and then written. */
  #lastKey: Uint8Array | undefined;
  #lastText = '';

  /** `heads` holds what lies below, as of the last commit. */
  constructor(below: StoreReader, heads: HeadCache) {
    this.#below = below;
    this.#heads = heads;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const text = this.#textOf(key);
    const write = this.#writes.get(text);
    if (write !== undefined) return write.value;
    return (isHeadKey(key) ? this.#heads.get(text) : undefined) ?? this.#below.get(key);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#writes.set(this.#textOf(key), { key, value });
  }

  delete(key: Uint8Array): void {
    this.#writes.set(this.#textOf(key), { key, value: undefined });
  }

  /** Into the batch, in the order of the first write to each key. Nothing may be put meanwhile; reads go on. */
  async writeTo(batch: StoreBatch): Promise<void> {
    const turns = new Turns(WRITES_PER_TURN);
    for (const { key, value } of this.#writes.values()) {
      if (value === undefined) batch.delete(key);
      else batch.put(key, value);
      if (turns.isOver()) await turns.next();
    }
  }

  /** What was written is below now; `shelves` forget what they have of it. */
  committed(shelves: ShelfCache): void {
    shelves.committed(this.#writes);
    for (const [text, { key, value }] of this.#writes) {
      if (!isHeadKey(key)) continue;
      if (value === undefined) this.#heads.delete(text);
      else this.#heads.put(text, value);
    }
    this.#writes.clear();
  }

  /** As if nothing had been written. */
  discard(): void {
    this.#writes.clear();
  }

  /** Keys are nobody's to change once they were given here, so the same object is the same key. */
  #textOf(key: Uint8Array): string {
    if (key !== this.#lastKey) {
      this.#lastText = keyText(key);
      this.#lastKey = key;
    }
    return this.#lastText;
  }
}
