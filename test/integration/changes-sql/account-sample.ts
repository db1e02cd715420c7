import { compileKeyEncoder } from '../../../libs/codec/entity-key.js';
import { partitionOf, slotOf } from '../../../libs/codec/slot.js';
import type { Random } from '../../crash/random.js';

/** A row of the table after a change; `number` counts the changes, so that no two are alike. */
export interface AccountRow {
  readonly owner: string;
  readonly region: string;
  readonly number: number;
  readonly cents: number | null;
  readonly atUs: number;
}

export interface AccountChange {
  readonly account: string;
  /** When the table changed. */
  readonly opUs: number;
  /** Undefined for a delete. */
  readonly row: AccountRow | undefined;
}

export interface Question {
  readonly owner: string;
  readonly region: string;
  readonly asOfUs: number;
}

export const REGIONS = ['north', 'east', 'south', 'west'] as const;

const HOUR_US = 3_600e6;
const SPAN_US = 20 * 24 * HOUR_US;
const AGE_US_MAX = 10 * 24 * HOUR_US;
/** Windows whose edges are asked at. */
const WINDOWS_US = [12, 24, 48, 72, 96, 120, 144, 168].map((hours) => hours * HOUR_US);
const CHANGES_PER_ACCOUNT = 6;
const CHANGES_PER_OWNER = 250;

/** Inserts, updates, deletes, and rows that come back, in the order of their instants, of which some are one. */
export function sampleChanges(count: number, endUs: number, random: Random): AccountChange[] {
  const rows = new Map<string, AccountRow>();
  const owners = ownersOf(count);
  const accounts = Math.ceil(count / CHANGES_PER_ACCOUNT);
  const stepUs = Math.floor((2 * SPAN_US) / count);
  let opUs = endUs - SPAN_US * 2;
  return Array.from({ length: count }, (_, number): AccountChange => {
    opUs = Math.min(endUs, opUs + (random.next() < 0.1 ? 0 : random.integer(1, stepUs)));
    const account = `account_${random.integer(1, accounts)}`;
    const before = rows.get(account);
    if (before !== undefined && random.next() < 0.2) {
      rows.delete(account);
      return { account, opUs, row: undefined };
    }
    const row: AccountRow = {
      owner: before !== undefined && random.next() < 0.8 ? before.owner : random.pick(owners),
      region: before !== undefined && random.next() < 0.8 ? before.region : random.pick(REGIONS),
      number,
      cents: random.next() < 0.1 ? null : random.integer(0, 90_000),
      atUs: before !== undefined && random.next() < 0.6 ? before.atUs : eventTime(opUs, random),
    };
    rows.set(account, row);
    return { account, opUs, row };
  });
}

/** Whole hours now and then: equal times of several rows. */
function eventTime(opUs: number, random: Random): number {
  const us = opUs - random.integer(0, AGE_US_MAX);
  return random.next() < 0.2 ? us - (us % HOUR_US) : us;
}

function ownersOf(count: number): readonly string[] {
  return Array.from({ length: Math.ceil(count / CHANGES_PER_OWNER) }, (_, i) => `owner_${i}`);
}

/** On, before and behind a change, an event time, or where one leaves a window; some anywhere. */
export function sampleQuestions(changes: readonly AccountChange[], count: number, nowUs: number, random: Random): Question[] {
  const owners = ownersOf(changes.length);
  return Array.from({ length: count }, () => {
    const { row, opUs } = random.pick(changes);
    const atUs = row?.atUs ?? opUs;
    const edgeUs = [opUs, opUs, atUs, atUs + random.pick(WINDOWS_US), opUs + random.integer(0, SPAN_US)];
    const asOfUs = Math.min(nowUs, random.pick(edgeUs) + random.pick([-1, 0, 0, 1]));
    return { owner: row?.owner ?? random.pick(owners), region: row?.region ?? random.pick(REGIONS), asOfUs };
  });
}

/** Where a row's changes lie in their topic: equal event times are ordered by it first (S7). */
export function accountPartition(partitions: number): (change: AccountChange) => number {
  const keyOf = compileKeyEncoder([{ name: 'account', type: { kind: 'string', optional: false } }], 'Account');
  return ({ account }) => partitionOf(slotOf(keyOf([account])), partitions);
}
