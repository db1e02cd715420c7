import type { Revision, TimelineIdentity } from '../../libs/definition/revision.js';
import { timelinesWithTopics, type TimelineTopics } from '../../libs/definition/timeline-topics.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { PastDefinitions } from './past-definitions.js';
import { noSuchRevision } from './registry-errors.js';
import type { RevisionLog } from './revision-log.js';

/** Whole revisions in memory, for those who follow closely; older ones are read from the log. */
const REVISIONS_HELD = 16;

export interface RevisionSummary {
  readonly number: number;
  readonly createdUs: number;
  readonly datasets: number;
  readonly pipelines: number;
  readonly featuresets: number;
}

/** What a follower of definitions in the same process needs; a process of its own follows `Watch`. */
export interface RevisionFeed {
  /** The newest revision; undefined before the first. */
  latest(): Revision | undefined;
  /** Revisions newer than this number, in order. Of many, only the last few: each stands for all before it. */
  after(number: number): readonly Revision[];
  /** Resolves when there is a newer one, or when the signal aborts. */
  waitForNewer(number: number, signal: AbortSignal): Promise<void>;
}

interface Entry extends RevisionSummary {
  readonly offset: number;
}

/**
 * The commits as this process has read them from the log: the only way that one gets in, also for
 * the registry that made it. Their numbers have no gaps.
 */
export class RevisionHistory implements RevisionFeed {
  /** What all of them said that still binds. */
  readonly past = new PastDefinitions();
  readonly #log: RevisionLog;
  readonly #entries: Entry[] = [];
  readonly #held: Revision[] = [];
  readonly #waiters = new Set<() => void>();
  #nextOffset = 0;
  #timelineIdMax = 0;
  /** What each timeline has belonged to since its first revision; nothing later can change that. */
  readonly #topicsOfTimeline = new Map<number, TimelineTopics>();
  #reading: Promise<void> = Promise.resolve();

  constructor(log: RevisionLog) {
    this.#log = log;
  }

  latest(): Revision | undefined {
    return this.#held.at(-1);
  }

  /** 0 before the first. */
  get latestNumber(): number {
    return this.#entries.length;
  }

  /** The highest id that a timeline of any revision ever had; 0 before the first. */
  get timelineIdMax(): number {
    return this.#timelineIdMax;
  }

  /** The newest revision's, each with the topics that it has belonged to from its start. */
  get latestTimelines(): readonly TimelineIdentity[] {
    return (this.latest()?.timelines ?? []).map((timeline) => ({ ...timeline, ...this.#topicsOfTimeline.get(timeline.id) }));
  }

  after(number: number): readonly Revision[] {
    return this.#held.filter((revision) => revision.number > number);
  }

  async get(number: number): Promise<Revision> {
    const held = this.#held.find((revision) => revision.number === number);
    if (held !== undefined) return held;
    const entry = this.#entries[number - 1];
    const read = entry === undefined ? undefined : await this.#log.readOne(entry.offset);
    if (read === undefined) throw noSuchRevision(number, this.latestNumber);
    return read;
  }

  /** Newest first. */
  summaries(limit: number): readonly RevisionSummary[] {
    return this.#entries.slice(-limit).reverse();
  }

  async waitForNewer(number: number, signal: AbortSignal): Promise<void> {
    while (this.latestNumber <= number && !signal.aborted) await this.#news(signal);
  }

  /** Each revision from this number on, and later ones as they come, until the signal aborts. */
  async *watch(from: number, signal: AbortSignal): AsyncGenerator<Revision> {
    for (let number = Math.max(1, from); ; number++) {
      await this.waitForNewer(number - 1, signal);
      if (signal.aborted) return;
      yield await this.get(number);
    }
  }

  /** Takes in what the log has now. Calls follow one another, so that no revision is taken twice. */
  catchUp(): Promise<void> {
    const reading = this.#reading.then(() => this.#read());
    this.#reading = reading.catch(() => undefined); // each caller learns of its own failure
    return reading;
  }

  /** Takes in commits as they come. Ends when the signal aborts; rejects when the log cannot be read. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#log.waitFor(this.#nextOffset, signal);
      if (!signal.aborted) await this.catchUp();
    }
  }

  async #read(): Promise<void> {
    const { revisions, nextOffset } = await this.#log.readFrom(this.#nextOffset);
    for (const { offset, revision } of revisions) this.#take(offset, revision);
    this.#nextOffset = nextOffset;
    if (revisions.length > 0) for (const wake of [...this.#waiters]) wake();
  }

  #take(offset: number, revision: Revision): void {
    const { number, createdUs, definitions, timelines } = revision;
    if (number !== this.latestNumber + 1) {
      throw new ThymeError('THYME_LOG_CORRUPT', 'INTERNAL', `the registry's log has revision ${number} after ${this.latestNumber}`);
    }
    const { datasets, pipelines, featuresets } = definitions;
    this.#entries.push({
      offset,
      number,
      createdUs,
      datasets: datasets.length,
      pipelines: pipelines.length,
      featuresets: featuresets.length,
    });
    this.past.add(definitions);
    this.#held.push(revision);
    if (this.#held.length > REVISIONS_HELD) this.#held.shift();
    for (const { id } of [...timelines, ...(revision.carryOvers ?? [])]) this.#timelineIdMax = Math.max(this.#timelineIdMax, id);
    for (const { id, inputs, output } of timelinesWithTopics(revision)) {
      if (!this.#topicsOfTimeline.has(id) && inputs !== undefined)
        this.#topicsOfTimeline.set(id, output === undefined ? { inputs } : { inputs, output });
    }
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiters.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
