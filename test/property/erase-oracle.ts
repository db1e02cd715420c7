import type { DatasetRecord } from '../../libs/codec/dataset-record.js';
import { dataset, field, pipeline } from '../integration/aggregator-harness.js';
import {
  counting,
  definitions as changing,
  type Instant,
  measure,
  orders as changingOrders,
  passes,
  type Version,
} from './changes-oracle.js';

// The definitions of the suite of erasures (S26), and what they must answer: a loop over the log that forgets an entity's records where
// its mark stands.

const { maxLatenessUs: _none, ...orders } = changingOrders;
export { orders };

export const clicks = dataset(
  'Click',
  [field('user_id', 'string'), field('amount', 'float', true), field('kind', 'string', true), field('at', 'timestamp')],
  ['user_id'],
  { index: true },
);
const counted = (key: string) => [field(key, 'string'), field('n', 'int'), field('total', 'float'), field('at', 'timestamp')];
const aggregations = [
  { field: 'n', operator: 'count', windowUs: null },
  { field: 'total', operator: 'sum', of: 'amount', windowUs: null },
] as const;
const named = {
  kind: 'assign',
  columns: [
    {
      name: 'label',
      value: {
        kind: 'fillNull',
        operand: { kind: 'column', name: 'kind' },
        fallback: { kind: 'literal', value: { type: 'string', value: 'none' } },
      },
    },
  ],
} as const;

/** Of both kinds of dataset pipelines by the entity and by something else, and a chain behind one of them. */
export function definitions(version: number) {
  const pipelines = [
    ...changing.pipelines,
    pipeline('Clicks', ['Click'], { aggregate: { groupBy: ['user_id'], aggregations } }),
    pipeline('ByLabel', ['Click'], { steps: [named], aggregate: { groupBy: ['label'], aggregations } }),
    pipeline('Chained', ['Clicks'], {
      aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'n', operator: 'count', windowUs: null }] },
    }),
  ];
  return {
    datasets: [
      orders,
      ...changing.datasets.filter(({ name }) => name !== 'Order'),
      clicks,
      dataset('Clicks', counted('user_id'), ['user_id'], { publish: true }),
      dataset('ByLabel', counted('label'), ['label']),
      dataset('Chained', [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id']),
    ],
    // What publishes is not built again (S25a).
    pipelines: pipelines.map((each) => (each.name === 'Clicks.build' ? each : { ...each, version })),
  };
}

export interface StoredClick extends Omit<DatasetRecord, 'row'> {
  readonly user: string;
  readonly amount: number | null;
  readonly kind: string | null;
}

/** By pipelines' and users' names, what is to be answered about orders. */
export function ordersExpected(versions: readonly Version[], instant: Instant, isIn: (one: Version) => boolean): Record<string, unknown> {
  return measure(counting(versions, instant).filter(passes).filter(isIn), instant.asOfUs);
}

export function clicksExpected(clicked: readonly StoredClick[], asOfUs: number, isIn: (one: StoredClick) => boolean) {
  const rows = clicked.filter((one) => one.eventTimeUs <= asOfUs).filter(isIn);
  return { n: rows.length, total: rows.reduce((sum, { amount }) => sum + (amount ?? 0), 0) };
}
