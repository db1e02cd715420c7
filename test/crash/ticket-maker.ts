import { DESKS, TICKETS } from './entities.js';
import type { SentEvent } from './journal.js';
import type { Lateness } from './lateness.js';
import type { Random } from './random.js';

const MINUTE_US = 60e6;
const AGE_US_MAX = 15 * MINUTE_US;

/**
 * Makes changes of rows (S17): inserts, updates that move a row to another group or out of a filter, deletes, rows that come
 * back; in order, at one instant, older than what the row is, late, and word for word again under a sequence of their own.
 */
export class TicketMaker {
  readonly #random: Random;
  readonly #lateness: Lateness;
  readonly #before = new Map<string, SentEvent>();
  #number = 0;
  #lastUs = 0;

  constructor(random: Random, lateness: Lateness) {
    this.#random = random;
    this.#lateness = lateness;
  }

  next(nowUs: number): SentEvent {
    const random = this.#random;
    let ticket = random.pick(TICKETS);
    while (this.#newestUs(ticket) === Number.NEGATIVE_INFINITY) ticket = random.pick(TICKETS);
    const before = this.#before.get(ticket);
    const again = before !== undefined && random.next() < 0.06;
    const event = again ? before : this.#change(ticket, before, nowUs);
    if (random.next() < 0.01) return { ...event, fields: { ...event.fields, cents: 'many' }, deletes: false, isBad: true };
    this.#before.set(ticket, event);
    this.#lateness.take(event);
    return event;
  }

  #change(ticket: string, before: SentEvent | undefined, nowUs: number): SentEvent {
    const random = this.#random;
    const opUs = Math.min(this.#opTime(ticket, before, nowUs), this.#newestUs(ticket));
    this.#lastUs = Math.max(this.#lastUs, opUs);
    if (random.next() < 0.14) return { fields: { ticket }, atUs: opUs, opUs, deletes: true };
    // Most rows keep the instant that they were opened at; others are moved along the windows as well.
    const opened = before !== undefined && before.deletes !== true && random.next() < 0.6 ? before.atUs : undefined;
    const fields = {
      ticket,
      desk: random.skewed(DESKS),
      number: this.#number++,
      cents: random.next() < 0.1 ? null : random.integer(1, 60_000),
    };
    return { fields, atUs: opened ?? this.#eventTime(opUs, nowUs), opUs, deletes: false };
  }

  #newestUs(ticket: string): number {
    return this.#lateness.newestUs({ fields: { ticket } });
  }

  #eventTime(opUs: number, nowUs: number): number {
    const choice = this.#random.next();
    if (choice < 0.1) return opUs;
    if (choice < 0.2) return nowUs;
    return nowUs - this.#random.integer(0, AGE_US_MAX);
  }

  #opTime(ticket: string, before: SentEvent | undefined, nowUs: number): number {
    const random = this.#random;
    const choice = random.next();
    const edgeUs = this.#lateness.edgeUs({ fields: { ticket } });
    if (choice < 0.7) return Math.max(nowUs - 1_000_000, this.#lastUs + 1);
    if (choice < 0.78) return before?.opUs ?? nowUs;
    if (choice < 0.86) return (before?.opUs ?? nowUs) + random.pick([-1, 1]);
    if (choice < 0.94 || edgeUs === Number.NEGATIVE_INFINITY) return nowUs - random.integer(0, 9 * MINUTE_US);
    if (choice < 0.97) return edgeUs; // the last instant that is not late
    return edgeUs - random.pick([1, MINUTE_US]);
  }
}
