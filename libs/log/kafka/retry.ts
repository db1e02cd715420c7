import type { Clock } from '../../time/clock.js';
import { failureOf, type KafkaFailure } from './errors.js';

/** Markers of the last transaction are written within milliseconds: a first delay of 300 ms would make that the time of each. */
const DELAY_MS_MIN = 5;
const DELAY_MS_MAX = 1_000;

export interface RetryOptions {
  readonly clock: Clock;
  /** From the first attempt on; the failure after that is thrown. */
  readonly msMax: number;
  readonly retriable: readonly KafkaFailure[];
  /** Before the next attempt: forget what may be stale. */
  readonly onFailure?: (failure: KafkaFailure, error: unknown) => void;
  /** Ends the waiting; the last failure is then thrown. */
  readonly signal: AbortSignal;
}

/** Attempts until one succeeds, fails in another way, or the time is up. */
export async function retrying<T>(attempt: () => Promise<T>, { clock, msMax, retriable, onFailure, signal }: RetryOptions): Promise<T> {
  const deadlineUs = clock.nowUs() + msMax * 1_000;
  for (let delayMs = DELAY_MS_MIN; ; delayMs = Math.min(DELAY_MS_MAX, delayMs * 1.5)) {
    try {
      return await attempt();
    } catch (error) {
      const failure = failureOf(error);
      onFailure?.(failure, error);
      if (!retriable.includes(failure) || signal.aborted || clock.nowUs() > deadlineUs) throw error;
    }
    await clock.sleep(delayMs, signal);
  }
}
