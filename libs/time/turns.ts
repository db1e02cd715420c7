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
  step(): boolean {
    return ++this.#steps >= this.#stepsPerTurn;
  }

  /** The others' turn. */
  async next(): Promise<void> {
    this.#steps = 0;
    await nextTurn();
  }
}

/**
 * Steps that all who work here may do together in one turn of the event loop, in the order in which they ask: who are
 * many get no more of it than who is alone.
 */
export class TurnBudget {
  readonly #stepsPerTurn: number;
  #left: number;
  #isRenewed = false;
  readonly #waiting: { readonly steps: number; readonly go: () => void }[] = [];

  constructor(stepsPerTurn: number) {
    this.#stepsPerTurn = stepsPerTurn;
    this.#left = stepsPerTurn;
  }

  /** Undefined where this turn has room for the steps; else resolves in the turn that has, a whole one if need be. */
  take(steps: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#fits(steps)) {
      this.#use(steps);
      return undefined;
    }
    return new Promise((go) => this.#waiting.push({ steps, go }));
  }

  #fits(steps: number): boolean {
    return steps <= this.#left || this.#left === this.#stepsPerTurn;
  }

  #use(steps: number): void {
    this.#left -= steps;
    if (this.#isRenewed) return;
    this.#isRenewed = true;
    setImmediate(() => this.#renew());
  }

  #renew(): void {
    this.#isRenewed = false;
    this.#left = this.#stepsPerTurn;
    for (let [first] = this.#waiting; first !== undefined && this.#fits(first.steps); [first] = this.#waiting) {
      this.#waiting.shift();
      this.#use(first.steps);
      first.go();
    }
  }
}
