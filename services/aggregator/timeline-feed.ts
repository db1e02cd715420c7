import assert from 'node:assert';
import type { Cursor, Hop, Position, ReaderCounters } from '../../libs/change/change.js';
import { firstPlace } from '../../libs/pipeline/record-place.js';
import type { Store } from '../../libs/store/store.js';
import { HopTable } from './hop-table.js';
import { JoinMarks } from './join-marks.js';
import { LaneWatermarks } from './lane-watermarks.js';
import type { ReaderPlan } from './reader-plan.js';
import type { StageThrough, Through } from './rekey-message.js';
import { RowStep } from './row-step.js';
import { SeenSequences } from './seen-sequences.js';

/** Steps that throw one after another before the pipeline is paused: by then it is not the records (S23). */
export const FAILURES_IN_A_ROW_MAX = 1_000;

/** The books of a reader while a tick changes them. */
export type MutableCounters = { -readonly [K in keyof ReaderCounters]: ReaderCounters[K] };

export interface FeedStart {
  readonly cursor: Cursor | undefined;
  readonly counters: ReaderCounters | undefined;
  readonly hops: readonly Hop[];
}

interface FeedPlace {
  readonly partition: number;
  readonly partitionCount: number;
  readonly store: Pick<Store, 'get' | 'entries'>;
}

/**
 * A timeline's own way through its dataset's topic: positions, watermarks and seen sequences belong to
 * it, so that one that starts from the beginning disturbs no other (S18). Runs ahead of what is
 * committed during a tick; after an error it is thrown away and made anew from the last commit.
 */
export class TimelineFeed {
  plan: ReaderPlan;
  /** A place of its dataset (record-place.ts). */
  nextOffset: number;
  caughtUp: boolean;
  /** The end that it must have read to be caught up; undefined while that cannot be told yet. */
  target: number | undefined;
  /** The first stage of which other tasks have news to hear after this tick; undefined for none. */
  #newsFrom: number | undefined;
  /** Steps that threw one after another; too many pause the pipeline (S23). */
  failuresInARow = 0;
  readonly counters: MutableCounters;
  readonly lanes: LaneWatermarks;
  readonly sequences: SeenSequences;
  readonly hops: HopTable;
  /** Where the dataset's records are changes of rows (S17). */
  readonly rows: RowStep | undefined;
  /** How far it has joined with other datasets (S24). */
  readonly joined: JoinMarks;
  readonly #place: FeedPlace;

  constructor(plan: ReaderPlan, start: FeedStart, place: FeedPlace) {
    this.plan = plan;
    this.#place = place;
    assert(
      start.cursor === undefined || start.cursor.topic === plan.topic,
      `${plan.name} stands in ${start.cursor?.topic}, not in ${plan.topic}`,
    );
    this.nextOffset = start.cursor?.nextOffset ?? firstPlace(plan.history !== undefined);
    this.caughtUp = start.cursor?.caughtUp ?? false;
    this.counters = { ...(start.counters ?? noCounters(plan.id)) };
    this.joined = new JoinMarks(this.counters.joinedUs);
    this.lanes = new LaneWatermarks(plan.id, place.partition, place.store);
    this.sequences = new SeenSequences(plan.id, place.partition, place.store);
    const isFresh = start.cursor === undefined;
    this.rows = plan.dataset.cdc === undefined ? undefined : new RowStep(plan.id, plan.dataset.fields, { store: place.store, isFresh });
    this.hops = new HopTable(place.partition, place.partitionCount);
    for (const { stage, sender, source, nextOffset, caughtUp } of start.hops)
      this.hops.hear(sender, { stage, sources: [{ source, nextOffset, caughtUp }] });
  }

  /** Another revision's plan for the same timeline: added fields, the same meaning (S19). */
  follow(plan: ReaderPlan): void {
    this.plan = plan;
    this.rows?.follow(plan.dataset.fields);
    this.failuresInARow = 0;
  }

  /** It has failed at one record after another; a new revision or a restart tries again (S23). */
  get paused(): boolean {
    return this.failuresInARow >= FAILURES_IN_A_ROW_MAX;
  }

  /** Once the end that was there has been read; it stays so. */
  checkCaughtUp(): void {
    if (this.caughtUp || this.target === undefined || this.nextOffset < this.target) return;
    this.caughtUp = true;
    this.#noteNews(1);
  }

  moveTo(offset: number): void {
    this.nextOffset = offset;
    this.#noteNews(1);
    this.checkCaughtUp();
  }

  /** Another task has passed on what it had for a stage: news for the stages behind it only. */
  hear(sender: number, through: StageThrough): void {
    this.hops.hear(sender, through);
    this.#noteNews(through.stage + 1);
  }

  /** A left record of its was joined: right rows that are not newer come too late for it (S24). */
  noteJoined(dataset: string, key: Uint8Array, eventTimeUs: number): void {
    this.joined.note(dataset, key, eventTimeUs);
    if (eventTimeUs > this.counters.joinedUs) this.counters.joinedUs = eventTimeUs;
  }

  /** A row enters the index of a dataset that it joins with. */
  noteRightRow(dataset: string, key: Uint8Array, eventTimeUs: number): void {
    if (this.joined.hasPassed(dataset, key, eventTimeUs)) this.counters.lateRight++;
  }

  /** Whether everything that its history is made of has arrived here, from every partition (S18). */
  get isComplete(): boolean {
    return this.positions().every((position) => position.caughtUp);
  }

  cursor(): Cursor {
    return {
      readerId: this.plan.id,
      topic: this.plan.topic,
      partition: this.#place.partition,
      nextOffset: this.nextOffset,
      caughtUp: this.caughtUp,
    };
  }

  positions(): Position[] {
    const { plan } = this;
    const last = plan.stages.length - 1;
    const sources = last === 0 ? [this.#place.partition] : Array.from({ length: this.#place.partitionCount }, (_, source) => source);
    return sources.map((source) => {
      const { nextOffset, caughtUp } = this.hops.through(last, source, this.#own());
      return { readerId: plan.id, topic: plan.topic, partition: source, nextOffset, caughtUp };
    });
  }

  /** Whether this tick is worth a commit even if it changed nothing else. */
  get hasNews(): boolean {
    return this.#newsFrom !== undefined;
  }

  /** What other tasks' later stages are to hear of this tick. */
  takeNews(): StageThrough[] {
    const from = this.#newsFrom;
    this.#newsFrom = undefined;
    const news: StageThrough[] = [];
    for (let stage = from ?? Number.POSITIVE_INFINITY; stage < this.plan.stages.length; stage++)
      news.push(this.hops.tell(this.plan.id, stage, this.#own()));
    return news;
  }

  #noteNews(stage: number): void {
    this.#newsFrom = Math.min(this.#newsFrom ?? stage, stage);
  }

  #own(): Through {
    return { source: this.#place.partition, nextOffset: this.nextOffset, caughtUp: this.caughtUp };
  }
}

export function noCounters(readerId: number): ReaderCounters {
  return {
    readerId,
    read: 0,
    received: 0,
    sent: 0,
    applied: 0,
    filtered: 0,
    late: 0,
    duplicate: 0,
    dead: 0,
    failed: 0,
    watermarkUs: Number.NEGATIVE_INFINITY,
    lateRight: 0,
    joinedUs: Number.NEGATIVE_INFINITY,
    ended: 0,
    unpublished: 0,
    erased: 0,
    outdated: 0,
  };
}
