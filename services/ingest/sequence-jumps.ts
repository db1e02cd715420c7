import { invalidArgument } from '../../libs/errors/errors.js';

/**
 * What a producer may leave out at a time. Gaps are fine (S13), but a sequence near the end of all numbers, be it by mistake or by
 * malice, would leave the producer none that is not forgotten.
 */
export const SEQUENCE_JUMP_MAX = 2 ** 32;
/** Producers remembered; the one that was silent the longest is forgotten first. */
const PRODUCERS_MAX = 10_000;

/**
 * The highest sequence that this process has taken from each producer and dataset. Here, and not where repeats are recognised: a reader
 * sees its own partition's part of a sequence, in which any gap may be one of many small steps. It is a guard rail of one process, not
 * a record: after a restart the first sequence may be any.
 */
export class SequenceJumps {
  readonly #highest = new Map<string, number>();

  /** Throws where the batch's first sequence lies too far beyond the last one. */
  check(dataset: string, producerId: string, sequence: number): void {
    const highest = this.#highest.get(keyOf(dataset, producerId));
    if (highest === undefined || sequence - highest <= SEQUENCE_JUMP_MAX) return;
    throw invalidArgument(
      'sequence',
      `${sequence} is more than 2^32 beyond ${highest}, the highest so far: go on from there, or begin with another producer_id`,
    );
  }

  /** For what was accepted. */
  note(dataset: string, producerId: string, lastSequence: number): void {
    const key = keyOf(dataset, producerId);
    const highest = Math.max(this.#highest.get(key) ?? lastSequence, lastSequence);
    this.#highest.delete(key); // to be the youngest again
    this.#highest.set(key, highest);
    if (this.#highest.size <= PRODUCERS_MAX) return;
    for (const oldest of this.#highest.keys()) {
      this.#highest.delete(oldest);
      break;
    }
  }
}

/** Names of datasets are identifiers. */
function keyOf(dataset: string, producerId: string): string {
  return `${dataset} ${producerId}`;
}
