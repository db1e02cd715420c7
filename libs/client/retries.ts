import { Backoff, systemRandom } from '../time/backoff.js';
import type { Clock } from '../time/clock.js';
import { RestError, UnreachableError } from './rest-error.js';

/** The pause before a request is made again doubles from the one to the other. A deployment that says how long is asked no sooner. */
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5_000;

export interface Retries {
  /** How often it may be made again. */
  readonly max: number;
  readonly clock: Clock;
  /** Ends the pauses, too. */
  readonly signal: AbortSignal;
}

/**
 * Makes an attempt, and makes it again where no answer came, or the deployment was stopping or had too much to do (503, 429):
 * whoever calls this says by it that the request, made twice, does what it does once.
 */
export async function withRetries<T>(attempt: () => Promise<T>, { max, clock, signal }: Retries): Promise<T> {
  const backoff = new Backoff({ minMs: PAUSE_MS_MIN, maxMs: PAUSE_MS_MAX, random: systemRandom });
  for (let left = max; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || signal.aborted || !isPassing(error)) throw error;
      await clock.sleep(Math.max(backoff.next(), error.retryAfterMs ?? 0), signal);
      if (signal.aborted) throw error;
    }
  }
}

function isPassing(error: unknown): error is RestError {
  return error instanceof UnreachableError || (error instanceof RestError && (error.status === 503 || error.status === 429));
}
