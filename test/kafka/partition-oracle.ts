// What the rules say of the records, as a loop over them in the order in which they are sent.
import { parseTimestamp } from '../../libs/time/timestamp.js';
import { UNLUCKY_AMOUNT } from '../support/partition-datasets.js';
import { MINUTE_US, partitionOfText, type LoadedReading, type PartitionRecords } from './partition-records.js';

const TRADE_LATENESS_US = 60 * MINUTE_US;
const READING_LATENESS_US = 10 * MINUTE_US;

/** The books of one pipeline over all its partitions, as far as the rules fix them. */
export interface ExpectedBook {
  readonly read: number;
  readonly applied: number;
  readonly late: number;
  readonly duplicate: number;
  readonly dead: number;
}

/** By pipeline. `presentUs` is any instant of the test: records are so made that each gives the same. */
export function expectedBooks(records: PartitionRecords, partitions: number, presentUs: number): ReadonlyMap<string, ExpectedBook> {
  const trades = tradeVerdicts(records, partitions, presentUs);
  const [read, late, duplicate] = [trades.length, count(trades, 'late'), count(trades, 'duplicate')];
  const unlucky = trades.filter(({ verdict, amount }) => verdict === 'taken' && amount === UNLUCKY_AMOUNT).length;
  const ofTrades = (dead: number): ExpectedBook => ({ read, late, duplicate, dead, applied: read - late - duplicate - dead });
  const readingsLate = lateReadings(records.readings, partitions);
  const sent = (dataset: string): ExpectedBook =>
    whole(records.before.reduce((sum, push) => sum + (push.dataset === dataset ? push.events.length : 0), 0));
  return new Map([
    ['AccountTrades.trades', ofTrades(0)],
    ['MarketTrades.trades', ofTrades(unlucky)],
    ['MarketWeeks.weeks', ofTrades(0)],
    ['SiteReadings.readings', { ...whole(records.readings.length), late: readingsLate, applied: records.readings.length - readingsLate }],
    ['PricedSale.priced', sent('Sale')],
    ['BuyerSpend.spend', sent('Sale')],
    ['ProductSales.sold', sent('Sale')],
    ['VisitorPages.visits', sent('Visit')],
    ['VisitLevels.levels', sent('Visit')],
  ]);
}

function whole(read: number): ExpectedBook {
  return { read, applied: read, late: 0, duplicate: 0, dead: 0 };
}

interface Verdict {
  readonly verdict: 'taken' | 'late' | 'duplicate';
  readonly amount: unknown;
}

/** S13, then S10: a repeat moves no watermark; all pushes share a lane. */
function tradeVerdicts({ before, during }: PartitionRecords, partitions: number, presentUs: number): readonly Verdict[] {
  const seen = new Set<string>();
  const lanes = new Watermarks(TRADE_LATENESS_US);
  return [...before, ...during].flatMap(({ dataset, events, producer_id: producer, sequence = 0, refused }) => {
    if (dataset !== 'Trade' || refused === true) return [];
    return events.map(({ account, amount, at }, i): Verdict => {
      const place = `${producer ?? ''} ${sequence + i}`;
      if (producer !== undefined && seen.has(place)) return { verdict: 'duplicate', amount };
      seen.add(place);
      const isLate = lanes.take(String(partitionOfText(String(account), partitions)), parseTimestamp(String(at)), presentUs);
      return { verdict: isLate ? 'late' : 'taken', amount };
    });
  });
}

function lateReadings(readings: readonly LoadedReading[], partitions: number): number {
  const lanes = new Watermarks(READING_LATENESS_US);
  return readings.filter(({ lane, atUs, appendTimeUs, row }) =>
    lanes.take(`${partitionOfText(row.device, partitions)} ${lane}`, atUs, appendTimeUs),
  ).length;
}

/** S10: of each partition and lane, the highest min(event time, append time) so far. */
class Watermarks {
  readonly #latenessUs: number;
  readonly #highest = new Map<string, number>();

  constructor(latenessUs: number) {
    this.#latenessUs = latenessUs;
  }

  /** Whether the record is late; it then, or not, moves the watermark. */
  take(place: string, eventTimeUs: number, appendTimeUs: number): boolean {
    const highest = this.#highest.get(place) ?? Number.NEGATIVE_INFINITY;
    this.#highest.set(place, Math.max(highest, Math.min(eventTimeUs, appendTimeUs)));
    return eventTimeUs < highest - this.#latenessUs;
  }
}

function count(verdicts: readonly Verdict[], wanted: Verdict['verdict']): number {
  return verdicts.filter(({ verdict }) => verdict === wanted).length;
}
