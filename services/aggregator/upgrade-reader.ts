import { hexOf } from '../../libs/codec/hex.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import type { Cursor } from '../../libs/change/change.js';
import { decodeErasure, isErasure } from '../../libs/codec/erasure-record.js';
import type { ErasureBook } from '../../libs/erasure/erasure-book.js';
import { hasSameKeys } from '../../libs/pipeline/partition-fields.js';
import type { DatasetRecord } from '../../libs/codec/dataset-record.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Log, LogRecord } from '../../libs/log/log.js';
import { Turns } from '../../libs/time/turns.js';
import type { BackfillRate } from './backfill-rate.js';
import { pipelineDeadLetter, reasonOf } from './dead-letters.js';
import type { StepWatch } from './step-watch.js';
import type { TickLimits } from './task-environment.js';
import type { TickOutput } from './tick-output.js';
import { FAILURES_IN_A_ROW_MAX, noCounters, type MutableCounters } from './timeline-feed.js';
import type { UpgradePlan } from './upgrade-plan.js';
import { type PlacedRecord, UpgradeSource } from './upgrade-source.js';

const STEPS_PER_TURN = 128;
/** Entities that are remembered, some 100 bytes each; beyond it none is taken for one of which nothing was carried. */
const CARRIED_MAX = 100_000;
/** Records of one source that are held between ticks, for the merge. */
const SOURCE_LIMITS = { recordsMax: 2_048, bytesMax: 1_024 * 1_024 };
const NO_BYTES = new Uint8Array();

interface UpgradePlace {
  readonly partition: number;
  readonly partitionCount: number;
  readonly log: Log;
  readonly erasures: ErasureBook;
  readonly stepWatch: StepWatch | undefined;
  /** It takes part in a tick as one input does. */
  readonly limits: TickLimits;
}

/**
 * Carries the records of an old dataset version whose new keys lie in this partition (S19a). While the history is open, all
 * partitions of the old version are merged by append time, up to the ends that were there when it began, and go to the
 * history's topic; then that is closed with a record of no bytes, for good, and what comes to the old version later goes to the
 * new one's own topic. Everything in the tick's transaction: where it stands, what is carried, and what could not be.
 * Duplicates and late records are carried like all others: who reads them judges.
 */
export class UpgradeReader {
  readonly plan: UpgradePlan;
  readonly counters: MutableCounters;
  /** The history is complete, and closed. */
  isClosed: boolean;
  readonly #place: UpgradePlace;
  readonly #sources: readonly UpgradeSource[];
  #failuresInARow = 0;
  /** Entities of which it has carried a record into the new version's topic since it was made. */
  readonly #carried = new Set<string>();
  /** Where that topic ended when it was made: what came before then nobody remembers. */
  #begunAt: number | undefined;

  constructor(
    plan: UpgradePlan,
    start: { readonly cursors: readonly Cursor[]; readonly counters: MutableCounters | undefined; readonly isClosed: boolean },
    place: UpgradePlace,
  ) {
    this.plan = plan;
    this.#place = place;
    this.counters = { ...(start.counters ?? noCounters(plan.id)) };
    this.isClosed = start.isClosed;
    this.#sources = Array.from(
      { length: place.partitionCount },
      (_, partition) =>
        new UpgradeSource(
          plan,
          partition,
          start.cursors.find((cursor) => cursor.readerId === plan.id && cursor.partition === partition),
          place.log,
        ),
    );
  }

  /** It has failed at one record after another; a restart tries again (S23). Until then the old version serves. */
  get paused(): boolean {
    return this.#failuresInARow >= FAILURES_IN_A_ROW_MAX;
  }

  cursors(): Cursor[] {
    return this.#sources.map((source) => source.cursor());
  }

  /** Where there may be more. */
  get waits() {
    return this.paused ? [] : this.#sources.filter((source) => this.isClosed || !source.caughtUp).map((source) => source.waitsAt);
  }

  /** Records of the old version that are still to be read, as far as is known here. */
  async lag(): Promise<number> {
    let lag = 0;
    for (const { waitsAt, partition } of this.#sources) {
      lag += Math.max(0, (await this.#place.log.endOffset(waitsAt.source)) - waitsAt.nextOffset);
      if (waitsAt.source.topic !== this.plan.fromTopic) lag += await this.#place.log.endOffset({ topic: this.plan.fromTopic, partition });
    }
    return lag;
  }

  /** One tick's share. `rate` limits the history only. */
  async tick(output: TickOutput, clockUs: number, rate: BackfillRate | undefined): Promise<'idle' | 'worked' | 'full'> {
    if (this.paused) return 'idle';
    this.#begunAt ??= await this.#place.log.endOffset({ topic: this.plan.topic, partition: this.#place.partition });
    const before = this.#sources.map(({ place }) => place);
    const wasClosed = this.isClosed;
    const { inputRecordsMax, inputBytesMax } = this.#place.limits;
    const recordsMax = wasClosed ? inputRecordsMax : Math.min(inputRecordsMax, rate?.allowance ?? inputRecordsMax);
    const turns = new Turns(STEPS_PER_TURN);
    let [records, bytes] = [0, 0];
    while (!this.paused) {
      const source = wasClosed ? await this.#anyWithMore() : await this.#oldest();
      if (source?.next === undefined || records >= recordsMax || bytes >= inputBytesMax) break;
      bytes += source.next.record.value.length;
      records++;
      if (isErasure(source.next.record.value)) await this.#carryErasure(source.next.record, source.partition, output);
      else this.#carry(source.next, source.partition, output, clockUs);
      source.take();
      if (turns.step()) await turns.next();
    }
    if (!wasClosed) rate?.spend(records);
    if (!wasClosed && this.#sources.every(({ caughtUp }) => caughtUp)) {
      output.append(this.plan.historyTopic, { key: NO_BYTES, value: NO_BYTES });
      this.isClosed = true;
    }
    if (records >= recordsMax || bytes >= inputBytesMax) return recordsMax === inputRecordsMax ? 'full' : 'worked';
    return this.isClosed !== wasClosed || this.#sources.some(({ place }, i) => place !== before[i]) ? 'worked' : 'idle';
  }

  /** The source whose next record came first of all; undefined where one has none yet, or all have come to their ends. */
  async #oldest(): Promise<UpgradeSource | undefined> {
    let oldest: UpgradeSource | undefined;
    for (const source of this.#sources) {
      if (!source.caughtUp) await source.fill(SOURCE_LIMITS);
      if (source.caughtUp) continue;
      if (source.next === undefined) return undefined;
      if (oldest?.next === undefined || source.next.appendTimeUs < oldest.next.appendTimeUs) oldest = source;
    }
    return oldest;
  }

  async #anyWithMore(): Promise<UpgradeSource | undefined> {
    for (const source of this.#sources) {
      await source.fill(SOURCE_LIMITS);
      if (source.next !== undefined) return source;
    }
    return undefined;
  }

  #carry({ record, place }: PlacedRecord, sourcePartition: number, output: TickOutput, clockUs: number): void {
    const { counters, plan } = this;
    const old = plan.decode(record.value);
    try {
      const { key, value } = this.#watched(sourcePartition, place, () => plan.upgrade(old));
      this.#failuresInARow = 0;
      if (partitionOf(slotOf(key), this.#place.partitionCount) !== this.#place.partition) return;
      output.append(this.isClosed ? plan.topic : plan.historyTopic, { key, value });
      if (this.isClosed && this.#carried.size < CARRIED_MAX) this.#carried.add(hexOf(key));
      counters.read++;
      counters.applied++;
    } catch (error) {
      // Every task reads every record: the one whose partition it lies in says that it cannot be carried.
      if (sourcePartition === this.#place.partition) this.#fail(old, place, error, output, clockUs);
    }
  }

  /**
   * What was erased in the old version is, in the same order, in the new one (S26), where the key's fields are the same. Not
   * where that has a mark of the same erasure, and nothing of the entity was carried behind it: what was pushed there since
   * would go as well.
   */
  async #carryErasure({ value }: LogRecord, sourcePartition: number, output: TickOutput): Promise<void> {
    const erasure = decodeErasure(value);
    const { from, to, topic, historyTopic } = this.plan;
    if (erasure.kind === 'erased') {
      this.#carryErased(value, { isOwn: sourcePartition === this.#place.partition }, output);
      return;
    }
    if (!hasSameKeys(from, to)) return;
    const { entityKey: key } = erasure;
    const { partition, partitionCount, erasures } = this.#place;
    if (partitionOf(slotOf(key), partitionCount) !== partition) return;
    await erasures.refresh();
    const name = hexOf(key);
    const markedAt = erasures.maskOf({ topic, partition })?.offsetOf(erasure.id, name);
    const isRemembered = this.#carried.size < CARRIED_MAX && markedAt !== undefined && markedAt >= (this.#begunAt ?? 0);
    if (!isRemembered || this.#carried.has(name)) output.append(this.isClosed ? topic : historyTopic, { key, value });
  }

  /**
   * What is left of an erased record tells a retry of it that was pushed behind the erasure (S13). Where the key's fields changed,
   * nobody knows any more to which partition that goes: each is told.
   */
  #carryErased(value: Uint8Array, { isOwn }: { readonly isOwn: boolean }, output: TickOutput): void {
    const { from, to, topic, historyTopic } = this.plan;
    if (isOwn || !hasSameKeys(from, to)) output.append(this.isClosed ? topic : historyTopic, { key: NO_BYTES, value });
  }

  /** S23: a record at which the function never returned is not given to it again. */
  #watched<T>(partition: number, place: number, run: () => T): T {
    const { stepWatch } = this.#place;
    if (stepWatch === undefined) return run();
    const watched = { name: this.plan.name, version: this.plan.to.version, topic: this.plan.fromTopic };
    if (stepWatch.isCondemned(watched, { partition, offset: place }))
      throw new ThymeError(
        'THYME_STEP_HUNG',
        'DEADLINE_EXCEEDED',
        `${watched.name} did not return at this record, and the process was ended for it`,
      );
    stepWatch.enter(watched, { partition, offset: place });
    try {
      return run();
    } finally {
      stepWatch.leave();
    }
  }

  #fail({ eventTimeUs, row }: DatasetRecord, place: number, error: unknown, output: TickOutput, clockUs: number): void {
    const { plan, counters } = this;
    counters.read++;
    counters.dead++;
    counters.failed++;
    this.#failuresInARow++;
    const { partition } = this.#place;
    const dead = { reason: reasonOf(error), partition, offset: place, eventTimeUs, fields: plan.from.fields, row };
    output.append(plan.deadTopic, pipelineDeadLetter({ name: plan.name, dataset: plan.to }, dead, clockUs));
  }
}
