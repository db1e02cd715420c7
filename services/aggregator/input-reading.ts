import type { Log } from '../../libs/log/log.js';
import { datasetTopic } from '../../libs/pipeline/topics.js';
import type { BackfillRate } from './backfill-rate.js';
import type { RevisionPlan } from './reader-plan.js';
import type { TaskEnvironment } from './task-environment.js';
import type { InputBatch, TaskInput } from './task-inputs.js';

/** Reads what the inputs of one tick have to give, within the tick's limits. */
export class InputReading {
  readonly #environment: TaskEnvironment;
  readonly #log: Log;
  readonly #backfillRate: BackfillRate | undefined;
  /** By place and offset: readers that stand side by side read, and decode, once. */
  readonly #batches = new Map<string, InputBatch>();
  #recordsLeft: number;
  #bytesLeft: number;
  /** Some input may have more. */
  isFull = false;
  /** Some reader of history may have more, and has to wait for it: a matter of time, not of input. */
  isHeldBack = false;

  constructor(environment: TaskEnvironment, backfillRate: BackfillRate | undefined) {
    this.#environment = environment;
    this.#backfillRate = backfillRate;
    this.#log = environment.log;
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
      const { records, nextOffset } = await this.#log.read(input.source, input.nextOffset, { recordsMax, bytesMax: inputBytesMax });
      batch = { records, nextOffset, decoded: undefined };
      this.#batches.set(name, batch);
    }
    rate?.spend(batch.records.length);
    this.#count(batch, recordsMax);
    return batch.nextOffset === input.nextOffset ? undefined : batch;
  }

  /** `recordsMax` is what it was asked for. */
  #count({ records }: InputBatch, recordsMax: number): void {
    const { inputRecordsMax, inputBytesMax } = this.#environment.limits;
    const bytes = records.reduce((sum, record) => sum + record.value.length, 0);
    this.#recordsLeft -= records.length;
    this.#bytesLeft -= bytes;
    if (records.length >= inputRecordsMax || bytes >= inputBytesMax / 2) this.isFull = true;
    else if (records.length >= recordsMax) this.isHeldBack = true;
  }

  /** The batch, and how far the right sides of its joins had come when it was read (S24). */
  async readForJoin(input: TaskInput, plan: RevisionPlan): Promise<void> {
    if (input.waiting !== undefined) return;
    const batch = await this.read(input);
    if (batch === undefined) return;
    const ends = new Map<string, number>();
    for (const dataset of input.joins) {
      const right = plan.indexOf.get(dataset)?.dataset;
      if (right === undefined) continue;
      const topic = datasetTopic(this.#environment.deployment, right.name, right.version);
      ends.set(dataset, await this.#log.endOffset({ topic, partition: this.#environment.partition }));
    }
    input.waiting = { batch, ends };
  }
}
