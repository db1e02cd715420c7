import type { Clock } from '../time/clock.js';

/** What ends when its time is up. */
export interface Expiring {
  /** Infinity where it need not be ended, or has been. */
  readonly dueUs: number;
  expire(): void;
}

/** How late a call may be ended, for the sake of those that are ended with it. Never early. */
const TICK_US = 20_000;

/**
 * Ends the calls of a server at their deadlines, with one sleeper for all of them: a timer, a signal and a promise
 * for each cost more than to route it, and hardly any call lives until its deadline. So nobody looks at them until
 * the earliest deadline that was open when the sleeper lay down.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #open: Iterable<Expiring>;
  #asleep: { readonly untilUs: number; readonly waking: AbortController } | undefined;

  /** `open` are the calls that are being answered, whenever it is looked at. */
  constructor(clock: Clock, open: Iterable<Expiring>) {
    this.#clock = clock;
    this.#open = open;
  }

  /** A call that ends then is open from now on. Deadlines that are equally long come in order, and wake nobody. */
  heed(dueUs: number): void {
    if (dueUs < (this.#asleep?.untilUs ?? Number.POSITIVE_INFINITY)) this.#sleep(dueUs);
  }

  /** Lets go of the timer, which would keep the process alive. */
  close(): void {
    this.#asleep?.waking.abort();
    this.#asleep = undefined;
  }

  #sleep(dueUs: number): void {
    this.#asleep?.waking.abort();
    const waking = new AbortController();
    const nowUs = this.#clock.nowUs();
    const untilUs = Math.max(dueUs, nowUs + TICK_US);
    this.#asleep = { untilUs, waking };
    void this.#clock.sleep((untilUs - nowUs) / 1_000, waking.signal).then(() => {
      if (!waking.signal.aborted) this.#wake();
    });
  }

  #wake(): void {
    this.#asleep = undefined;
    const nowUs = this.#clock.nowUs();
    for (const call of [...this.#open]) {
      if (call.dueUs <= nowUs) call.expire();
      else this.heed(call.dueUs);
    }
  }
}
