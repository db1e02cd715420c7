import assert from 'node:assert';

/** A number from 0 to below 1; chance is an argument, as time is. */
export type Random = () => number;

export const systemRandom: Random = Math.random;

export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  readonly random: Random;
}

/**
 * Pauses between attempts: each twice the one before, up to a limit, less up to a half by chance, so that those who
 * failed together do not come back together.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #ms: number;

  constructor(options: BackoffOptions) {
    assert(options.minMs > 0 && options.minMs <= options.maxMs);
    this.#options = options;
    this.#ms = options.minMs;
  }

  next(): number {
    const { maxMs, random } = this.#options;
    const ms = this.#ms * (1 - random() / 2);
    this.#ms = Math.min(maxMs, 2 * this.#ms);
    return ms;
  }

  /** After progress, and only then: who merely begins again may fail at the same place. */
  reset(): void {
    this.#ms = this.#options.minMs;
  }
}
