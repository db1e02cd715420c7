// The independent recount: every answer, worked out by a filter and a fold over what the generator has
// written down. It shares no code with the platform but the slot of a key.
import { type Books, NONE, type Span } from './books.js';
import { KEY_FIELD } from './entities.js';
import type { DatasetName, Erasing, JournalEntry, SentBatch, SentEvent } from './journal.js';
import { PEAK, VALUE_FIELDS } from './evolutions.js';
import { Lateness } from './lateness.js';
import { deskSignals, takeTickets, ticketBooks, ticketSignals } from './recount-tickets.js';

const MINUTE_US = 60e6;
const HOUR_US = 60 * MINUTE_US;
const DAY_US = 24 * HOUR_US;
const LARGE_CENTS = 50_000;
const NUMBERS_KEPT = 25;
/** RAW_VALUES_MAX of libs/timeline: what lies above is for the timeline's own tests. */
const EXACT_VALUES_MAX = 2_000;

/** A record that counts, with its place in its topic, which orders equal times (S7). */
export interface Counted {
  readonly event: SentEvent;
  readonly partition: number;
  readonly place: number;
}

export type Features = Readonly<Record<string, unknown>>;

export interface Recount {
  readonly events: number;
  readonly acknowledged: number;
  readonly wrong: readonly string[];
  readonly repeats: number;
  readonly retries: number;
  readonly erasures: number;
  readonly books: ReadonlyMap<string, Books>;
  /** By featureset: what an entity must show at an instant. */
  readonly ask: ReadonlyMap<string, (entity: string, atUs: number) => Features>;
  /** By batch key: whether its push was acknowledged. */
  readonly notes: ReadonlyMap<string, boolean>;
  /** The records of one dataset that count, in the order of their topic. */
  records(dataset: DatasetName): readonly Counted[];
  /** Entities that were erased at some time. */
  readonly erasedEntities: ReadonlySet<string>;
  /** Those that were erased, by erasure: they may have been published before. */
  erased(dataset: DatasetName): readonly (readonly Counted[])[];
}

export function recount(journal: readonly JournalEntry[], partitions: number): Recount {
  const sent = journal.filter((entry): entry is SentBatch => entry.kind === 'sent');
  const acknowledged = new Set(journal.flatMap((entry) => (entry.kind === 'acknowledged' ? [entry.batch] : [])));
  const numbered: readonly DatasetName[] = ['Order', 'Payment', 'Step', 'Meter', 'Parcel', 'Invoice'];
  const sequence = journal.filter((entry): entry is SentBatch | Erasing => entry.kind === 'sent' || entry.kind === 'erasing');
  const tickets = takeTickets(sequence, partitions);
  const taken = new Map(numbered.map((dataset) => [dataset, take(sequence, dataset, partitions)]));
  const of = (dataset: DatasetName): Taken => taken.get(dataset) ?? { counted: [], erased: [], late: NONE };
  const ended = journal.find((entry) => entry.kind === 'ended');
  const notes = new Map(
    sent.flatMap(({ dataset, batch, events }): [string, boolean][] =>
      dataset === 'Note' ? [[String(events[0]?.fields['batch']), acknowledged.has(batch)]] : [],
    ),
  );
  return {
    events: sent.reduce((sum, { events }) => sum + events.length, 0),
    acknowledged: sent.reduce((sum, { batch, events }) => sum + (acknowledged.has(batch) ? events.length : 0), 0),
    wrong: journal.flatMap((entry) => (entry.kind === 'wrong' ? [entry.what] : [])),
    repeats: ended?.kind === 'ended' ? ended.repeats : 0,
    retries: ended?.kind === 'ended' ? ended.retries : 0,
    erasures: sequence.length - sent.length,
    books: new Map([...booksOf(of), ...ticketBooks(tickets)]),
    ask: new Map<string, (entity: string, atUs: number) => Features>([
      ['OrderSignals', (user, atUs) => orderSignals(of('Order').counted, user, atUs)],
      ['PayerSignals', (payer, atUs) => payerSignals(of('Payment').counted, payer, atUs)],
      ['MerchantSignals', (merchant, atUs) => merchantSignals(of('Payment').counted, merchant, atUs)],
      ['WalkerSignals', (walker, atUs) => walkerSignals(of('Step').counted, walker, atUs)],
      ['MeterSignals', (meter, atUs) => meterSignals(of('Meter').counted, meter, atUs)],
      ['ParcelSignals', (depot, atUs) => fedSignals(of('Parcel').counted, depot, atUs)],
      ['InvoiceSignals', (depot, atUs) => fedSignals(of('Invoice').counted, depot, atUs)],
      ['TicketSignals', (ticket, atUs) => ticketSignals(tickets, ticket, atUs)],
      ['DeskSignals', (desk, atUs) => deskSignals(tickets, desk, atUs)],
    ]),
    notes,
    records: (dataset) => (dataset === 'Ticket' ? tickets.versions : of(dataset).counted),
    erasedEntities: new Set(sequence.flatMap((entry) => (entry.kind === 'erasing' ? [entry.entity] : []))),
    erased: (dataset) => of(dataset).erased,
  };
}

interface Taken {
  readonly counted: readonly Counted[];
  readonly erased: readonly (readonly Counted[])[];
  readonly late: Span;
}

/** A dataset's batches and erasures were sent one after another, each until it was answered: their topic has them in this order. */
function take(sequence: readonly (SentBatch | Erasing)[], dataset: DatasetName, partitions: number): Taken {
  const lateness = new Lateness(dataset, partitions);
  const erased: (readonly Counted[])[] = [];
  let [counted, late]: [Counted[], SentEvent[]] = [[], []];
  let [place, erasedLate] = [0, 0];
  for (const entry of sequence) {
    if (entry.dataset !== dataset) continue;
    if (entry.kind === 'erasing') {
      const isErased = (event: SentEvent): boolean => event.fields[KEY_FIELD[dataset]] === entry.entity;
      erased.push(counted.filter(({ event }) => isErased(event)));
      counted = counted.filter(({ event }) => !isErased(event));
      const before = late.length;
      late = late.filter((event) => !isErased(event));
      erasedLate += before - late.length;
      continue;
    }
    for (const event of entry.events) {
      if (event.isBad === true) continue;
      if (lateness.take(event) === 'late') late.push(event);
      else counted.push({ event, partition: lateness.partition(event), place: place++ });
    }
  }
  return { counted, erased, late: { least: late.length, most: late.length + erasedLate } };
}

/** How many of a dataset's records are like this: at most with the erased ones. */
function spanOf({ counted, erased }: Taken, isMeant: (record: Counted) => boolean = () => true): Span {
  const least = counted.filter(isMeant).length;
  return { least, most: least + erased.flat().filter(isMeant).length };
}

function booksOf(of: (dataset: DatasetName) => Taken): ReadonlyMap<string, Books> {
  const [orders, payments, steps, readings] = [of('Order'), of('Payment'), of('Step'), of('Meter')];
  const isPaid = ({ event }: Counted): boolean => Number(event.fields['amount']) > 0;
  const not = (isMeant: (record: Counted) => boolean) => (record: Counted) => !isMeant(record);
  const none = { filtered: NONE, late: NONE, outdated: NONE };
  const all = { ...none, applied: spanOf(payments), late: payments.late };
  return new Map([
    ['UserOrderStats.stats', { ...none, applied: spanOf(orders, isPaid), filtered: spanOf(orders, not(isPaid)), late: orders.late }],
    ['PayerStats.build', all],
    ['PayerCheck.build', all],
    ['MerchantStats.build', all],
    ['LargePayment.pick', { ...all, applied: spanOf(payments, isLarge), filtered: spanOf(payments, not(isLarge)) }],
    ['LargeByMerchant.build', { ...none, applied: spanOf(payments, isLarge) }],
    ['WalkerTotals.build', { ...none, applied: spanOf(steps) }],
    ['WalkerAudit.build', { ...none, applied: spanOf(steps) }],
    ['MeterStats.build', { ...none, applied: spanOf(readings) }],
    ['MeterPeak.pick', { ...none, applied: spanOf(readings, isPeak), filtered: spanOf(readings, not(isPeak)) }],
    ['PeakStats.build', { ...none, applied: spanOf(readings, isPeak) }],
    ['ParcelStats.build', { ...none, applied: spanOf(of('Parcel')) }],
    ['InvoiceStats.build', { ...none, applied: spanOf(of('Invoice')) }],
  ]);
}

function orderSignals(orders: readonly Counted[], user: string, atUs: number): Features {
  const amounts = (windowUs: number): number[] =>
    within(orders, 'user_id', user, atUs, windowUs)
      .map(({ event }) => Number(event.fields['amount']))
      .filter((amount) => amount > 0);
  return {
    order_count_1h: amounts(HOUR_US).length,
    total_spend_24h: sum(amounts(DAY_US)),
    total_spend_7d: sum(amounts(7 * DAY_US).filter((amount) => amount < 10_000)),
    max_order_amount_7d: amounts(7 * DAY_US).reduce((max, amount) => Math.max(max, amount), -1),
    p95_amount_30d: nearestRank(amounts(30 * DAY_US), 95),
  };
}

function payerSignals(payments: readonly Counted[], payer: string, atUs: number): Features {
  const mine = within(payments, 'payer', payer, atUs, Number.POSITIVE_INFINITY);
  return { payments: mine.length, cents: sum(centsOf(mine)), check: mine.length };
}

function merchantSignals(payments: readonly Counted[], merchant: string, atUs: number): Features {
  const mine = within(payments, 'merchant', merchant, atUs, Number.POSITIVE_INFINITY);
  const recent = within(payments, 'merchant', merchant, atUs, 10 * MINUTE_US);
  const large = mine.filter(isLarge);
  return {
    payments: mine.length,
    payments_10m: recent.length,
    cents_10m: sum(centsOf(recent)),
    smallest: centsOf(mine).reduce((min, cents) => (min < 0 ? cents : Math.min(min, cents)), -1),
    median_10m: nearestRank(centsOf(recent), 50),
    numbers: newestNumbers(mine),
    large: large.length,
    large_numbers: newestNumbers(large),
  };
}

function walkerSignals(steps: readonly Counted[], walker: string, atUs: number): Features {
  const mine = within(steps, 'walker', walker, atUs, Number.POSITIVE_INFINITY);
  const n = mine.length;
  return { steps: n, rows: n, sum: (n * (n + 1)) / 2, furthest: sum(mine.map(({ event }) => Number(event.fields['length']))) };
}

function meterSignals(readings: readonly Counted[], meter: string, atUs: number): Features {
  const mine = within(readings, 'meter', meter, atUs, Number.POSITIVE_INFINITY);
  const peaks = mine.filter(isPeak);
  return {
    readings: mine.length,
    total: sum(mine.map(valueOf)),
    numbers: newestNumbers(mine),
    peaks: peaks.length,
    peak_numbers: newestNumbers(peaks),
  };
}

function fedSignals(fed: readonly Counted[], depot: string, atUs: number): Features {
  const mine = within(fed, 'depot', depot, atUs, Number.POSITIVE_INFINITY);
  return { rows: mine.length, total: sum(mine.map(valueOf)), numbers: newestNumbers(mine) };
}

function valueOf({ event }: Counted): number {
  return Number(event.fields[VALUE_FIELDS[0]]);
}

export function isPeak(reading: Counted): boolean {
  return valueOf(reading) >= PEAK;
}

/** S2: T − W ≤ t ≤ T. */
function within(records: readonly Counted[], field: string, value: string, atUs: number, windowUs: number): readonly Counted[] {
  return records.filter(({ event }) => event.fields[field] === value && event.atUs <= atUs && event.atUs >= atUs - windowUs);
}

/** S7: by time, then partition, then place; the newest first. */
function newestNumbers(records: readonly Counted[]): readonly unknown[] {
  return [...records]
    .sort((a, b) => b.event.atUs - a.event.atUs || b.partition - a.partition || b.place - a.place)
    .slice(0, NUMBERS_KEPT)
    .map(({ event }) => event.fields['number']);
}

function isLarge({ event }: Counted): boolean {
  const { cents } = event.fields;
  return typeof cents === 'number' && cents >= LARGE_CENTS;
}

/** S6: nulls are skipped. */
function centsOf(records: readonly Counted[]): number[] {
  return records.flatMap(({ event }) => (typeof event.fields['cents'] === 'number' ? [event.fields['cents']] : []));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** S9, exact while a window holds few values; undefined, for not to be compared, where it holds more. */
function nearestRank(values: readonly number[], pct: number): number | null | undefined {
  if (values.length > EXACT_VALUES_MAX) return undefined;
  return [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil((pct / 100) * values.length) - 1)] ?? null;
}
