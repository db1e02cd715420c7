import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import { ERASABLE, KEY_FIELD } from './entities.js';
import type { DatasetName, SentEvent } from './journal.js';

const MINUTE_US = 60e6;

/** `maxLateness` as features.ts and the fraud example declare it. */
const MAX_LATENESS_US: Readonly<Record<DatasetName, number>> = {
  Order: 60 * MINUTE_US,
  Payment: 10 * MINUTE_US,
  Step: Number.POSITIVE_INFINITY,
  Note: Number.POSITIVE_INFINITY,
  Ticket: 10 * MINUTE_US,
  Meter: Number.POSITIVE_INFINITY,
  Parcel: Number.POSITIVE_INFINITY,
  Invoice: Number.POSITIVE_INFINITY,
};

const encodeText = compileKeyEncoder([{ name: 'key', type: { kind: 'string', optional: false } }], 'key');

/**
 * S10 as it is written, for one dataset whose batches are sent one after another: the topic then has them in
 * this order, and a retry adds nothing. Event times are never ahead of the append time here.
 */
export class Lateness {
  readonly #dataset: DatasetName;
  readonly #partitions: number;
  readonly #watermarks = new Map<number, number>();

  constructor(dataset: DatasetName, partitions: number) {
    this.#dataset = dataset;
    this.#partitions = partitions;
  }

  /** The slots have test vectors of their own; which partition has a key is no secret here. */
  partition({ fields }: Pick<SentEvent, 'fields'>): number {
    return partitionOf(slotOf(encodeText([String(fields[KEY_FIELD[this.#dataset]])])), this.#partitions);
  }

  /** The latest event time that is just not late; -Infinity while nothing is. */
  edgeUs(event: Pick<SentEvent, 'fields'>): number {
    return this.#watermark(event) - MAX_LATENESS_US[this.#dataset];
  }

  /**
   * The latest time at which a record of this entity may be judged. One that may be erased is never the newest of its partition: what is
   * erased moves no watermark in a reader that meets it afterwards (S26), and all readers are to judge the others alike.
   */
  newestUs(event: Pick<SentEvent, 'fields'>): number {
    if (!Number.isFinite(MAX_LATENESS_US[this.#dataset])) return Number.POSITIVE_INFINITY;
    const isErasable = ERASABLE[this.#dataset].includes(String(event.fields[KEY_FIELD[this.#dataset]]));
    return isErasable ? this.#watermark(event) : Number.POSITIVE_INFINITY;
  }

  /** Judges the next record of the dataset, and moves the watermark. */
  take(event: SentEvent): 'late' | 'in time' {
    const judgedUs = event.opUs ?? event.atUs; // a change is judged by its change time (S17)
    const verdict = judgedUs < this.edgeUs(event) ? 'late' : 'in time';
    const partition = this.partition(event);
    this.#watermarks.set(partition, Math.max(this.#watermark(event), judgedUs));
    return verdict;
  }

  #watermark(event: Pick<SentEvent, 'fields'>): number {
    return this.#watermarks.get(this.partition(event)) ?? Number.NEGATIVE_INFINITY;
  }
}
