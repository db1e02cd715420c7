import { expect } from 'chai';
import { checkDefinitions } from '../../libs/definition/check.js';
import type {
  Aggregation,
  DatasetDefinition,
  Definitions,
  ExtractorDefinition,
  FeatureDefinition,
  FeaturesetDefinition,
  PipelineDefinition,
  SourceDefinition,
  Step,
} from '../../libs/definition/definitions.js';
import type { Expression } from '../../libs/expression/expression.js';
import { type Fields, fieldsOf, t, valueTypeOf } from '../../libs/definition/type-words.js';

// Each case changes one thing of a module that is right, and says where the problem is to be found.

export const HOUR_US = 3_600e6;
export const where: Expression = {
  kind: 'comparison',
  operator: 'gt',
  left: { kind: 'column', name: 'amount' },
  right: { kind: 'literal', value: { type: 'float', value: 0 } },
};

export function dataset(name: string, fields: Fields, changes: Partial<DatasetDefinition> = {}): DatasetDefinition {
  return {
    name,
    version: 1,
    fields: fieldsOf({ user_id: t.string, ...fields, at: t.timestamp }),
    keys: ['user_id'],
    timestamp: 'at',
    index: false,
    publish: false,
    maxFutureUs: 600e6,
    expectations: [],
    ...changes,
  };
}

export const ORDER_FIELDS = {
  amount: t.float,
  items: t.int,
  status: t.enum('paid', 'open'),
  note: t.string.optional,
  price: t.decimal,
  vip: t.bool,
  day: t.date,
};
export const order = (changes: Partial<DatasetDefinition> = {}): DatasetDefinition => dataset('Order', ORDER_FIELDS, changes);
export const user = (changes: Partial<DatasetDefinition> = {}): DatasetDefinition =>
  dataset('User', { country: t.string.optional }, { index: true, ...changes });
export const stats = (changes: Partial<DatasetDefinition> = {}): DatasetDefinition =>
  dataset('Stats', { n: t.int, spend: t.float, top: t.float.optional }, { index: true, ...changes });

export const AGGREGATIONS: readonly Aggregation[] = [
  { field: 'n', operator: 'count', windowUs: HOUR_US },
  { field: 'spend', operator: 'sum', of: 'amount', windowUs: HOUR_US, where },
  { field: 'top', operator: 'max', of: 'amount', windowUs: null },
];

export function pipeline(changes: Partial<PipelineDefinition> = {}): PipelineDefinition {
  return {
    name: 'Stats.all',
    version: 1,
    output: 'Stats',
    inputs: ['Order'],
    steps: [{ kind: 'filter', where }],
    aggregate: { groupBy: ['user_id'], aggregations: AGGREGATIONS },
    ...changes,
  };
}

export function feature(name: string, id: number, changes: Partial<FeatureDefinition> = {}): FeatureDefinition {
  return { name, id, type: valueTypeOf(t.int), input: false, ...changes };
}

export const ENTITY = feature('user_id', 1, { type: valueTypeOf(t.string) });
export const COUNT = feature('n', 2, { ref: { dataset: 'Stats', field: 'n' } });
export const extractor = (name: string, inputs: readonly string[], outputs: readonly string[]): ExtractorDefinition => ({
  name,
  inputs,
  outputs,
  function: `Signals.${name}`,
});

export function signals(
  features: readonly FeatureDefinition[],
  extractors: readonly ExtractorDefinition[] = [],
  changes: Partial<FeaturesetDefinition> = {},
): FeaturesetDefinition {
  return { name: 'Signals', entity: ['user_id'], features: [ENTITY, ...features], extractors, ...changes };
}

export const postgres: SourceDefinition = {
  dataset: 'Order',
  connector: 'postgres',
  config: { table: 'orders' },
  cursor: 'at',
  everyUs: 5e6,
  cdc: 'append',
};
export const kafka: SourceDefinition = { dataset: 'Order', connector: 'kafka', config: { topic: 'orders' }, cdc: 'debezium' };

export const RIGHT: Definitions = {
  datasets: [order(), user(), stats()],
  sources: [postgres],
  pipelines: [pipeline()],
  featuresets: [signals([COUNT])],
};

/** The right module with another Stats, so that one aggregation can be looked at. */
export function aggregating(
  type: Parameters<typeof valueTypeOf>[0],
  aggregation: Omit<Aggregation, 'field'>,
  changes: Partial<DatasetDefinition> = {},
): Partial<Definitions> {
  const one = dataset('Stats', { x: type as never }, { index: true, ...changes });
  return {
    datasets: [order(), user(), one],
    pipelines: [pipeline({ aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'x', ...aggregation }] } })],
    featuresets: [],
  };
}

export const steps = (...taken: readonly Step[]): Partial<Definitions> => ({ pipelines: [pipeline({ steps: taken })] });
export const filter = (predicate: Expression): Partial<Definitions> => steps({ kind: 'filter', where: predicate });
export const column = (name: string): Expression => ({ kind: 'column', name });
export const text = (value: string): Expression => ({ kind: 'literal', value: { type: 'string', value } });
export const eq = (left: Expression, right: Expression): Expression => ({ kind: 'comparison', operator: 'eq', left, right });
export const join = (on: readonly string[], name = 'User'): Step => ({ kind: 'join', dataset: name, on, how: 'left' });
export const joined = (step: Step, changes: Partial<DatasetDefinition> = {}): Partial<Definitions> => ({
  datasets: [order(), user(changes), stats()],
  pipelines: [pipeline({ inputs: ['Order', 'User'], steps: [step] })],
});
export const nested = (depth: number): Expression => (depth === 0 ? column('vip') : { kind: 'not', operand: nested(depth - 1) });

export type Case = readonly [title: string, change: Partial<Definitions>, place: string, message: string];
export const other = (features: readonly FeatureDefinition[], changes: Partial<FeaturesetDefinition> = {}): FeaturesetDefinition => ({
  name: 'Other',
  entity: ['user_id'],
  features: [ENTITY, ...features],
  extractors: [],
  ...changes,
});
export const FROM = feature('m', 3, { from: { featureset: 'Other', feature: 'n' } });

/** For each case, a test that the one change is refused once, at its place and with a fix. */
export function refusesEach(cases: readonly Case[]): void {
  for (const [title, change, place, message] of cases) {
    it(`refuses ${title}`, () => {
      const problems = checkDefinitions({ ...RIGHT, ...change });
      const found = problems.filter((problem) => problem.place === place && problem.message.includes(message));
      expect(
        found,
        `${place}: ${message}\nin ${problems.map((problem) => `${problem.place}: ${problem.message}`).join('\n')}`,
      ).to.have.lengthOf(1);
      expect(found[0]?.fix).to.not.equal('');
    });
  }
}
