import { TurnBudget } from '../../libs/time/turns.js';
import { checkDeadline } from './deadline.js';

/** Rows that all long answers of a process may evaluate in one turn of the event loop: 256 of 40 µs hold it for 10 ms. */
const ROWS_PER_TURN = 256;

/**
 * Cuts training sets and large batches into slices of which one fits into a turn, however many are asked for at once:
 * reads go on beside them.
 */
export class RowTurns {
  readonly #budget = new TurnBudget(ROWS_PER_TURN);

  /** Resolves when so many rows may be evaluated; rejects where the caller is gone by then. */
  async take(rows: number, signal: AbortSignal): Promise<void> {
    await this.#budget.take(rows);
    checkDeadline(signal);
  }
}
