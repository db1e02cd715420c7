import assert from 'node:assert';
import type { Clock } from '../../libs/time/clock.js';

/** How much of a second's records may gather unused: a burst of more would be felt by the live readers of the same tick. */
const BURST_S = 0.25;

/**
 * How many records the readers of a partition that have not caught up may read (S18), so that a pipeline's
 * history does not push aside what is live. A token bucket: empty at first, filled by the clock. What is behind
 * the end that was there at a reader's start is live, and not held back.
 */
export class BackfillRate {
  readonly #recordsPerS: number;
  readonly #clock: Clock;
  #filledUs: number;
  #tokens = 0;

  constructor(recordsPerS: number, clock: Clock) {
    assert(recordsPerS >= 1);
    this.#recordsPerS = recordsPerS;
    this.#clock = clock;
    this.#filledUs = clock.nowUs();
  }

  /** Whole records that may be read now; 0 while there are none. */
  get allowance(): number {
    const nowUs = this.#clock.nowUs();
    const filled = this.#tokens + ((nowUs - this.#filledUs) * this.#recordsPerS) / 1e6;
    this.#tokens = Math.min(filled, Math.max(1, BURST_S * this.#recordsPerS));
    this.#filledUs = nowUs;
    return Math.max(0, Math.floor(this.#tokens));
  }

  /** May go into debt, where several readers share what was read once. */
  spend(records: number): void {
    this.#tokens -= records;
  }
}
