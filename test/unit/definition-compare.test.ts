import { expect } from 'chai';
import { compareDefinitions, refuseBreaking } from '../../libs/definition/compare.js';
import type { ComparisonContext } from '../../libs/definition/comparison-context.js';
import { collectDefinitions } from '../../libs/definition/collect.js';
import type {
  Aggregation,
  DatasetDefinition,
  Definitions,
  FeatureDefinition,
  PipelineDefinition,
  SourceDefinition,
  Step,
} from '../../libs/definition/definitions.js';
import { fieldsOf, t, valueTypeOf } from '../../libs/definition/type-words.js';
import { ThymeError } from '../../libs/errors/errors.js';
import * as example from '../types/example.js';

const { definitions: NOW } = collectDefinitions(example);

/** The example with one definition changed. */
const withDataset = (name: string, change: Partial<DatasetDefinition>): Definitions => ({
  ...NOW,
  datasets: NOW.datasets.map((one) => (one.name === name ? { ...one, ...change } : one)),
});
const withPipeline = (name: string, change: (one: PipelineDefinition) => Partial<PipelineDefinition>): Definitions => ({
  ...NOW,
  pipelines: NOW.pipelines.map((one) => (one.name === name ? { ...one, ...change(one) } : one)),
});
const withSource = (dataset: string, change: Partial<SourceDefinition>): Definitions => ({
  ...NOW,
  sources: NOW.sources.map((one) => (one.dataset === dataset ? { ...one, ...change } : one)),
});
const withFeature = (name: string, change: Partial<FeatureDefinition>): Definitions => ({
  ...NOW,
  featuresets: NOW.featuresets.map((set) => ({
    ...set,
    features: set.features.map((one) => (one.name === name ? { ...one, ...change } : one)),
  })),
});
const aggregated = (change: (all: readonly Aggregation[]) => readonly Aggregation[]): Definitions =>
  withPipeline('UserOrderStats.stats', ({ aggregate }) =>
    aggregate === undefined ? {} : { aggregate: { ...aggregate, aggregations: change(aggregate.aggregations) } },
  );
/** The steps of the pipeline that has one of each kind, with those of one kind changed. */
const withStep = <K extends Step['kind']>(kind: K, change: (step: Extract<Step, { kind: K }>) => readonly Step[]): Definitions =>
  withPipeline('CountryStats.stats', ({ steps }) => ({
    steps: steps.flatMap((step) => (step.kind === kind ? change(step as Extract<Step, { kind: K }>) : [step])),
  })); // its kind says so
const fieldsIn = (name: string): DatasetDefinition['fields'] => NOW.datasets.find((one) => one.name === name)?.fields ?? [];

function changesTo(next: Definitions, context?: ComparisonContext): readonly string[] {
  return compareDefinitions(NOW, next, context).map(({ kind, place }) => `${kind} ${place}`);
}

describe('compareDefinitions (S19)', () => {
  const cases: readonly [title: string, next: Definitions, ...expected: readonly string[]][] = [
    ['the same', NOW],
    ['a description', withDataset('Order', { description: 'x' }), 'changed Order'],
    ['a new dataset', { ...NOW, datasets: [...NOW.datasets, { ...(NOW.datasets[0] as DatasetDefinition), name: 'New' }] }, 'added New'],
    ['an optional field', withDataset('Order', { fields: [...fieldsIn('Order'), ...fieldsOf({ x: t.int.optional })] }), 'added Order.x'],
    ['a required field', withDataset('Order', { fields: [...fieldsIn('Order'), ...fieldsOf({ x: t.int })] }), 'breaking Order.x'],
    [
      'a required field with a new version',
      withDataset('Order', { version: 2, fields: [...fieldsIn('Order'), ...fieldsOf({ x: t.int })] }),
      'breaking Order', // nothing says what becomes of the records of the version before (S19a)
    ],
    ['a new version that starts empty', withDataset('Order', { version: 2, upgrade: { kind: 'empty' } }), 'changed Order'],
    [
      'a new version with an upgrade',
      withDataset('Order', { version: 2, upgrade: { kind: 'function', function: 'Order#upgrade' } }),
      'needsBackfill Order',
    ],
    [
      'a field taken away',
      withDataset('Order', { fields: fieldsIn('Order').filter(({ name }) => name !== 'order_id') }),
      'breaking Order.order_id',
    ],
    [
      'a field of another type',
      withDataset('Order', {
        fields: fieldsIn('Order').map((one) => (one.name === 'amount' ? { ...one, type: valueTypeOf(t.int) } : one)),
      }),
      'breaking Order.amount',
    ],
    ['another key', withDataset('Order', { keys: ['order_id'] }), 'breaking Order'],
    ['an earlier version', withDataset('Order', { version: 0 }), 'breaking Order'],
    ['an index', withDataset('Order', { index: true }), 'needsBackfill Order'],
    ['publishing', withDataset('Order', { publish: true }), 'breaking Order'],
    ['a history', withDataset('Order', { historyUs: 9e15 }), 'changed Order'],
    ["a source's interval", withSource('Order', { everyUs: 1e6 }), 'changed Order'],
    ["a source's mode", withSource('Order', { cdc: 'upsert' }), 'breaking Order'],
    ["a source's cursor", withSource('Order', { cursor: 'order_id' }), 'breaking Order'],
    ['no source', { ...NOW, sources: NOW.sources.filter((one) => one.dataset !== 'Order') }, 'removed Order'],
    ['no pipeline', { ...NOW, pipelines: NOW.pipelines.slice(1) }, `removed ${NOW.pipelines[0]?.name ?? ''}`],
    ['a filter', withPipeline('UserOrderStats.stats', () => ({ steps: [] })), 'breaking UserOrderStats.stats'],
    [
      'a filter with a new version',
      withPipeline('UserOrderStats.stats', () => ({ steps: [], version: 2 })),
      'needsBackfill UserOrderStats.stats',
    ],
    ['a join with another dataset', withStep('join', (step) => [{ ...step, dataset: 'Many' }]), 'breaking CountryStats.stats'],
    [
      'a join that keeps other rows',
      withStep('join', (step) => [{ ...step, how: step.how === 'left' ? 'inner' : 'left' }]),
      'breaking CountryStats.stats',
    ],
    ['no join', withStep('join', () => []), 'breaking CountryStats.stats'],
    [
      'an assign',
      withStep('assign', (step) => [
        { ...step, columns: step.columns.map((one) => ({ ...one, value: { kind: 'column', name: 'amount' } as const })) },
      ]),
      'breaking CountryStats.stats',
    ],
    [
      'what a transform adds',
      withStep('transform', (step) => [{ ...step, adds: fieldsOf({ country: t.string.optional }) }]),
      'breaking CountryStats.stats',
    ],
    ['a step more', withStep('filter', (step) => [step, step]), 'breaking CountryStats.stats'],
    ['other inputs', withPipeline('CountryStats.stats', () => ({ inputs: ['Order', 'Many'] })), 'breaking CountryStats.stats'],
    ['an earlier version of a pipeline', withPipeline('UserOrderStats.stats', () => ({ version: 0 })), 'breaking UserOrderStats.stats'],
    ['another timestamp', withDataset('Many', { timestamp: 'seen' }), 'breaking Many'],
    [
      'the where of an aggregation',
      aggregated((all) =>
        all.map((one) =>
          one.field === 'total_spend_7d' ? { ...one, where: { kind: 'literal', value: { type: 'bool', value: true } } } : one,
        ),
      ),
      'breaking UserOrderStats.total_spend_7d',
    ],
    [
      'the column of an aggregation',
      aggregated((all) => all.map((one) => (one.field === 'max_order_amount_7d' ? { ...one, of: 'order_id' } : one))),
      'breaking UserOrderStats.max_order_amount_7d',
    ],
    [
      'the rank of a percentile',
      aggregated((all) => all.map((one) => (one.operator === 'percentile' ? { ...one, pct: 99 } : one))),
      'breaking UserOrderStats.p95_amount_30d',
    ],
    [
      'no end of a window',
      aggregated((all) => all.map((one) => (one.field === 'order_count_1h' ? { ...one, windowUs: null } : one))),
      'breaking UserOrderStats.order_count_1h',
    ],
    [
      'other groups',
      withPipeline('UserOrderStats.stats', ({ aggregate }) => ({
        aggregate: { groupBy: ['order_id'], aggregations: aggregate?.aggregations ?? [] },
      })),
      'breaking UserOrderStats.stats',
    ],
    [
      'a window',
      aggregated((all) => all.map((one) => (one.field === 'order_count_1h' ? { ...one, windowUs: 1 } : one))),
      'breaking UserOrderStats.order_count_1h',
    ],
    [
      'an operator',
      aggregated((all) => all.map((one) => (one.field === 'order_count_1h' ? { ...one, operator: 'min', of: 'amount' } : one))),
      'breaking UserOrderStats.order_count_1h',
    ],
    [
      'an aggregation over a column held',
      aggregated((all) => [...all, { field: 'x', operator: 'min', of: 'amount', windowUs: 5 }]),
      'added UserOrderStats.x',
    ],
    [
      'an aggregation over another column',
      aggregated((all) => [...all, { field: 'x', operator: 'last', of: 'order_id', windowUs: 5 }]),
      'added UserOrderStats.x',
      'needsBackfill UserOrderStats.x',
    ],
    [
      'an aggregation under another where',
      aggregated((all) => [
        ...all,
        { field: 'x', operator: 'sum', of: 'amount', windowUs: 5, where: { kind: 'literal', value: { type: 'bool', value: true } } },
      ]),
      'added UserOrderStats.x',
      'needsBackfill UserOrderStats.x',
    ],
    ['an aggregation taken away', aggregated((all) => all.slice(1)), 'removed UserOrderStats.order_count_1h'],
    ['a feature with another type under its id', withFeature('ratio', { type: valueTypeOf(t.int) }), 'breaking FraudSignals.ratio'],
    ['a feature with another name under its id', withFeature('ratio', { name: 'quota' }), 'breaking FraudSignals.quota'],
    ['a feature with a new id', withFeature('ratio', { id: 99 }), 'added FraudSignals.ratio', 'removed FraudSignals.ratio'],
    ['a default', withFeature('country', { default: 'DE' }), 'changed FraudSignals.country'],
    ['another entity', { ...NOW, featuresets: NOW.featuresets.map((one) => ({ ...one, entity: ['ratio'] })) }, 'breaking FraudSignals'],
    ['no featureset', { ...NOW, featuresets: [] }, 'removed FraudSignals'],
  ];
  for (const [title, next, ...expected] of cases) {
    it(title, () => {
      expect(changesTo(next)).to.deep.equal(expected);
    });
  }

  it('keeps the fields of what is published: others have read its rows, and will again (S25)', () => {
    const published = (fields: DatasetDefinition['fields']): Definitions => withDataset('UserOrderStats', { publish: true, fields });
    const fields = fieldsIn('UserOrderStats');
    const [required, optional] = [fieldsOf({ x: t.int }), fieldsOf({ x: t.int.optional })];
    const compared = (next: Definitions): readonly string[] =>
      compareDefinitions(published(fields), next).map(({ kind, place }) => `${kind} ${place}`);
    expect(compared(published(fields.slice(1)))).to.deep.equal([`breaking UserOrderStats.${String(fields[0]?.name)}`]);
    expect(compared(published([...fields, ...required]))).to.deep.equal(['breaking UserOrderStats.x']);
    expect(compared(published([...fields, ...optional]))).to.deep.equal(['added UserOrderStats.x']);
    expect(changesTo(withDataset('UserOrderStats', { fields: [...fields, ...required] })), 'computed anew at each read').to.deep.equal([
      'added UserOrderStats.x',
    ]);
  });

  it('backfills a percentile over a column that has no digests', () => {
    const before = aggregated((all) => all.filter(({ operator }) => operator !== 'percentile'));
    expect(compareDefinitions(before, NOW).map(({ kind }) => kind)).to.deep.equal(['added', 'needsBackfill']);
  });

  it('backfills a new pipeline over a dataset that has been filling (S18)', () => {
    const before = { ...NOW, pipelines: NOW.pipelines.filter(({ name }) => name !== 'UserOrderStats.stats') };
    expect(compareDefinitions(before, NOW).map(({ kind, place }) => `${kind} ${place}`)).to.deep.equal([
      'added UserOrderStats.stats',
      'needsBackfill UserOrderStats.stats',
    ]);
    const nothing: Definitions = { datasets: [], sources: [], pipelines: [], featuresets: [] };
    expect(compareDefinitions(nothing, NOW).every(({ kind }) => kind === 'added')).to.equal(true);
  });

  it('does not mind the order of members, as other clients write them', () => {
    const reordered = JSON.parse(JSON.stringify(NOW), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).reverse()) : value,
    ) as Definitions;
    expect(changesTo(reordered)).to.deep.equal([]);
  });

  it("wants a new version for a transform's code, and none for an extractor's", () => {
    expect(changesTo(NOW, { changedFunctions: new Set(['CountryStats.stats#1', 'FraudSignals.ratio']) })).to.deep.equal([
      'breaking CountryStats.stats',
      'changed FraudSignals.ratio',
    ]);
  });

  it('never gives the id of a feature that is gone to another', () => {
    const retiredFeatures = [{ featureset: 'FraudSignals', id: 99, name: 'old', type: valueTypeOf(t.int) }];
    expect(changesTo(withFeature('ratio', { id: 99 }), { retiredFeatures })).to.include('breaking FraudSignals.ratio');
  });

  it('refuses what is breaking, with the place and what to do', () => {
    expect(() => refuseBreaking(compareDefinitions(NOW, withDataset('Order', { index: true })))).to.not.throw();
    expect(() => refuseBreaking(compareDefinitions(NOW, withDataset('Order', { keys: ['order_id'] }))))
      .to.throw(ThymeError, 'Order: its key was (user_id) and is (order_id): raise the version of Order')
      .with.property('status', 'FAILED_PRECONDITION');
  });
});
