import { formerProducerId } from '../../libs/codec/owned-producer.js';
import { seenKey } from '../../libs/change/state-keys.js';
import type { Change } from '../../libs/change/change.js';
import type { StoreReader } from '../../libs/store/store.js';

/** Sequences below the high-water mark of which each is remembered (S13). */
export const SEQUENCES_REMEMBERED = 4_096;
const BITMAP_LENGTH = SEQUENCES_REMEMBERED / 8;

/** Producers remembered between ticks: 5 MB of bitmaps a reader. */
const PRODUCERS_KEPT_MAX = 10_000;

export type SequenceVerdict = 'new' | 'seen' | 'forgotten';

/**
 * What a reader has seen of its producers' sequences (S13). A sequence further below the mark than is
 * remembered may or may not have been seen: `forgotten`, and a dead letter, never away in silence.
 */
export class SeenSequences {
  readonly #readerId: number;
  readonly #partition: number;
  readonly #store: StoreReader;
  readonly #producers = new Map<string, { readonly seen: SeenWindow; changed: boolean }>();

  constructor(readerId: number, partition: number, store: StoreReader) {
    this.#readerId = readerId;
    this.#partition = partition;
    this.#store = store;
  }

  /** Judges a sequence and remembers it. */
  observe(producerId: string, sequence: number): SequenceVerdict {
    let producer = this.#producers.get(producerId);
    if (producer === undefined) {
      producer = { seen: this.#load(producerId), changed: false };
      this.#producers.set(producerId, producer);
    }
    const verdict = producer.seen.observe(sequence);
    if (verdict === 'new') producer.changed = true;
    return verdict;
  }

  /** What this tick moved. */
  takeChanges(): Change[] {
    const changes: Change[] = [];
    for (const [producerId, producer] of this.#producers) {
      if (!producer.changed) continue;
      producer.changed = false;
      const { highest, bitmap } = producer.seen;
      changes.push({
        kind: 'seen',
        readerId: this.#readerId,
        partition: this.#partition,
        producerId,
        highest,
        bitmap: Uint8Array.from(bitmap),
      });
    }
    return changes;
  }

  /** After a commit: what the store has can be read again. */
  trim(): void {
    if (this.#producers.size > PRODUCERS_KEPT_MAX) this.#producers.clear();
  }

  #load(producerId: string): SeenWindow {
    const former = formerProducerId(producerId);
    const stored = this.#stored(producerId) ?? (former === undefined ? undefined : this.#former(former));
    if (stored === undefined) return new SeenWindow(Number.NEGATIVE_INFINITY, new Uint8Array(BITMAP_LENGTH));
    return stored;
  }

  /** The window of records from before ids belonged to keys: also of those in this very tick, which the store has not yet. */
  #former(producerId: string): SeenWindow | undefined {
    const held = this.#producers.get(producerId)?.seen;
    return held === undefined ? this.#stored(producerId) : new SeenWindow(held.highest, Uint8Array.from(held.bitmap));
  }

  #stored(producerId: string): SeenWindow | undefined {
    const stored = this.#store.get(seenKey(this.#readerId, this.#partition, producerId));
    if (stored === undefined) return undefined;
    const bytes = Buffer.from(stored);
    return new SeenWindow(bytes.readDoubleLE(0), Uint8Array.from(bytes.subarray(8)));
  }
}

/**
 * The mark, which is seen, and a bit for each of the 4,096 below it: sequence s has bit s mod 4,096, so
 * moving the mark moves no bits; those that it passes over are cleared.
 */
export class SeenWindow {
  #highest: number;
  readonly bitmap: Uint8Array;

  constructor(highest: number, bitmap: Uint8Array) {
    this.#highest = highest;
    this.bitmap = bitmap;
  }

  get highest(): number {
    return this.#highest;
  }

  observe(sequence: number): SequenceVerdict {
    if (sequence > this.#highest) {
      this.#advance(sequence);
      return 'new';
    }
    if (sequence === this.#highest) return 'seen';
    if (sequence < this.#highest - SEQUENCES_REMEMBERED) return 'forgotten';
    if (this.#has(sequence)) return 'seen';
    this.#set(sequence, true);
    return 'new';
  }

  #advance(to: number): void {
    const from = this.#highest;
    this.#highest = to;
    if (to - from > SEQUENCES_REMEMBERED) {
      this.bitmap.fill(0); // the mark before, and all that it knew, is below the window now
      return;
    }
    for (let passed = from + 1; passed < to; passed++) this.#set(passed, false);
    this.#set(from, true);
  }

  #has(sequence: number): boolean {
    const bit = bitOf(sequence);
    return ((this.bitmap[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  }

  #set(sequence: number, seen: boolean): void {
    const bit = bitOf(sequence);
    const byte = this.bitmap[bit >>> 3] ?? 0;
    this.bitmap[bit >>> 3] = seen ? byte | (1 << (bit & 7)) : byte & ~(1 << (bit & 7));
  }
}

/** Also for the negative ones: any safe integer may be a sequence. */
function bitOf(sequence: number): number {
  return ((sequence % SEQUENCES_REMEMBERED) + SEQUENCES_REMEMBERED) % SEQUENCES_REMEMBERED;
}
