// The records that a fleet and the embedded platform are both given, and what the rules say of them.
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { UNLUCKY_AMOUNT } from '../support/partition-datasets.js';

export const MINUTE_US = 60e6;
const HOUR_US = 60 * MINUTE_US;
export const DAY_US = 24 * HOUR_US;
const HISTORY = 240;
const RECENT = 80;
const SALES = 90;
const READINGS = 400;

export const MARKETS = ['north', 'south', 'east', 'west', 'old town', 'harbour', 'fair'];
export const BUYERS = ['b0', 'b1', 'b2', 'b3', 'b4'];
export const PRODUCTS = ['p0', 'p1', 'p2', 'p3'];
export const SITES = ['s0', 's1', 's2', 's3', 's4'];

type Fields = Readonly<Record<string, unknown>>;

/** One request to `POST /api/v1/log`. */
export interface Push {
  readonly dataset: string;
  readonly events: readonly Fields[];
  readonly producer_id?: string;
  readonly sequence?: number;
  /** None of the events may enter the topic (S12). */
  readonly refused?: true;
}

/** A record as a connector would load it: from a file of its own, which is its lane. */
export interface LoadedReading {
  readonly lane: string;
  readonly atUs: number;
  readonly appendTimeUs: number;
  readonly row: { readonly device: string; readonly site: string; readonly value: number };
}

export interface PartitionRecords {
  readonly accounts: readonly string[];
  readonly visitors: readonly string[];
  readonly devices: readonly string[];
  /** The partition into which no trade goes; undefined where there is one only. */
  readonly idle: number | undefined;
  /** Before the second revision is committed, and while it is. */
  readonly before: readonly Push[];
  readonly during: readonly Push[];
  readonly readings: readonly LoadedReading[];
  /** An instant that nothing in `during` changes. */
  readonly pastUs: number;
  readonly endUs: number;
}

const encodeText = compileKeyEncoder([{ name: 'key', type: { kind: 'string', optional: false } }], 'key');

/** The partition of an entity with a key of one text. */
export function partitionOfText(text: string, partitions: number): number {
  return partitionOf(slotOf(encodeText([text])), partitions);
}

/** The same at each call with the same arguments; `endUs` is the newest event but for one from the future. */
export function partitionRecords(partitions: number, endUs: number): PartitionRecords {
  const random = lehmer(20_260_728);
  const idle = partitions > 1 ? partitions - 1 : undefined;
  const entities = (prefix: string, count: number): readonly string[] =>
    Array.from({ length: 8 * count }, (_, i) => `${prefix}${i}`)
      .filter((name) => partitionOfText(name, partitions) !== idle)
      .slice(0, count);
  const [accounts, visitors, devices] = [entities('account-', 16), entities('visitor ', 12), entities('device.', 12)];
  const maker = { random, accounts, endUs };
  return {
    accounts,
    visitors,
    devices,
    idle,
    endUs,
    pastUs: endUs - 4 * HOUR_US,
    before: [...joined(random, endUs), ...visits(visitors, endUs), ...history(maker)],
    during: recent(maker),
    readings: readings(random, devices, endUs),
  };
}

interface Maker {
  readonly random: () => number;
  readonly accounts: readonly string[];
  readonly endUs: number;
}

/** Three days up to two hours ago, shuffled within what S10 allows; late ones, bad ones, and a producer that repeats itself. */
function history({ random, accounts, endUs }: Maker): readonly Push[] {
  const times = Array.from(
    { length: HISTORY },
    (_, i) => endUs - 3 * DAY_US + Math.floor((i / HISTORY) * (3 * DAY_US - 2.5 * HOUR_US)) + Math.floor(random() * 25) * MINUTE_US,
  );
  const events = times.map((us, i) => trade(random, accounts, i % 24 === 23 ? us - 5 * HOUR_US : us));
  const unlucky = [0, 1, 2].map((i) => ({
    ...trade(random, accounts, endUs - 1.55 * DAY_US),
    account: accounts[i],
    amount: UNLUCKY_AMOUNT,
  }));
  const repeated = Array.from({ length: 10 }, () => trade(random, accounts, endUs - 2.5 * HOUR_US));
  return [
    { dataset: 'Trade', events: events.slice(0, HISTORY / 2) },
    { dataset: 'Trade', events: badTrades(accounts, endUs), refused: true },
    { dataset: 'Trade', events: unlucky },
    { dataset: 'Trade', events: events.slice(HISTORY / 2) },
    { dataset: 'Trade', events: repeated, producer_id: 'till', sequence: 0 },
    { dataset: 'Trade', events: repeated.slice(0, 6), producer_id: 'till', sequence: 0 },
    { dataset: 'Trade', events: [...repeated.slice(5), trade(random, accounts, endUs - 2.5 * HOUR_US)], producer_id: 'till', sequence: 5 },
  ];
}

/**
 * A clock that runs twenty days ahead, within `maxFuture`, pushes the watermark to the present and no further (S10): what comes
 * behind it and is 40 minutes old is not late, and what is three hours old is. What is between is left out, since the
 * present is another one on each platform.
 */
function recent({ random, accounts, endUs }: Maker): readonly Push[] {
  const ahead = accounts.slice(0, 4).map((account) => ({ ...trade(random, accounts, endUs + 20 * DAY_US), account }));
  const events = Array.from({ length: RECENT }, (_, i) =>
    trade(random, accounts, i % 10 === 9 ? endUs - 3 * HOUR_US - i * MINUTE_US : endUs - Math.floor(random() * 40) * MINUTE_US),
  );
  const pushes = Array.from({ length: 8 }, (_, i) => ({
    dataset: 'Trade',
    events: events.slice((i * RECENT) / 8, ((i + 1) * RECENT) / 8),
  }));
  return [{ dataset: 'Trade', events: ahead }, ...pushes];
}

function trade(random: () => number, accounts: readonly string[], us: number): Fields {
  const fee = random();
  return {
    account: pick(random, accounts),
    market: pick(random, MARKETS),
    amount: Math.floor(random() * 900) + UNLUCKY_AMOUNT + 1,
    ...(fee < 0.2 ? {} : { fee: Math.round(fee * 1_000) / 64 }),
    at: formatTimestamp(us),
  };
}

/** One of each kind that does not enter the topic (S12). */
function badTrades([account = '']: readonly string[], endUs: number): readonly Fields[] {
  const good = { account, market: 'north', amount: 5, at: formatTimestamp(endUs - DAY_US) };
  return [
    { ...good, account: '' },
    { ...good, amount: 'five' },
    { ...good, at: 'yesterday' },
    { ...good, at: formatTimestamp(endUs + 90 * DAY_US) },
    { account, amount: 5, at: good.at },
    { ...good, account: 7 },
  ];
}

/** Prices first, and they are read first: a left record waits for what was there when it was read (S24). */
function joined(random: () => number, endUs: number): readonly Push[] {
  const prices = PRODUCTS.flatMap((product, i) =>
    [0, 1, 2].map((n) => ({ product, price: 10 * i + n, at: formatTimestamp(endUs - (10 - n) * DAY_US) })),
  );
  const sales = Array.from({ length: SALES }, (_, i) => ({
    sale: `sale-${i}`,
    buyer: pick(random, BUYERS),
    product: pick(random, [...PRODUCTS, 'unpriced']),
    at: formatTimestamp(endUs - Math.floor(random() * 10 * DAY_US)),
  }));
  return [
    { dataset: 'Price', events: prices },
    { dataset: 'Sale', events: sales },
  ];
}

/** The visits of each visitor in order of time, so that a row is the same at whichever tick it is published (S25). */
function visits(visitors: readonly string[], endUs: number): readonly Push[] {
  const events = visitors.flatMap((visitor, v) =>
    Array.from({ length: 1 + (v % 5) }, (_, n) => ({ visitor, page: `/${n}`, at: formatTimestamp(endUs - 2 * DAY_US + n * HOUR_US + v) })),
  );
  return [{ dataset: 'Visit', events }];
}

/** Four files, a week apart in time, a record of each in turn: a common watermark would find three of four late (S10). */
function readings(random: () => number, devices: readonly string[], endUs: number): readonly LoadedReading[] {
  return Array.from({ length: READINGS }, (_, i) => {
    const file = i % 4;
    const inFile = Math.floor(i / 4);
    const startUs = endUs - (1 + 7 * file) * DAY_US;
    const appendTimeUs = endUs - 60 * MINUTE_US + i * 1_000;
    const ownUs = startUs + inFile * MINUTE_US - (inFile % 20 === 19 ? 15 : inFile % 3) * MINUTE_US;
    // A device in the last file whose clock is a year ahead: it makes nothing of the other files late, and its own up to the present.
    const atUs = file === 3 && inFile === 60 ? endUs + 365 * DAY_US : ownUs;
    return {
      lane: `file-${file}`,
      atUs,
      appendTimeUs,
      row: { device: pick(random, devices), site: pick(random, SITES), value: Math.floor(random() * 100) },
    };
  });
}

function pick<T>(random: () => number, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('there is nothing to pick from');
  return item;
}

/** Lehmer's generator with Park and Miller's constants. */
function lehmer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
