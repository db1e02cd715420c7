import { DEPOTS, MERCHANTS, METERS, PAYERS, SENDERS, USERS, WALKERS } from './entities.js';
import { VALUE_FIELDS } from './evolutions.js';
import type { DatasetName, SentEvent } from './journal.js';
import type { Lateness } from './lateness.js';
import type { Random } from './random.js';

const MINUTE_US = 60e6;

/** Those whose records are events; changes of rows are ticket-maker.ts'. */
export type AppendOnly = Exclude<DatasetName, 'Ticket'>;

/** Makes the events of one dataset: in time, out of order, at equal times, late, at the very edge of being late. */
export class EventMaker {
  readonly #dataset: AppendOnly;
  readonly #random: Random;
  readonly #lateness: Lateness;
  #number = 0;
  #lastUs = 0;

  constructor(dataset: AppendOnly, random: Random, lateness: Lateness) {
    this.#dataset = dataset;
    this.#random = random;
    this.#lateness = lateness;
  }

  next(nowUs: number): SentEvent {
    let fields = this.#fields();
    // Who may be erased does not come first of its partition.
    while (this.#lateness.newestUs({ fields }) === Number.NEGATIVE_INFINITY) fields = this.#fields();
    const ascends = this.#dataset !== 'Order' && this.#dataset !== 'Payment' && this.#dataset !== 'Parcel';
    const atUs = ascends ? this.#ascending(nowUs) : Math.min(this.#time(fields, nowUs), this.#lateness.newestUs({ fields }));
    this.#lastUs = atUs;
    const event: SentEvent = { fields, atUs };
    if (this.#dataset === 'Payment' && this.#random.next() < 0.01) return { fields: { ...fields, cents: 'many' }, atUs, isBad: true };
    if (this.#dataset === 'Parcel' && this.#random.next() < 0.01)
      return { fields: { ...fields, ...Object.fromEntries(VALUE_FIELDS.map((name) => [name, 'many'])) }, atUs, isBad: true };
    this.#lateness.take(event);
    return event;
  }

  #fields(): SentEvent['fields'] {
    const random = this.#random;
    const number = this.#number++;
    switch (this.#dataset) {
      case 'Order':
        // Quarters: sums of them are exact, so that they can be compared to the bit.
        return {
          user_id: random.skewed(USERS),
          order_id: `order_${number}`,
          amount: random.next() < 0.05 ? 0 : random.integer(1, 60_000) / 4,
        };
      case 'Payment':
        return {
          payer: random.skewed(PAYERS),
          merchant: random.skewed(MERCHANTS),
          number,
          cents: random.next() < 0.1 ? null : random.integer(1, 60_000),
        };
      case 'Step':
        return { walker: random.pick(WALKERS), length: random.integer(1, 100) };
      case 'Note':
        return { batch: `note_${number}`, line: 0 };
      case 'Meter': {
        const value = random.integer(0, 1_000);
        return { meter: random.pick(METERS), number, ...Object.fromEntries(VALUE_FIELDS.map((name) => [name, value])) };
      }
      case 'Parcel':
      case 'Invoice': {
        const value = random.integer(0, 1_000);
        const values = Object.fromEntries(VALUE_FIELDS.map((name) => [name, value]));
        return { sender: random.pick(SENDERS), depot: random.skewed(DEPOTS), number, ...values };
      }
    }
  }

  /** Each later than the one before, whatever the clock does. */
  #ascending(nowUs: number): number {
    return Math.max(nowUs - 1_000_000, this.#lastUs + 1);
  }

  #time(fields: SentEvent['fields'], nowUs: number): number {
    const random = this.#random;
    const choice = random.next();
    const edgeUs = this.#lateness.edgeUs({ fields });
    if (choice < 0.55) return nowUs - random.integer(0, 2_000_000);
    if (choice < 0.67 && this.#lastUs > 0) return this.#lastUs;
    if (choice < 0.82) return nowUs - random.integer(0, 9 * MINUTE_US);
    if (edgeUs === Number.NEGATIVE_INFINITY) return nowUs;
    if (choice < 0.88) return edgeUs; // the last instant that is not late
    if (choice < 0.93) return edgeUs - 1; // the first that is
    return edgeUs - random.integer(1, 120 * MINUTE_US);
  }
}
