import type { DatasetRecord } from '../../libs/codec/dataset-record.js';
import { decodeErasure, isErasure } from '../../libs/codec/erasure-record.js';
import type { LogRecord, TopicPartition } from '../../libs/log/log.js';
import { rekeyPartition, rekeyTopic } from '../../libs/pipeline/topics.js';
import { firstPlace, isInHistory, offsetAt, placeOf } from '../../libs/pipeline/record-place.js';
import type { PipelineRun } from './pipeline-run.js';
import type { ReaderPlan } from './reader-plan.js';
import type { TimelineFeed } from './timeline-feed.js';
import { decodeRekeyMessage } from './rekey-message.js';
import type { TaskEnvironment } from './task-environment.js';

/** What an input has read and not yet been run. Several readers at one offset share it; those that need whole records, decoded once. */
export interface InputBatch {
  readonly records: readonly LogRecord[];
  readonly nextOffset: number;
  decoded: readonly (DatasetRecord | undefined)[] | undefined;
}

/** A batch that waits until the right sides of its joins are as far as they were when it was read (S24). */
export interface WaitingBatch {
  readonly batch: InputBatch;
  /** By an index's reader: the end that it must have reached. */
  readonly ends: ReadonlyMap<number, number>;
}

/** One place that a task reads: a reader in its dataset's topic, or what another task has re-keyed. */
export interface TaskInput {
  readonly source: TopicPartition;
  /** In the source. */
  readonly nextOffset: number;
  /** Grows with all that it reads (record-place.ts). */
  readonly place: number;
  /** Kept from tick to tick: asking anew each time would wait for ever behind a busy right side. */
  waiting: WaitingBatch | undefined;
  /** The indexes that its records may be joined with. */
  readonly rights: readonly ReaderPlan[];
  readonly paused: boolean;
  /** It reads what was there before its reader was (S18). */
  readonly isBackfill: boolean;
  /** Runs the batch, and moves on behind it, or as far as it may. */
  run(batch: InputBatch, run: PipelineRun): Promise<void>;
}

export class TopicInput implements TaskInput {
  waiting: WaitingBatch | undefined;
  readonly reader: TimelineFeed;
  readonly #topic: TopicPartition;
  readonly #history: TopicPartition | undefined;

  constructor(reader: TimelineFeed, partition: number) {
    this.reader = reader;
    const { topic, history } = reader.plan;
    this.#topic = { topic, partition };
    this.#history = history && { topic: history.topic, partition };
  }

  get source(): TopicPartition {
    return isInHistory(this.place) && this.#history !== undefined ? this.#history : this.#topic;
  }

  get place(): number {
    return this.reader.nextOffset;
  }

  get nextOffset(): number {
    return offsetAt(this.place);
  }

  get rights(): readonly ReaderPlan[] {
    return [...this.reader.plan.rights.values()];
  }

  get paused(): boolean {
    return this.reader.paused;
  }

  get isBackfill(): boolean {
    return !this.reader.caughtUp;
  }

  async run(batch: InputBatch, run: PipelineRun): Promise<void> {
    const { reader } = this;
    const { records, wholeRecords } = reader.plan;
    // A part of a record costs less to decode than to keep for others, and leaves the garbage collector nothing to copy.
    if (records === wholeRecords)
      batch.decoded ??= batch.records.map((record) => (isRecord(record) ? records.decode(record.value) : undefined));
    const decoded = records === wholeRecords ? batch.decoded : undefined;
    const begin = this.place;
    for (let i = 0; i < batch.records.length; i++) {
      const logRecord = batch.records[i];
      if (logRecord === undefined) continue;
      if (endsHistory(logRecord)) {
        reader.moveTo(firstPlace(false));
        return;
      }
      const place = placeOf(logRecord.offset, begin);
      if (isErasure(logRecord.value)) {
        await run.takeErasure(reader, decodeErasure(logRecord.value), place);
        continue;
      }
      run.take(reader, decoded?.[i] ?? records.decode(logRecord.value), logRecord, place);
      if (reader.paused) {
        reader.moveTo(place + 1); // the record that paused it is in the dead letters
        return;
      }
      if (run.turns.step()) await run.turns.next();
    }
    reader.moveTo(placeOf(batch.nextOffset, begin));
  }
}

function isRecord(record: LogRecord): boolean {
  return !endsHistory(record) && !isErasure(record.value);
}

/** A history's last record (S19a). */
export function endsHistory({ value }: LogRecord): boolean {
  return value.length === 0;
}

/** What one other task sends to this one, for all readers together. */
export class RekeyInput implements TaskInput {
  /** What others have read of the history was counted there. */
  readonly isBackfill = false;
  waiting: WaitingBatch | undefined;
  nextOffset = 0;
  /** The revision of the message that it stands before; 0 for none. */
  #awaited = 0;
  readonly source: TopicPartition;
  readonly sender: number;
  readonly #readers: () => ReadonlyMap<number, TimelineFeed>;
  readonly #revision: () => number;

  constructor(
    environment: TaskEnvironment,
    sender: number,
    state: { readonly readers: () => ReadonlyMap<number, TimelineFeed>; readonly revision: () => number },
  ) {
    const { deployment, partition, partitionCount } = environment;
    this.sender = sender;
    this.source = { topic: rekeyTopic(deployment), partition: rekeyPartition(sender, partition, partitionCount) };
    this.#readers = state.readers;
    this.#revision = state.revision;
  }

  /** Until this task has adopted the sender's revision. */
  get paused(): boolean {
    return this.#awaited > this.#revision();
  }

  get place(): number {
    return this.nextOffset;
  }

  get rights(): readonly ReaderPlan[] {
    const rights = new Map<number, ReaderPlan>();
    for (const { plan } of this.#readers().values()) {
      for (const dataset of plan.stages.slice(1).flatMap((stage) => stage.joins)) {
        const right = plan.rights.get(dataset);
        if (right !== undefined) rights.set(right.id, right);
      }
    }
    return [...rights.values()];
  }

  async run(batch: InputBatch, run: PipelineRun): Promise<void> {
    for (const { offset, value } of batch.records) {
      const message = decodeRekeyMessage(value);
      // Its pipelines may be unknown here until this task has adopted that revision too.
      if (message.revision > this.#revision()) {
        this.nextOffset = offset;
        this.#awaited = message.revision;
        return;
      }
      for (const record of message.records) {
        const reader = this.#readers().get(record.readerId);
        if (reader !== undefined) run.takeRekeyed(reader, record); // of a pipeline that was removed: no longer asked for
        if (run.turns.step()) await run.turns.next();
      }
      for (const through of message.through) this.#readers().get(through.readerId)?.hear(this.sender, through);
    }
    this.nextOffset = batch.nextOffset;
  }
}
