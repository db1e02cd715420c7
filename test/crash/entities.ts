import type { DatasetName } from './journal.js';

const names = (kind: string, count: number): readonly string[] => Array.from({ length: count }, (_, i) => `${kind}_${i}`);

/** Few enough that all their answers can be asked, enough that they lie in every partition. */
export const USERS = names('user', 30);
export const PAYERS = names('payer', 30);
export const MERCHANTS = names('merchant', 8);
export const WALKERS = names('walker', 12);
export const METERS = names('meter', 8);
export const SENDERS = names('sender', 12);
export const DEPOTS = names('depot', 8);
/** Few enough that each row is changed many times, and is most often known when it is. */
export const TICKETS = names('ticket', 40);
export const DESKS = names('desk', 6);

/** What a record lies by in its topic: the key of its dataset. */
export const KEY_FIELD: Readonly<Record<DatasetName, string>> = {
  Order: 'user_id',
  Payment: 'payer',
  Step: 'walker',
  Note: 'batch',
  Ticket: 'ticket',
  Meter: 'meter',
  Parcel: 'sender',
  Invoice: 'sender',
};

const everyThird = (entities: readonly string[]): readonly string[] => entities.filter((_, i) => i % 3 === 2);

/**
 * Who may be erased while everything is being killed (S26). Notes have a batch each: nothing of them comes again. What sources read has no
 * place among erasures that is known.
 */
export const ERASABLE: Readonly<Record<DatasetName, readonly string[]>> = {
  Order: everyThird(USERS),
  Payment: everyThird(PAYERS),
  Step: WALKERS,
  Note: [],
  Ticket: everyThird(TICKETS),
  Meter: METERS,
  Parcel: [],
  Invoice: [],
};

/** Those whose payments only become more. */
export const LASTING_PAYERS = PAYERS.filter((payer) => !ERASABLE.Payment.includes(payer));
