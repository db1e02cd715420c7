import assert from 'node:assert';

/** Time is an argument: only `main.ts` and this file know the system's clock. */
export interface Clock {
  /** Microseconds since the epoch, UTC (S1): a safe integer that never decreases. */
  nowUs(): number;
  /** Resolves after `ms`, or early, without error, when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

interface TimeSources {
  /** Milliseconds since the epoch; may be set back and forth. */
  readonly wallMs: () => number;
  /** Milliseconds with fractions that only grow, from any start; may stand still while the machine sleeps. */
  readonly monotonicMs: () => number;
}

/**
 * How far the clock may run ahead of the wall's before it is set back to it. Above the pauses between
 * reading the two, far below the minute ahead that a query may ask for (S3).
 */
const AHEAD_MS_MAX = 250;

/** setTimeout fires at once for longer delays. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * The wall's time with the monotonic clock's microseconds. It is never behind the wall: an event that
 * somebody stamps with `new Date()` is not in this clock's future (S3), even after a suspended machine
 * or a corrected clock. Where the wall is set back, it stands until the wall has caught up.
 */
export class SystemClock implements Clock {
  readonly #sources: TimeSources;
  #originMs: number;
  #lastUs = 0;

  constructor(sources: TimeSources = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }) {
    this.#sources = sources;
    this.#originMs = sources.wallMs() - sources.monotonicMs();
  }

  nowUs(): number {
    const wallMs = this.#sources.wallMs();
    const monotonicMs = this.#sources.monotonicMs();
    const behindMs = wallMs - (this.#originMs + monotonicMs);
    if (behindMs > 0 || behindMs < -AHEAD_MS_MAX) this.#originMs += behindMs;
    const nowUs = Math.round((this.#originMs + monotonicMs) * 1_000);
    if (nowUs > this.#lastUs) this.#lastUs = nowUs;
    return this.#lastUs;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    for (let restMs = ms; restMs > 0 && !signal.aborted; restMs -= TIMER_MS_MAX) await timer(Math.min(restMs, TIMER_MS_MAX), signal);
  }
}

export const systemClock: Clock = new SystemClock();

function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timeout);
      signal.removeEventListener('abort', wake); // a signal that outlives many sleeps must not gather listeners
      resolve();
    };
    const timeout = setTimeout(wake, ms);
    signal.addEventListener('abort', wake);
  });
}

interface Sleeper {
  readonly dueUs: number;
  readonly wake: () => void;
}

/** A clock for tests: it moves when told, and wakes those whose time has come, in order. */
export class ManualClock implements Clock {
  #nowUs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(startUs = 0) {
    assert(Number.isSafeInteger(startUs));
    this.#nowUs = startUs;
  }

  nowUs(): number {
    return this.#nowUs;
  }

  /** How many sleep now: a test waits for this before it advances. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  advance(ms: number): void {
    this.advanceUs(Math.round(ms * 1_000));
  }

  advanceUs(us: number): void {
    assert(us >= 0 && Number.isSafeInteger(us));
    this.#nowUs += us;
    const due = [...this.#sleepers].filter((sleeper) => sleeper.dueUs <= this.#nowUs).sort((a, b) => a.dueUs - b.dueUs);
    for (const sleeper of due) sleeper.wake();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { dueUs: this.#nowUs + Math.round(ms * 1_000), wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', wake);
    });
  }
}
