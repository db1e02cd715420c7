import type { EncodedBatch } from '../../libs/change/batch-codec.js';

/** The last batches of a partition, in order and without gaps, bounded by their bytes. */
export class RecentBatches {
  readonly #bytesMax: number;
  #batches: EncodedBatch[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The seq of the newest; 0 for none. */
  get headSeq(): number {
    return this.#batches.at(-1)?.seq ?? 0;
  }

  get epoch(): number {
    return this.#batches.at(-1)?.epoch ?? 0;
  }

  push(batch: EncodedBatch): void {
    // A store that was opened anew may have replayed further than what is here.
    if (this.#batches.length > 0 && batch.prevSeq !== this.headSeq) this.#clear();
    this.#batches.push(batch);
    this.#bytes += batch.bytes.length;
    let dropped = 0;
    while (this.#bytes > this.#bytesMax && dropped < this.#batches.length - 1) this.#bytes -= this.#batches[dropped++]?.bytes.length ?? 0;
    if (dropped > 0) this.#batches = this.#batches.slice(dropped);
  }

  /** The batch of this seq, if it is here. */
  get(seq: number): EncodedBatch | undefined {
    const first = this.#batches[0]?.seq;
    return first === undefined ? undefined : this.#batches[seq - first];
  }

  #clear(): void {
    this.#batches = [];
    this.#bytes = 0;
  }
}
