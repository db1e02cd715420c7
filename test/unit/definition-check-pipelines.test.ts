import type { PipelineDefinition, Step } from '../../libs/definition/definitions.js';
import { fieldsOf, t } from '../../libs/definition/type-words.js';
import {
  dataset,
  ORDER_FIELDS,
  order,
  user,
  stats,
  AGGREGATIONS,
  pipeline,
  steps,
  filter,
  column,
  text,
  eq,
  join,
  joined,
  nested,
  type Case,
  refusesEach,
} from './definition-check-module.js';

const PIPELINES: readonly Case[] = [
  ['an unknown input', { pipelines: [pipeline({ inputs: ['Ordr'] })] }, 'Stats.all', "its input 'Ordr' is no dataset"],
  ['an unknown output', { pipelines: [pipeline({ output: 'Nope' })], featuresets: [] }, 'Stats.all', "fills 'Nope', which is no dataset"],
  ['a version of 0', { pipelines: [pipeline({ version: 0 })] }, 'Stats.all', 'its version is 0'],
  [
    'two pipelines into one dataset',
    { pipelines: [pipeline(), pipeline({ name: 'Stats.more' })] },
    'Stats.more',
    "'Stats.all' fills Stats already",
  ],
  [
    'an upgrade of what a pipeline builds anew (S19a)',
    { datasets: [order(), user(), stats({ upgrade: { kind: 'empty' } })] },
    'Stats',
    "it has an upgrade, and the pipeline 'Stats.all'",
  ],
  [
    'a filter of an unknown column',
    filter(eq(column('amuont'), column('items'))),
    'Stats.all, step 1 (filter)',
    "there is no column 'amuont'",
  ],
  ['a filter that compares two types', filter(eq(column('amount'), text('1'))), 'Stats.all, step 1 (filter)', 'cannot be compared'],
  [
    'a filter by a value that the enum has not',
    filter(eq(column('status'), text('payed'))),
    'Stats.all, step 1 (filter)',
    "has no 'payed'",
  ],
  ['a filter that is no predicate', filter(column('amount')), 'Stats.all, step 1 (filter)', 'filter takes a predicate, not t.float'],
  ['an expression too large', filter(nested(1_001)), 'Stats.all, step 1 (filter)', 'more than 1000 parts'],
  ['an expression too deep', filter(nested(300)), 'Stats.all, step 1 (filter)', 'nests deeper than'],
  [
    'an empty JSON path',
    filter({ kind: 'isNull', operand: { kind: 'jsonExtract', operand: column('note'), path: [], as: 'int' } }),
    'Stats.all, step 1 (filter)',
    'empty path',
  ],
  [
    'arithmetic with a text',
    steps({
      kind: 'assign',
      columns: [{ name: 'x', value: { kind: 'arithmetic', operator: 'mul', left: column('note'), right: column('items') } }],
    }),
    'Stats.all, step 1 (assign)',
    'is not a number',
  ],
  [
    'an assign to a bad name',
    steps({ kind: 'assign', columns: [{ name: '1x', value: column('items') }] }),
    'Stats.all, step 1 (assign)',
    "'1x' is no name",
  ],
  [
    'a transform with a bad name',
    steps({ kind: 'transform', adds: fieldsOf({ 'x y': t.int }), function: 'f' }),
    'Stats.all, step 1 (transform).x y',
    'is no name',
  ],
  [
    'select of an unknown column',
    steps({ kind: 'select', names: ['user_id', 'amount', 'nope'] }),
    'Stats.all, step 1 (select)',
    "there is no column 'nope'",
  ],
  ['a column that select took away', steps({ kind: 'select', names: ['user_id', 'at'] }), 'Stats.top', "there is no column 'amount'"],
  [
    'rename of an unknown column',
    steps({ kind: 'rename', from: 'nope', to: 'x' }),
    'Stats.all, step 1 (rename)',
    "there is no column 'nope'",
  ],
  [
    'rename to a name that is there',
    steps({ kind: 'rename', from: 'items', to: 'note' }),
    'Stats.all, step 1 (rename)',
    "there is a column 'note' already",
  ],
  ['a join not on the key', joined(join(['note'])), 'Stats.all, step 1 (join)', "it joins 'User' on note"],
  ['a join without an index', joined(join(['user_id']), { index: false }), 'Stats.all, step 1 (join)', "'User', which is not indexed"],
  [
    'a join with a key of another type',
    joined(join(['user_id']), { fields: fieldsOf({ user_id: t.int, at: t.timestamp }) }),
    'Stats.all, step 1 (join)',
    "'user_id' is t.string here and t.int in User",
  ],
  [
    'a join outside of the inputs',
    { pipelines: [pipeline({ steps: [join(['user_id'])] })] },
    'Stats.all',
    "'User', which is not in its inputs",
  ],
  [
    'a join with no dataset',
    { pipelines: [pipeline({ inputs: ['Order', 'Usr'], steps: [join(['user_id'], 'Usr')] })] },
    'Stats.all, step 1 (join)',
    "'Usr', which is no dataset",
  ],
  [
    'groups that are not the key',
    { pipelines: [pipeline({ aggregate: { groupBy: ['status'], aggregations: AGGREGATIONS } })] },
    'Stats.all',
    'it groups by status',
  ],
  [
    'groups of another type',
    {
      datasets: [
        order(),
        user(),
        stats({ fields: fieldsOf({ user_id: t.int, n: t.int, spend: t.float, top: t.float.optional, at: t.timestamp }) }),
      ],
      featuresets: [],
    },
    'Stats.user_id',
    'groups by t.string',
  ],
  [
    'groups that may be null',
    {
      datasets: [
        order({ fields: fieldsOf({ user_id: t.string, ...ORDER_FIELDS, at: t.timestamp, k: t.string.optional }) }),
        stats({ keys: ['k'], fields: fieldsOf({ k: t.string, at: t.timestamp }) }),
      ],
      pipelines: [pipeline({ aggregate: { groupBy: ['k'], aggregations: [] } })],
      featuresets: [],
    },
    'Stats.k',
    'groups by t.string.optional',
  ],
  [
    'reading a derived dataset that is not published',
    {
      datasets: [order(), user(), stats(), dataset('Next', { m: t.int })],
      pipelines: [
        pipeline(),
        pipeline({
          name: 'Next.m',
          output: 'Next',
          inputs: ['Stats'],
          steps: [],
          aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'm', operator: 'count', windowUs: null }] },
        }),
      ],
    },
    'Next.m',
    "it reads 'Stats', which a pipeline fills",
  ],
  [
    'a dataset filled from itself',
    { pipelines: [pipeline({ inputs: ['Stats'], steps: [], aggregate: { groupBy: ['user_id'], aggregations: [] } })] },
    'Stats',
    'it is filled from itself: Stats ← Stats',
  ],
  ['rows without a field', { pipelines: [rows([])] }, 'Stats.n', "the pipeline 'Stats.all' does not fill it"],
  ['rows with a surplus column', { pipelines: [rows([])] }, 'Stats.all', "a column 'vip', which is not a field of Stats"],
  [
    'rows with another type',
    { pipelines: [rows([{ kind: 'assign', columns: [{ name: 'n', value: column('amount') }] }])] },
    'Stats.n',
    'it is declared t.int, but the pipeline',
  ],
];

function rows(taken: readonly Step[]): PipelineDefinition {
  return { name: 'Stats.all', version: 1, output: 'Stats', inputs: ['Order'], steps: taken };
}

describe('checkDefinitions: pipelines', () => {
  refusesEach(PIPELINES);
});
