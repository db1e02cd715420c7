import { ThymeError } from '../errors/errors.js';

/**
 * What all requests and answers of a process may hold together, wherever they came in: eight of the largest.
 * Beyond it one is told to come again, while those that are there are finished.
 */
export const BYTES_IN_FLIGHT_MAX = 256 * 1024 * 1024;

/** So many bytes of each call are not counted: most calls are no larger, and the number of calls bounds them together. */
export const BYTES_UNCOUNTED = 4 * 1024;

/** The bytes of messages that are being received, handled or sent, all together (DESIGN 11). */
export class ByteBudget {
  readonly #bytesMax: number;
  #held = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** For metrics. */
  get held(): number {
    return this.#held;
  }

  /** Counts `bytes` more, or refuses them. */
  take(bytes: number): void {
    if (this.#held + bytes > this.#bytesMax) throw tooMuchInFlight();
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/** What one call holds of the budget. Begins with nothing; after `release` it holds nothing, whatever is still given back. */
export class Holding {
  readonly #budget: ByteBudget;
  #bytes = 0;
  #counted = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** Before the memory is taken. UNAVAILABLE where the process has too much in flight. */
  take(bytes: number): void {
    const counted = this.#bytes + bytes > BYTES_UNCOUNTED ? this.#bytes + bytes : 0;
    if (counted > this.#counted) {
      this.#budget.take(counted - this.#counted);
      this.#counted = counted;
    }
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    this.#bytes = Math.max(0, this.#bytes - bytes);
    const counted = this.#bytes > BYTES_UNCOUNTED ? this.#bytes : 0;
    if (counted >= this.#counted) return;
    this.#budget.give(this.#counted - counted);
    this.#counted = counted;
  }

  release(): void {
    this.give(this.#bytes);
  }
}

function tooMuchInFlight(): ThymeError {
  return new ThymeError(
    'THYME_TOO_MUCH_IN_FLIGHT',
    'UNAVAILABLE',
    'the server holds as many bytes of requests and answers as it may: send it again in a moment',
  );
}
