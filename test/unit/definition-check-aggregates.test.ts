import { t } from '../../libs/definition/type-words.js';
import { HOUR_US, AGGREGATIONS, pipeline, aggregating, column, eq, type Case, refusesEach } from './definition-check-module.js';

const AGGREGATES: readonly Case[] = [
  ['a count into a float', aggregating(t.float, { operator: 'count', windowUs: null }), 'Stats.x', 'Count gives t.int'],
  [
    'a float sum into an int',
    aggregating(t.int, { operator: 'sum', of: 'amount', windowUs: null }),
    'Stats.x',
    'Sum of t.float gives t.float',
  ],
  [
    'an int sum into a float',
    aggregating(t.float, { operator: 'sum', of: 'items', windowUs: null }),
    'Stats.x',
    'Sum of t.int gives t.int',
  ],
  [
    'a sum of decimals',
    aggregating(t.decimal, { operator: 'sum', of: 'price', windowUs: null }),
    'Stats.x',
    "Sum cannot read 'price', which is t.decimal",
  ],
  ['a mean of texts', aggregating(t.float.optional, { operator: 'avg', of: 'note', windowUs: null }), 'Stats.x', "Avg cannot read 'note'"],
  [
    'a mean that may not be null',
    aggregating(t.float, { operator: 'avg', of: 'amount', windowUs: null }),
    'Stats.x',
    'Avg of t.float gives t.float.optional',
  ],
  ['a max of texts', aggregating(t.string.optional, { operator: 'max', of: 'note', windowUs: null }), 'Stats.x', "Max cannot read 'note'"],
  [
    'a max that may not be null',
    aggregating(t.float, { operator: 'max', of: 'amount', windowUs: null }),
    'Stats.x',
    'Max of t.float gives t.float.optional',
  ],
  [
    'a last of another type',
    aggregating(t.int.optional, { operator: 'last', of: 'note', windowUs: null }),
    'Stats.x',
    'Last of t.string.optional gives',
  ],
  [
    'a list of another type',
    aggregating(t.list(t.int), { operator: 'lastK', of: 'amount', k: 3, windowUs: null }),
    'Stats.x',
    'gives t.list(t.float)',
  ],
  [
    'a list that may hold nulls',
    aggregating(t.list(t.string), { operator: 'lastK', of: 'note', k: 3, windowUs: null }),
    'Stats.x',
    'gives t.list(t.string.optional)',
  ],
  ['an unknown column', aggregating(t.float, { operator: 'sum', of: 'amuont', windowUs: null }), 'Stats.x', "there is no column 'amuont'"],
  ['no column', aggregating(t.float, { operator: 'sum', windowUs: null }), 'Stats.x', 'Sum reads no column'],
  [
    'an unknown column in where',
    aggregating(t.int, { operator: 'count', windowUs: null, where: eq(column('amuont'), column('items')) }),
    'Stats.x',
    "there is no column 'amuont'",
  ],
  [
    'a where that is no predicate',
    aggregating(t.int, { operator: 'count', windowUs: null, where: column('items') }),
    'Stats.x',
    'where takes a predicate',
  ],
  ['a window of nothing', aggregating(t.int, { operator: 'count', windowUs: 0 }), 'Stats.x', 'its window is no positive duration'],
  [
    'a window that was no duration',
    aggregating(t.int, { operator: 'count', windowUs: Number.NaN }),
    'Stats.x',
    'its window is no positive duration',
  ],
  ['no pct', aggregating(t.float.optional, { operator: 'percentile', of: 'amount', windowUs: HOUR_US }), 'Stats.x', 'its pct is missing'],
  [
    'a pct beyond 100',
    aggregating(t.float.optional, { operator: 'percentile', of: 'amount', windowUs: HOUR_US, pct: 101 }),
    'Stats.x',
    'its pct is 101',
  ],
  ['no k', aggregating(t.list(t.float), { operator: 'lastK', of: 'amount', windowUs: null }), 'Stats.x', 'its k is missing'],
  ['a k of 0', aggregating(t.list(t.float), { operator: 'lastK', of: 'amount', windowUs: null, k: 0 }), 'Stats.x', 'its k is 0'],
  [
    'a k beyond 1,000',
    aggregating(t.list(t.float), { operator: 'lastK', of: 'amount', windowUs: null, k: 1_001 }),
    'Stats.x',
    'its k is 1001',
  ],
  [
    'an endless last with history',
    aggregating(t.float.optional, { operator: 'last', of: 'amount', windowUs: null }, { historyUs: 10 * HOUR_US }),
    'Stats.x',
    'Last without a window needs all history',
  ],
  [
    'an endless percentile with history',
    aggregating(t.float.optional, { operator: 'percentile', of: 'amount', windowUs: null, pct: 5 }, { historyUs: 10 * HOUR_US }),
    'Stats.x',
    'ApproxPercentile without a window',
  ],
  [
    'a window longer than history',
    aggregating(t.int, { operator: 'count', windowUs: 11 * HOUR_US }, { historyUs: 10 * HOUR_US }),
    'Stats.x',
    'longer than the history kept',
  ],
  [
    'a field that is not filled',
    { pipelines: [pipeline({ aggregate: { groupBy: ['user_id'], aggregations: AGGREGATIONS.slice(1) } })] },
    'Stats.n',
    'does not fill it',
  ],
  [
    'a field that is filled twice',
    { pipelines: [pipeline({ aggregate: { groupBy: ['user_id'], aggregations: [...AGGREGATIONS, ...AGGREGATIONS.slice(0, 1)] } })] },
    'Stats.n',
    'two aggregations fill it',
  ],
  [
    'what is no field',
    {
      pipelines: [
        pipeline({
          aggregate: { groupBy: ['user_id'], aggregations: [...AGGREGATIONS, { field: 'm', operator: 'count', windowUs: null }] },
        }),
      ],
    },
    'Stats.m',
    'it is not a field of Stats',
  ],
  [
    'the timestamp',
    {
      pipelines: [
        pipeline({
          aggregate: { groupBy: ['user_id'], aggregations: [...AGGREGATIONS, { field: 'at', operator: 'count', windowUs: null }] },
        }),
      ],
    },
    'Stats.at',
    'it is the key or the timestamp',
  ],
];

describe('checkDefinitions: aggregations', () => {
  refusesEach(AGGREGATES);
});
