import { DEPOTS, DESKS, MERCHANTS, METERS, PAYERS, TICKETS, USERS, WALKERS } from './entities.js';
import type { DatasetName, SentEvent } from './journal.js';
import type { Random } from './random.js';
import type { Features, Recount } from './recount.js';

export interface Question {
  readonly entity: string;
  readonly atUs: number;
  /** Rows too many are then taken for erased ones (S26). */
  readonly wasErased?: boolean;
}

/** One place that answers: REST, the owner's store, a replica's. In the order asked. */
export type Ask = (featureset: string, questions: readonly Question[]) => Promise<readonly Features[]>;

const MINUTE_US = 60e6;
/** Windows whose edges are asked at, to the microsecond (S2). */
const WINDOWS_US: Readonly<Record<string, number>> = {
  OrderSignals: 60 * MINUTE_US,
  MerchantSignals: 10 * MINUTE_US,
  DeskSignals: 10 * MINUTE_US,
};
const ENTITIES: Readonly<Record<string, readonly string[]>> = {
  OrderSignals: USERS,
  PayerSignals: PAYERS,
  MerchantSignals: MERCHANTS,
  WalkerSignals: WALKERS,
  MeterSignals: METERS,
  TicketSignals: TICKETS,
  DeskSignals: DESKS,
  ParcelSignals: DEPOTS,
  InvoiceSignals: DEPOTS,
};
const SOURCE: Readonly<Record<string, DatasetName>> = {
  OrderSignals: 'Order',
  PayerSignals: 'Payment',
  MerchantSignals: 'Payment',
  WalkerSignals: 'Step',
  MeterSignals: 'Meter',
  TicketSignals: 'Ticket',
  DeskSignals: 'Ticket',
  ParcelSignals: 'Parcel',
  InvoiceSignals: 'Invoice',
};
const EDGES = 2;

export const FEATURESETS = Object.keys(ENTITIES);

/** Each entity now, and at instants where an answer changes: an event's own time, just before, where it leaves the window, just after. */
export function questionsFor(
  featureset: string,
  recount: Recount,
  { nowUs, random }: { readonly nowUs: number; readonly random: Random },
): readonly Question[] {
  const records = recount.records(SOURCE[featureset] ?? 'Payment');
  return (ENTITIES[featureset] ?? MERCHANTS).flatMap((entity) => {
    const mine = records.filter(({ event }) => Object.values(event.fields).includes(entity));
    const instants = [
      nowUs,
      ...(mine.length === 0
        ? []
        : Array.from({ length: EDGES }, () => timesOf(random.pick(mine).event)).flatMap((times) =>
            times.flatMap((us) => edgesOf(us, featureset)),
          )),
    ];
    return instants.filter((us) => us <= nowUs).map((atUs) => ({ entity, atUs, wasErased: recount.erasedEntities.has(entity) }));
  });
}

/** A change has one more, at which the answer changes too (S17). */
function timesOf({ atUs, opUs }: SentEvent): readonly number[] {
  return opUs === undefined ? [atUs] : [atUs, opUs];
}

function edgesOf(us: number, featureset: string): readonly number[] {
  const windowUs = WINDOWS_US[featureset];
  return [us, us - 1, ...(windowUs === undefined ? [] : [us + windowUs, us + windowUs + 1])];
}

export interface Findings {
  answers: number;
  lost: number;
  duplicated: number;
  /** Rows that count though they were deleted (S17) or erased (S26). */
  resurrected: number;
  outOfOrder: number;
  /** Erasures of which no byte was left in the log and the stores when they were opened (S26). */
  rewritten: number;
  /** In words, the first few. */
  readonly wrong: string[];
}

export function noFindings(): Findings {
  return { answers: 0, lost: 0, duplicated: 0, resurrected: 0, outOfOrder: 0, rewritten: 0, wrong: [] };
}

const WORDS_MAX = 20;

export function report(findings: Findings, what: string): void {
  if (findings.wrong.length < WORDS_MAX) findings.wrong.push(what);
}

/** Features that count records: too few is lost, too many is twice. */
const COUNTS = new Set([
  'order_count_1h',
  'payments',
  'payments_10m',
  'large',
  'steps',
  'rows',
  'lines',
  'alive',
  'open',
  'open_10m',
  'readings',
  'peaks',
]);

/** Asks, and compares every feature that the recount knows. */
export async function compare(
  place: string,
  ask: Ask,
  featureset: string,
  questions: readonly Question[],
  expected: (question: Question) => Features,
  findings: Findings,
): Promise<void> {
  const answers = await ask(featureset, questions);
  if (answers.length !== questions.length) report(findings, `${place}: ${answers.length} answers to ${questions.length} questions`);
  for (const [i, question] of questions.entries()) {
    const actual = answers[i] ?? {};
    for (const [feature, value] of Object.entries(expected(question))) {
      if (value === undefined) continue;
      findings.answers++;
      if (JSON.stringify(actual[feature]) !== JSON.stringify(value))
        judge(`${place}: ${featureset}.${feature}`, question, { feature, expected: value, actual: actual[feature] }, findings);
    }
  }
}

interface Difference {
  readonly feature: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

function judge(where: string, question: Question, { feature, expected, actual }: Difference, findings: Findings): void {
  const { entity, atUs, wasErased = false } = question;
  report(findings, `${where} of ${entity} at ${atUs} is ${JSON.stringify(actual)}, and by the recount ${JSON.stringify(expected)}`);
  if (COUNTS.has(feature) && typeof actual === 'number' && typeof expected === 'number') {
    if (actual < expected) findings.lost += expected - actual;
    else if (wasErased || (feature === 'alive' && expected === 0)) findings.resurrected += actual - expected;
    else findings.duplicated += actual - expected;
  } else if (
    Array.isArray(actual) &&
    Array.isArray(expected) &&
    JSON.stringify([...actual].sort()) === JSON.stringify([...expected].sort())
  ) {
    findings.outOfOrder++;
  }
}
