import type { BackfillRate } from './backfill-rate.js';
import { bytesOf, fills, type ReadAhead } from './read-ahead.js';
import type { TaskEnvironment } from './task-environment.js';
import type { InputBatch, TaskInput } from './task-inputs.js';

export type TickResult =
  /** Nothing is there: wait until something comes. */
  | 'idle'
  /** Something was there, and it is done. */
  | 'worked'
  /** Something is there whose time has not come: a reader of history may read on when its rate allows it. */
  | 'held back'
  /** There is more: go on at once. */
  | 'full';

/** Reads what the inputs of one tick have to give, within the tick's limits. */
export class InputReading {
  readonly #environment: TaskEnvironment;
  readonly #readAhead: ReadAhead;
  /** Inputs that had more than this tick takes, and may read on at once. */
  readonly #full = new Set<TaskInput>();
  readonly #backfillRate: BackfillRate | undefined;
  /** By place and offset: readers that stand side by side read, and decode, once. */
  readonly #batches = new Map<string, InputBatch>();
  #recordsLeft: number;
  #bytesLeft: number;
  /** Some input may have more. */
  isFull = false;
  /** Some reader of history may have more, and has to wait for it: a matter of time, not of input. */
  isHeldBack = false;

  constructor(environment: TaskEnvironment, readAhead: ReadAhead, backfillRate: BackfillRate | undefined) {
    this.#environment = environment;
    this.#backfillRate = backfillRate;
    this.#readAhead = readAhead;
    this.#recordsLeft = environment.limits.tickRecordsMax;
    this.#bytesLeft = environment.limits.tickBytesMax;
  }

  /** Undefined where there is nothing, or no room left in this tick. */
  async read(input: TaskInput): Promise<InputBatch | undefined> {
    if (input.paused) return undefined;
    if (this.#recordsLeft <= 0 || this.#bytesLeft <= 0) {
      this.isFull = true;
      return undefined;
    }
    const rate = input.isBackfill ? this.#backfillRate : undefined;
    const { inputRecordsMax, inputBytesMax } = this.#environment.limits;
    const recordsMax = Math.min(inputRecordsMax, rate?.allowance ?? inputRecordsMax);
    // Apart from batches of live readers, which are longer.
    const name = `${input.source.topic}/${input.source.partition}@${input.nextOffset}${rate === undefined ? '' : ' backfill'}`;
    let batch = this.#batches.get(name);
    if (batch === undefined) {
      if (recordsMax === 0) {
        this.isHeldBack = true;
        return undefined;
      }
      const { records, nextOffset } = await this.#readAhead.read(input.source, input.nextOffset, { recordsMax, bytesMax: inputBytesMax });
      batch = { records, nextOffset, decoded: undefined };
      this.#batches.set(name, batch);
    }
    rate?.spend(batch.records.length);
    if (this.#count(batch, recordsMax) && rate === undefined) this.#full.add(input);
    return batch.nextOffset === input.nextOffset ? undefined : batch;
  }

  /**
   * Begins to read what the next tick will ask for, once the inputs have moved on. Not for joins: how far the right
   * side must have come is asked when the left one is read (S24).
   */
  beginNext(inputs: readonly TaskInput[]): void {
    this.#readAhead.keepFor(inputs);
    const { inputRecordsMax, inputBytesMax } = this.#environment.limits;
    for (const input of this.#full) {
      if (input.rights.length === 0 && !input.paused)
        this.#readAhead.begin(input, { recordsMax: inputRecordsMax, bytesMax: inputBytesMax });
    }
  }

  /** A reader that is held back must not be waited for as if nothing were there: the log would say at once that there is more. */
  result(otherwise: 'idle' | 'worked'): TickResult {
    if (this.isFull) return 'full';
    return this.isHeldBack ? 'held back' : otherwise;
  }

  /** `recordsMax` is what it was asked for. Whether there may be more. */
  #count({ records }: InputBatch, recordsMax: number): boolean {
    const { inputRecordsMax, inputBytesMax } = this.#environment.limits;
    this.#recordsLeft -= records.length;
    this.#bytesLeft -= bytesOf(records);
    const isFull = fills(records, { recordsMax: inputRecordsMax, bytesMax: inputBytesMax });
    if (isFull) this.isFull = true;
    else if (records.length >= recordsMax) this.isHeldBack = true;
    return isFull;
  }

  /** The batch, and how far the right sides of its joins had come when it was read (S24). */
  async readForJoin(input: TaskInput): Promise<void> {
    if (input.waiting !== undefined) return;
    const batch = await this.read(input);
    if (batch === undefined) return;
    const ends = new Map<number, number>();
    for (const { id, topic } of input.rights)
      ends.set(id, await this.#environment.log.endOffset({ topic, partition: this.#environment.partition }));
    input.waiting = { batch, ends };
  }
}
