import type { StoreBatch, StoreReader } from '../store/store.js';
import { Turns } from '../time/turns.js';
import type { PageWriter } from '../timeline/page-access.js';
import { mayGrow } from '../timeline/writable-pages.js';
import { type HeadCache, isHeadKey, keyText } from './head-cache.js';
import { NewGroups } from './new-groups.js';
import type { ShelfCache } from './shelf-cache.js';
import { TIMELINE_TAG } from './state-keys.js';
import { TickBuffer } from './tick-buffer.js';

/** Writes copied into a batch between two turns of others: some half a millisecond, for heads of 1 KB. */
const WRITES_PER_TURN = 200;

interface Write {
  readonly key: Uint8Array;
  /** Undefined where it is deleted. */
  readonly value: Uint8Array | undefined;
}

/** Writes of one tick, held over a store until they are written as one batch (C1). Reads see them. */
export class Overlay implements PageWriter {
  readonly #below: StoreReader;
  readonly #heads: HeadCache;
  readonly #newGroups: NewGroups;
  readonly #buffer = new TickBuffer();
  /** By key as latin-1 text, one character a byte. */
  readonly #writes = new Map<string, Write>();

  /** Writes of this tick that nobody reads before they are below, in their order. */
  #unread: Write[] = [];

  /** The head's key that was asked for last, and its text: a group's head is read, and then written. */
  #lastKey: Uint8Array | undefined;
  #lastText = '';

  /** `heads` holds what lies below, as of the last commit. */
  constructor(below: StoreReader, heads: HeadCache, newGroups = new NewGroups()) {
    this.#below = below;
    this.#heads = heads;
    this.#newGroups = newGroups;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const text = this.#textOf(key);
    const write = this.#writes.get(text);
    if (write !== undefined) return write.value;
    const kept = this.#heads.get(text);
    if (kept !== undefined) return kept;
    return isHeadKey(key) && this.#newGroups.takeNew(key) ? undefined : this.#below.get(key);
  }

  allocate(length: number): Uint8Array {
    return this.#buffer.allocate(length);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#writes.set(this.#textOf(key), { key, value });
  }

  /** As `put`, and `delete` where there is no value, for keys that are not read here: most of the work is to make others found. */
  writeUnread(key: Uint8Array, value: Uint8Array | undefined): void {
    this.#unread.push({ key, value });
  }

  delete(key: Uint8Array): void {
    this.#writes.set(this.#textOf(key), { key, value: undefined });
  }

  /** Into the batch, in the order of the first write to each key; what is not read here comes last. Nothing may be put meanwhile. */
  async writeTo(batch: StoreBatch): Promise<void> {
    const turns = new Turns(WRITES_PER_TURN);
    for (const write of this.#writes.values()) {
      putInto(batch, write);
      if (turns.step()) await turns.next();
    }
    for (const write of this.#unread) {
      putInto(batch, write);
      if (turns.step()) await turns.next();
    }
  }

  /** What was written is below now; `shelves` forget what they have of it. */
  committed(shelves: ShelfCache): void {
    shelves.committed(this.#writes);
    for (const [text, { key, value }] of this.#writes) {
      if (key[0] !== TIMELINE_TAG) continue;
      if (value !== undefined && mayGrow(value)) this.#heads.put(text, value);
      else this.#heads.delete(text);
    }
    this.discard();
  }

  /** As if nothing had been written. */
  discard(): void {
    this.#writes.clear();
    this.#unread = [];
    this.#buffer.clear();
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

function putInto(batch: StoreBatch, { key, value }: Write): void {
  if (value === undefined) batch.delete(key);
  else batch.put(key, value);
}
