import fc from 'fast-check';
import type {
  Aggregation,
  ConfigValue,
  DatasetDefinition,
  Definitions,
  Expectation,
  FeatureDefinition,
  FeaturesetDefinition,
  Metadata,
  PipelineDefinition,
  SourceDefinition,
  Step,
} from '../../libs/definition/definitions.js';
import type { CarryOver, Measure, Revision, TimelineIdentity } from '../../libs/definition/revision.js';
import type { Expression, Literal } from '../../libs/expression/expression.js';
import type { Field, Value, ValueType } from '../../libs/schema/value-type.js';

// Definitions of every shape that the types allow, sensible or not: the wire does not judge.
// What proto3 cannot tell from absent (an empty text or list, false) is generated as absent.

const name = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'x', 'amount'), fc.string({ minLength: 1, maxLength: 8 }));
const names = fc.uniqueArray(name, { maxLength: 3 });
const safe = fc.maxSafeInteger();
const count = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const float = fc.double({ noNaN: true, noDefaultInfinity: true });
const share = fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0);

/** Only the members that are there, as `exactOptionalPropertyTypes` has it. */
function some<T extends object>(members: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }, required: (keyof T)[]): fc.Arbitrary<T> {
  return fc.record(members, { requiredKeys: required, noNullPrototype: true });
}

export const valueTypes: fc.Arbitrary<ValueType> = fc.letrec<{ type: ValueType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.record({ kind: fc.constantFrom('string', 'int', 'float', 'bool', 'bytes', 'timestamp', 'date', 'decimal'), optional: fc.boolean() }),
    fc.record({ kind: fc.constant('enum'), values: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }), optional: fc.boolean() }),
    fc.record({ kind: fc.constant('list'), of: tie('type'), optional: fc.boolean() }),
    fc.record({ kind: fc.constant('struct'), fields: fieldsOf(tie('type')), optional: fc.boolean() }),
  ),
})).type;

function fieldsOf(type: fc.Arbitrary<ValueType>): fc.Arbitrary<Field[]> {
  return fc.uniqueArray(fc.record({ name, type }), { maxLength: 3, selector: (field) => field.name });
}

/** A value that fits the type, as the engine holds it. */
export function valuesOf(type: ValueType): fc.Arbitrary<Value> {
  const required = requiredValuesOf(type);
  return type.optional ? fc.option(required) : required;
}

function requiredValuesOf(type: ValueType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'string':
      return fc.string({ unit: 'grapheme' });
    case 'int':
    case 'timestamp':
      return safe;
    case 'float':
      return float;
    case 'bool':
      return fc.boolean();
    case 'bytes':
      return fc.uint8Array({ maxLength: 8 });
    case 'date':
      return fc.integer({ min: -719_528, max: 2_932_896 });
    case 'decimal':
      return fc.integer().map(String);
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'list':
      return fc.array(valuesOf(type.of), { maxLength: 3 });
    case 'struct':
      return fc.tuple(...type.fields.map((field) => valuesOf(field.type)));
  }
}

const literals: fc.Arbitrary<Literal> = fc.oneof(
  fc.record({ type: fc.constantFrom('string' as const, 'decimal' as const), value: fc.string() }),
  fc.record({ type: fc.constantFrom('int' as const, 'timestamp' as const), value: safe }),
  fc.record({ type: fc.constant('date' as const), value: fc.integer() }),
  fc.record({ type: fc.constant('float' as const), value: float }),
  fc.record({ type: fc.constant('bool' as const), value: fc.boolean() }),
);

export const expressions: fc.Arbitrary<Expression> = fc.letrec<{ node: Expression }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ kind: fc.constant('column'), name }),
    fc.record({ kind: fc.constant('literal'), value: literals }),
    fc.record({
      kind: fc.constant('arithmetic'),
      operator: fc.constantFrom('add', 'sub', 'mul', 'div'),
      left: tie('node'),
      right: tie('node'),
    }),
    fc.record({
      kind: fc.constant('comparison'),
      operator: fc.constantFrom('eq', 'ne', 'lt', 'lte', 'gt', 'gte'),
      left: tie('node'),
      right: tie('node'),
    }),
    fc.record({ kind: fc.constantFrom('and', 'or'), left: tie('node'), right: tie('node') }),
    fc.record({ kind: fc.constantFrom('not', 'isNull'), operand: tie('node') }),
    fc.record({ kind: fc.constant('fillNull'), operand: tie('node'), fallback: tie('node') }),
    fc.record({
      kind: fc.constant('jsonExtract'),
      operand: tie('node'),
      path: names,
      as: fc.constantFrom('string', 'int', 'float', 'bool'),
    }),
  ),
})).node;

const metadata = {
  description: fc.string({ minLength: 1 }),
  owner: fc.string({ minLength: 1 }),
  tags: fc.array(fc.string(), { minLength: 1, maxLength: 2 }),
  deprecated: fc.constant(true),
} satisfies { [K in keyof Metadata]: fc.Arbitrary<Metadata[K]> };

const expectations: fc.Arbitrary<Expectation> = fc.oneof(
  some<Expectation & { kind: 'between' }>({ kind: fc.constant('between'), field: name, min: float, max: float, mostly: share }, [
    'kind',
    'field',
    'mostly',
  ]),
  fc.record({ kind: fc.constant('notNull' as const), field: name, mostly: share }),
);

const datasets = some<DatasetDefinition>(
  {
    name,
    version: count,
    fields: fieldsOf(valueTypes),
    keys: names,
    timestamp: name,
    index: fc.boolean(),
    publish: fc.boolean(),
    historyUs: safe,
    maxLatenessUs: safe,
    maxFutureUs: safe,
    expectations: fc.array(expectations, { maxLength: 2 }),
    cdc: fc.record({ mode: fc.constantFrom('upsert', 'debezium'), rowKey: names }),
    upgrade: fc.oneof(
      fc.record({ kind: fc.constant('empty' as const) }),
      fc.record({ kind: fc.constant('function' as const), function: name }),
    ),
    ...metadata,
  },
  ['name', 'version', 'fields', 'keys', 'timestamp', 'index', 'publish', 'maxFutureUs', 'expectations'],
);

const configs: fc.Arbitrary<ConfigValue> = fc.oneof(fc.string(), float, fc.boolean(), fc.record({ secret: fc.string() }));

const sources = some<SourceDefinition>(
  {
    dataset: name,
    connector: name,
    config: fc.dictionary(name, configs, { maxKeys: 3, noNullPrototype: true }),
    cursor: name,
    everyUs: safe,
    maxLatenessUs: safe,
    maxFutureUs: safe,
    cdc: fc.constantFrom('append', 'upsert', 'debezium'),
  },
  ['dataset', 'connector', 'config', 'cdc'],
);

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('filter' as const), where: expressions }),
  fc.record({ kind: fc.constant('assign' as const), columns: fc.array(fc.record({ name, value: expressions }), { maxLength: 2 }) }),
  fc.record({ kind: fc.constant('transform' as const), adds: fieldsOf(valueTypes), function: name }),
  fc.record({ kind: fc.constant('select' as const), names }),
  fc.record({ kind: fc.constant('rename' as const), from: name, to: name }),
  fc.record({ kind: fc.constant('join' as const), dataset: name, on: names, how: fc.constantFrom('left' as const, 'inner' as const) }),
);

const aggregations: fc.Arbitrary<Aggregation> = fc
  .constantFrom<Aggregation['operator'][]>('sum', 'count', 'avg', 'min', 'max', 'percentile', 'percentRank', 'last', 'lastK')
  .chain((operator) =>
    some<Aggregation>(
      {
        field: name,
        operator: fc.constant(operator),
        of: name,
        windowUs: fc.option(safe),
        where: expressions,
        ...(operator === 'percentile' ? { pct: share } : {}),
        k: count,
        dedup: fc.constant(true),
        dropNull: fc.constant(true),
      },
      operator === 'percentile' ? ['field', 'operator', 'windowUs', 'pct'] : ['field', 'operator', 'windowUs'],
    ),
  );

const pipelines = some<PipelineDefinition>(
  {
    name,
    version: count,
    output: name,
    inputs: names,
    steps: fc.array(steps, { maxLength: 3 }),
    aggregate: fc.record({ groupBy: names, aggregations: fc.array(aggregations, { maxLength: 3 }) }),
    ...metadata,
  },
  ['name', 'version', 'output', 'inputs', 'steps'],
);

const features: fc.Arbitrary<FeatureDefinition> = valueTypes.chain((type) =>
  some<FeatureDefinition>(
    {
      name,
      id: count,
      type: fc.constant(type),
      input: fc.boolean(),
      ref: fc.record({ dataset: name, field: name }),
      from: fc.record({ featureset: name, feature: name }),
      default: valuesOf(type),
      ...metadata,
    },
    ['name', 'id', 'type', 'input'],
  ),
);

const featuresets = some<FeaturesetDefinition>(
  {
    name,
    entity: names,
    features: fc.array(features, { maxLength: 3 }),
    extractors: fc.array(fc.record({ name, inputs: names, outputs: names, function: name }), { maxLength: 2 }),
    ...metadata,
  },
  ['name', 'entity', 'features', 'extractors'],
);

export const definitions: fc.Arbitrary<Definitions> = fc.record({
  datasets: fc.array(datasets, { maxLength: 2 }),
  sources: fc.array(sources, { maxLength: 2 }),
  pipelines: fc.array(pipelines, { maxLength: 2 }),
  featuresets: fc.array(featuresets, { maxLength: 2 }),
});

const measures = some<Measure>({ of: name, where: expressions, digest: fc.boolean(), type: valueTypes }, ['digest', 'type']);

const carryOvers: fc.Arbitrary<CarryOver> = fc.record({ id: fc.nat(), from: datasets, toVersion: count, revision: fc.nat() });

export const revisions = some<Revision>(
  {
    carryOvers: fc.array(carryOvers, { minLength: 1, maxLength: 2 }),
    number: fc.nat(),
    createdUs: safe,
    definitions,
    bundle: fc.record({ sha256: fc.string(), code: fc.string() }),
    timelines: fc.array(
      some<TimelineIdentity>(
        {
          name,
          version: count,
          id: fc.nat(),
          measures: fc.array(measures, { maxLength: 2 }),
          inputs: fc.array(name, { minLength: 1 }),
          output: name,
        },
        ['name', 'version', 'id', 'measures'],
      ),
      { maxLength: 2 },
    ),
  },
  ['number', 'createdUs', 'definitions', 'bundle', 'timelines'],
);
