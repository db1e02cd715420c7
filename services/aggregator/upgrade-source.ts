import type { Cursor } from '../../libs/change/change.js';
import { appendTimeOf } from '../../libs/codec/erasure-record.js';
import type { Log, LogRecord, ReadLimits } from '../../libs/log/log.js';
import { firstPlace, isInHistory, offsetAt, placeOf } from '../../libs/pipeline/record-place.js';
import { endsHistory } from './task-inputs.js';
import type { UpgradePlan } from './upgrade-plan.js';

export interface PlacedRecord {
  readonly record: LogRecord;
  readonly place: number;
  readonly appendTimeUs: number;
}

/** One partition of the old version, read from its beginning. */
export class UpgradeSource {
  readonly partition: number;
  /** The place of the next record to be carried. */
  place: number;
  /** It has been read to the end that was there when the carry-over began. */
  caughtUp: boolean;
  readonly #plan: UpgradePlan;
  readonly #log: Log;
  #target: number | undefined;
  #buffer: readonly PlacedRecord[] = [];
  #taken = 0;
  /** Where the log is read next: behind what is in the buffer. */
  #readFrom: number;

  constructor(plan: UpgradePlan, partition: number, cursor: Cursor | undefined, log: Log) {
    this.#plan = plan;
    this.partition = partition;
    this.#log = log;
    this.place = cursor?.nextOffset ?? firstPlace(plan.fromHistory !== undefined);
    this.caughtUp = cursor?.caughtUp ?? false;
    this.#readFrom = this.place;
  }

  /** Where it waits for more. */
  get waitsAt() {
    return { source: this.#sourceAt(this.#readFrom), nextOffset: offsetAt(this.#readFrom) };
  }

  cursor(): Cursor {
    const { place: nextOffset, partition, caughtUp } = this;
    return { readerId: this.#plan.id, topic: this.#plan.fromTopic, partition, nextOffset, caughtUp };
  }

  /** Reads on where the buffer is empty, and sees whether the end is reached. */
  async fill(limits: ReadLimits): Promise<void> {
    this.#target ??= await this.#log.endOffset({ topic: this.#plan.fromTopic, partition: this.partition });
    if (this.next === undefined) await this.#read(limits);
    this.place = this.next?.place ?? this.#readFrom;
    this.caughtUp ||= this.place >= this.#target;
  }

  get next(): PlacedRecord | undefined {
    return this.#buffer[this.#taken];
  }

  take(): void {
    const taken = this.next;
    this.#taken++;
    if (taken !== undefined) this.place = this.next?.place ?? taken.place + 1;
  }

  async #read(limits: ReadLimits): Promise<void> {
    const from = this.#readFrom;
    const { records, nextOffset } = await this.#log.read(this.#sourceAt(from), offsetAt(from), limits);
    const end = isInHistory(from) ? records.findIndex(endsHistory) : -1;
    this.#readFrom = end < 0 ? placeOf(nextOffset, from) : firstPlace(false);
    this.#buffer = (end < 0 ? records : records.slice(0, end)).map((record) => ({
      record,
      place: placeOf(record.offset, from),
      appendTimeUs: appendTimeOf(record.value),
    }));
    this.#taken = 0;
  }

  #sourceAt(place: number) {
    const { fromTopic, fromHistory } = this.#plan;
    return { topic: isInHistory(place) && fromHistory !== undefined ? fromHistory : fromTopic, partition: this.partition };
  }
}
