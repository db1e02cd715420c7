import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { lcg } from './orders.js';

/** An order as each of the benched systems holds it: some 100 bytes as JSON. */
export interface OrderRow {
  readonly order_id: number;
  readonly user_id: string;
  readonly amount: number;
  /** RFC 3339, growing with the rows. */
  readonly ordered_at: string;
}

export const ORDERS: DatasetDefinition = {
  name: 'Orders',
  version: 1,
  fields: [
    { name: 'user_id', type: { kind: 'string', optional: false } },
    { name: 'order_id', type: { kind: 'int', optional: false } },
    { name: 'amount', type: { kind: 'float', optional: false } },
    { name: 'ordered_at', type: { kind: 'timestamp', optional: false } },
  ],
  keys: ['user_id'],
  timestamp: 'ordered_at',
  index: false,
  publish: false,
  maxFutureUs: 600e6,
  expectations: [],
};

/** 2026-01-31T12:00:00Z. */
const START_US = 1_769_860_800_000_000;
const USERS = 100_000;

/** Rows [from, to): the same each time they are asked for. */
export function* orderRows(from: number, to: number): Generator<OrderRow> {
  const random = lcg(from + 1);
  for (let order_id = from; order_id < to; order_id++) {
    const user_id = `user_${Math.floor(USERS * random())}`;
    yield { order_id, user_id, amount: Math.round(random() * 50_000) / 100, ordered_at: formatTimestamp(START_US + order_id * 1_000) };
  }
}

/** One object a line. */
export function orderLines(from: number, to: number): string {
  let text = '';
  for (const row of orderRows(from, to)) text += `${JSON.stringify(row)}\n`;
  return text;
}
