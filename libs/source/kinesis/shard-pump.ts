import { Backoff, systemRandom } from '../../time/backoff.js';
import type { Clock } from '../../time/clock.js';
import { kinesisFailureOf } from './kinesis-errors.js';
import type { ShardRecords, ShardStart, StreamApi } from './stream-api.js';

export interface ShardAnswer extends ShardRecords {
  readonly shard: string;
  /** Where its iterator began, with the first answer of one. */
  readonly start: ShardStart | undefined;
}

export interface ShardPumpOptions {
  readonly api: StreamApi;
  readonly clock: Clock;
  /** Where a shard is to be gone on from, when its iterator is asked for. */
  readonly startOf: (shard: string) => ShardStart;
  /** The service cannot begin there. What it throws ends the reading; else it is asked for again. */
  readonly onRefused: (shard: string, error: unknown) => void;
  /** A shard has been throttled so many times in a row. */
  readonly onThrottled: (shard: string) => void;
}

/** A shard gives five answers a second, and two MiB; a little longer, since that second is not ours. */
const READ_EVERY_MS = 220;
const BYTES_PER_MS = (2 * 1_024 * 1_024) / 1_000;
/** At the end of a shard: what others read of it comes out of the same five answers a second. */
const IDLE_EVERY_MS = 500;
/** Asked at the same time, or answered and not taken: ten MiB each at most. */
const ANSWERS_MAX = 8;
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 10_000;
const TRIES_MAX = 6;
/** So many in a row are told of. */
const THROTTLED_TOLD = 5;

interface Reading {
  iterator: string | undefined;
  /** Where the iterator began, until its first answer. */
  start: ShardStart | undefined;
  dueMs: number;
  isUnderWay: boolean;
}

/**
 * Asks the shards that are being read, each by itself: one that is throttled, slow or idle keeps no other waiting. A shard is asked
 * again once its answer was taken.
 */
export class ShardPump {
  readonly #options: ShardPumpOptions;
  readonly #readings = new Map<string, Reading>();
  readonly #ended = new AbortController();
  readonly #answers: ShardAnswer[] = [];
  readonly #underWay = new Set<Promise<void>>();
  /** Who waits for one of the ANSWERS_MAX. */
  readonly #waiting: (() => void)[] = [];
  #held = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake = (): void => undefined;

  constructor(options: ShardPumpOptions) {
    this.#options = options;
  }

  has(shard: string): boolean {
    return this.#readings.has(shard);
  }

  add(shard: string): void {
    this.#readings.set(shard, { iterator: undefined, start: undefined, dueMs: 0, isUnderWay: false });
  }

  drop(shard: string): void {
    this.#readings.delete(shard);
  }

  /** Its answer was taken, and it is gone on with; undefined: from where `startOf` says. */
  goOn(shard: string, iterator: string | undefined): void {
    const reading = this.#readings.get(shard);
    if (reading !== undefined) reading.iterator = iterator;
  }

  /** Asks those who are not being asked. */
  ask(): void {
    for (const [shard, reading] of this.#readings) {
      if (reading.isUnderWay || this.#ended.signal.aborted) continue;
      reading.isUnderWay = true;
      const asked: Promise<void> = this.#read(shard, reading)
        .then((answer) => void this.#answers.push(answer))
        .catch((error: unknown) => void (this.#failure ??= { error }))
        .finally(() => {
          this.#underWay.delete(asked);
          this.#wake();
        });
      this.#underWay.add(asked);
    }
  }

  /** Those that have come, each once; none after `waitMs`, or once it was stopped. Rejects with what a shard failed with. */
  async answers(waitMs: number): Promise<readonly ShardAnswer[]> {
    this.ask();
    if (this.#answers.length === 0 && this.#failure === undefined && !this.#ended.signal.aborted) {
      const waiting = new AbortController();
      this.#wake = () => waiting.abort();
      await this.#options.clock.sleep(waitMs, waiting.signal);
      this.#wake = () => undefined;
    }
    const answers = this.#answers.splice(0);
    for (const { shard } of answers) {
      const reading = this.#readings.get(shard);
      if (reading !== undefined) reading.isUnderWay = false;
      this.#release();
    }
    if (answers.length === 0 && this.#failure !== undefined && !this.#ended.signal.aborted) throw this.#failure.error;
    return answers;
  }

  /** Ends what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.#ended.abort();
    this.#wake();
    for (const go of this.#waiting.splice(0)) go();
    await Promise.all(this.#underWay);
  }

  async #read(shard: string, reading: Reading): Promise<ShardAnswer> {
    const { signal } = this.#ended;
    const { clock } = this.#options;
    const backoff = new Backoff({ minMs: RETRY_MS_MIN, maxMs: RETRY_MS_MAX, random: systemRandom });
    for (let throttled = 0, tries = 1; ;) {
      await clock.sleep(reading.dueMs - this.#nowMs(), signal);
      await this.#hold();
      try {
        signal.throwIfAborted();
        return await this.#ask(shard, reading);
      } catch (error) {
        this.#release();
        signal.throwIfAborted();
        switch (kinesisFailureOf(error)) {
          case 'expired':
            if (++tries > TRIES_MAX) throw error;
            reading.iterator = undefined;
            continue;
          case 'refused':
            if (reading.iterator !== undefined) throw error;
            this.#options.onRefused(shard, error);
            continue;
          case 'throttled':
            if (++throttled % THROTTLED_TOLD === 0) this.#options.onThrottled(shard);
            break;
          case 'passing':
            if (++tries > TRIES_MAX) throw error;
            break;
          default:
            throw error;
        }
        reading.dueMs = this.#nowMs() + backoff.next();
      }
    }
  }

  async #ask(shard: string, reading: Reading): Promise<ShardAnswer> {
    const { api, startOf } = this.#options;
    const { signal } = this.#ended;
    if (reading.iterator === undefined) {
      const start = startOf(shard);
      reading.iterator = await api.iterator(shard, start, signal);
      reading.start = start;
    }
    const askedMs = this.#nowMs();
    const answer = await api.records(reading.iterator, signal);
    const { start } = reading;
    reading.start = undefined;
    const bytes = answer.records.reduce((sum, { data }) => sum + data.length, 0);
    const isIdle = bytes === 0 && answer.behindMs === 0;
    reading.dueMs = askedMs + (isIdle ? IDLE_EVERY_MS : Math.max(READ_EVERY_MS, bytes / BYTES_PER_MS));
    return { ...answer, shard, start };
  }

  /** Until there is room for one more answer. */
  async #hold(): Promise<void> {
    if (this.#held < ANSWERS_MAX) this.#held++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#held--;
    else next(); // it has this one's place
  }

  #nowMs(): number {
    return this.#options.clock.nowUs() / 1_000;
  }
}
