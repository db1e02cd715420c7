// What rows that are updated and deleted must give (S17): each change in the order of the topic, and then a filter for every question. Of
// one that was erased (S26) nothing is known any more: its next change is its first.
import { type Books, NONE, type Span } from './books.js';
import type { Erasing, SentBatch, SentEvent } from './journal.js';
import { Lateness } from './lateness.js';

const WINDOW_US = 10 * 60e6;
const NUMBERS_KEPT = 25;
/** As DeskStats filters. */
const CENTS_MIN = 6_000;

type Features = Readonly<Record<string, unknown>>;

/** What a row was from one change to the next. */
export interface TicketVersion {
  readonly event: SentEvent;
  readonly partition: number;
  /** Its place in the topic, which orders equal times (S7). */
  readonly place: number;
  /** It counts for T in [startUs, endUs). */
  readonly startUs: number;
  endUs: number;
}

export interface Tickets {
  readonly versions: readonly TicketVersion[];
  /** What the changes of each row were, of all and of those that were erased later. */
  readonly all: Verdicts;
  readonly erased: Verdicts;
}

/** How many changes were what. */
export interface Verdicts {
  readonly passed: number;
  readonly filtered: number;
  readonly deletes: number;
  readonly late: number;
  /** Older than what the row is (S17). */
  readonly outdated: number;
}

interface Current {
  readonly opUs: number;
  readonly event: SentEvent;
  readonly version: TicketVersion | undefined;
}

export function takeTickets(sequence: readonly (SentBatch | Erasing)[], partitions: number): Tickets {
  const books = new TicketBooks(partitions);
  for (const entry of sequence) {
    if (entry.dataset !== 'Ticket') continue;
    if (entry.kind === 'erasing') books.erase(entry.entity);
    else for (const event of entry.events) if (event.isBad !== true) books.take(event);
  }
  return { versions: books.versions, all: books.count(() => true), erased: books.count(({ isErased }) => isErased) };
}

interface Judged {
  readonly ticket: string;
  readonly verdict: keyof Verdicts | 'repeats';
  isErased: boolean;
}

class TicketBooks {
  versions: TicketVersion[] = [];
  readonly #lateness: Lateness;
  readonly #rows = new Map<string, Current>();
  readonly #judged: Judged[] = [];
  #place = 0;

  constructor(partitions: number) {
    this.#lateness = new Lateness('Ticket', partitions);
  }

  take(event: SentEvent): void {
    const ticket = String(event.fields['ticket']);
    this.#judged.push({ ticket, verdict: this.#judge(ticket, event), isErased: false });
  }

  erase(ticket: string): void {
    this.#rows.delete(ticket);
    this.versions = this.versions.filter(({ event }) => event.fields['ticket'] !== ticket);
    for (const judged of this.#judged) if (judged.ticket === ticket) judged.isErased = true;
  }

  count(isMeant: (judged: Judged) => boolean): Verdicts {
    const counts = { passed: 0, filtered: 0, deletes: 0, late: 0, outdated: 0, repeats: 0 };
    for (const judged of this.#judged) if (isMeant(judged)) counts[judged.verdict]++;
    return counts;
  }

  #judge(ticket: string, event: SentEvent): Judged['verdict'] {
    const opUs = event.opUs ?? event.atUs;
    const before = this.#rows.get(ticket);
    if (this.#lateness.take(event) === 'late') return 'late';
    if (before !== undefined && opUs < before.opUs) return 'outdated';
    if (before !== undefined && opUs === before.opUs && isSame(before.event, event)) return 'repeats';
    if (before?.version !== undefined) before.version.endUs = opUs;
    const startUs = before === undefined ? Number.NEGATIVE_INFINITY : opUs;
    const version =
      event.deletes === true
        ? undefined
        : { event, partition: this.#lateness.partition(event), place: this.#place++, startUs, endUs: Number.POSITIVE_INFINITY };
    if (version !== undefined) this.versions.push(version);
    this.#rows.set(ticket, { opUs, event, version });
    if (version === undefined) return 'deletes';
    return passes(version) ? 'passed' : 'filtered';
  }
}

function isSame(one: SentEvent, other: SentEvent): boolean {
  if (one.deletes === true || other.deletes === true) return one.deletes === other.deletes;
  return one.atUs === other.atUs && JSON.stringify(one.fields) === JSON.stringify(other.fields);
}

/** A delete is applied, and finds no filter. */
export function ticketBooks({ all, erased }: Tickets): ReadonlyMap<string, Books> {
  const span = (...verdicts: readonly (keyof Verdicts)[]): Span => {
    const most = verdicts.reduce((sum, verdict) => sum + all[verdict], 0);
    return { least: most - verdicts.reduce((sum, verdict) => sum + erased[verdict], 0), most };
  };
  const left = { late: span('late'), outdated: span('outdated') };
  return new Map([
    ['TicketStats.build', { ...left, applied: span('passed', 'filtered', 'deletes'), filtered: NONE }],
    ['DeskStats.build', { ...left, applied: span('passed', 'deletes'), filtered: span('filtered') }],
  ]);
}

export function ticketSignals({ versions }: Tickets, ticket: string, atUs: number): Features {
  const [only] = counting(versions, atUs).filter(({ event }) => event.fields['ticket'] === ticket);
  return { alive: only === undefined ? 0 : 1, desk: only?.event.fields['desk'] ?? null };
}

export function deskSignals({ versions }: Tickets, desk: string, atUs: number): Features {
  const mine = counting(versions, atUs).filter((version) => passes(version) && version.event.fields['desk'] === desk);
  const recent = centsOf(mine.filter(({ event }) => event.atUs >= atUs - WINDOW_US));
  const all = centsOf(mine);
  return {
    open: mine.length,
    open_10m: recent.length,
    cents_10m: recent.reduce((total, cents) => total + cents, 0),
    smallest: all[0] ?? -1,
    largest_10m: recent.at(-1) ?? -1,
    median: all[Math.max(0, Math.ceil(all.length / 2) - 1)] ?? null,
    numbers: mine
      .sort((a, b) => b.event.atUs - a.event.atUs || b.partition - a.partition || b.place - a.place)
      .slice(0, NUMBERS_KEPT)
      .map(({ event }) => event.fields['number']),
  };
}

function counting(versions: readonly TicketVersion[], atUs: number): TicketVersion[] {
  return versions.filter(({ event, startUs, endUs }) => event.atUs <= atUs && startUs <= atUs && atUs < endUs);
}

function passes({ event }: TicketVersion): boolean {
  const { cents } = event.fields;
  return typeof cents === 'number' && cents >= CENTS_MIN;
}

function centsOf(versions: readonly TicketVersion[]): readonly number[] {
  return versions.map(({ event }) => Number(event.fields['cents'])).sort((a, b) => a - b);
}
