import assert from 'node:assert';
import type { RecordBatch } from './record-batch.js';

/** What one batch costs beside its bytes: its objects, and its places in two queues. */
const BATCH_OVERHEAD_BYTES = 200;

/** First in, first out, with access by index; taking from the front is cheap. */
class Queue<T> {
  #items: (T | undefined)[] = [];
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  at(index: number): T | undefined {
    return this.#items[this.#start + index];
  }

  set(index: number, item: T): void {
    this.#items[this.#start + index] = item;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#start];
    if (item === undefined) return undefined;
    // Else what was taken would stay in memory until it is cut off: twice the bytes that are allowed.
    this.#items[this.#start++] = undefined;
    // The taken half is cut off at once: each item is moved once on average.
    if (this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return item;
  }
}

/** The newest batches of one partition, without gaps up to its end; maybe none. */
export class PartitionTail {
  readonly batches = new Queue<RecordBatch>();

  /** The batch with this offset, if it is still here. */
  find(offset: number): RecordBatch | undefined {
    const index = this.indexOf(offset);
    return index < 0 ? undefined : this.batches.at(index);
  }

  /** -1 where it is not here any more. */
  indexOf(offset: number): number {
    let low = 0;
    let high = this.batches.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const batch = this.batches.at(middle);
      assert(batch !== undefined);
      if (offset < batch.baseOffset) high = middle - 1;
      else if (offset >= batch.baseOffset + batch.count) low = middle + 1;
      else return middle;
    }
    return -1;
  }
}

/**
 * The batches appended last over all partitions, up to a number of bytes, so that a reader which
 * keeps up never touches the store. The oldest go first wherever they belong, which leaves every
 * partition a tail without gaps.
 */
export class TailCache {
  readonly #bytesMax: number;
  readonly #inOrder = new Queue<PartitionTail>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the batch that follows those of this tail. */
  add(tail: PartitionTail, batch: RecordBatch): void {
    tail.batches.push(batch);
    this.#inOrder.push(tail);
    this.#bytes += batch.bytes.length + BATCH_OVERHEAD_BYTES;
    while (this.#bytes > this.#bytesMax) this.#dropOldest();
  }

  /** Takes a batch for the one with the same offsets, where that is still here. */
  replace(tail: PartitionTail, batch: RecordBatch): void {
    const index = tail.indexOf(batch.baseOffset);
    const before = index < 0 ? undefined : tail.batches.at(index);
    if (before === undefined) return;
    tail.batches.set(index, batch);
    this.#bytes += batch.bytes.length - before.bytes.length;
  }

  #dropOldest(): void {
    const batch = this.#inOrder.shift()?.batches.shift();
    assert(batch !== undefined);
    this.#bytes -= batch.bytes.length + BATCH_OVERHEAD_BYTES;
  }
}
