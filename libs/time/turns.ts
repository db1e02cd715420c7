import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Cuts long work on the event loop into slices, so that what waits (a read, a request, a heartbeat) gets its turn
 * between two of them. By steps and not by the clock: the same work is cut at the same places each time, also in tests.
 */
export class Turns {
  readonly #stepsPerTurn: number;
  #steps = 0;

  constructor(stepsPerTurn: number) {
    this.#stepsPerTurn = stepsPerTurn;
  }

  /** To be called once a step; true where the turn is used up: then `await next()`. */
  isOver(): boolean {
    return ++this.#steps >= this.#stepsPerTurn;
  }

  /** The others' turn. */
  async next(): Promise<void> {
    this.#steps = 0;
    await nextTurn();
  }
}
