import { expect } from 'chai';
import { checkDefinitions } from '../../libs/definition/check.js';
import type { Aggregation, DatasetDefinition, Definitions, ExtractorDefinition, FeatureDefinition, FeaturesetDefinition, PipelineDefinition, SourceDefinition, Step } from '../../libs/definition/definitions.js';
import type { Expression } from '../../libs/expression/expression.js';
import { type Fields, fieldsOf, t, valueTypeOf } from '../../libs/definition/type-words.js';

// Each case changes one thing of a module that is right, and says where the problem is to be found.

const HOUR_US = 3_600e6;
const where: Expression = { kind: 'comparison', operator: 'gt', left: { kind: 'column', name: 'amount' }, right: { kind: 'literal', value: { type: 'float', value: 0 } } };

function dataset(name: string, fields: Fields, changes: Partial<DatasetDefinition> = {}): DatasetDefinition {
  return { name, version: 1, fields: fieldsOf({ user_id: t.string, ...fields, at: t.timestamp }), keys: ['user_id'], timestamp: 'at', index: false, publish: false, maxFutureUs: 600e6, expectations: [], ...changes };
}

const ORDER_FIELDS = { amount: t.float, items: t.int, status: t.enum('paid', 'open'), note: t.string.optional, price: t.decimal, vip: t.bool, day: t.date };
const order = (changes: Partial<DatasetDefinition> = {}): DatasetDefinition => dataset('Order', ORDER_FIELDS, changes);
const user = (changes: Partial<DatasetDefinition> = {}): DatasetDefinition => dataset('User', { country: t.string.optional }, { index: true, ...changes });
const stats = (changes: Partial<DatasetDefinition> = {}): DatasetDefinition => dataset('Stats', { n: t.int, spend: t.float, top: t.float.optional }, { index: true, ...changes });

const AGGREGATIONS: readonly Aggregation[] = [
  { field: 'n', operator: 'count', windowUs: HOUR_US },
  { field: 'spend', operator: 'sum', of: 'amount', windowUs: HOUR_US, where },
  { field: 'top', operator: 'max', of: 'amount', windowUs: null },
];

function pipeline(changes: Partial<PipelineDefinition> = {}): PipelineDefinition {
  return { name: 'Stats.all', version: 1, output: 'Stats', inputs: ['Order'], steps: [{ kind: 'filter', where }], aggregate: { groupBy: ['user_id'], aggregations: AGGREGATIONS }, ...changes };
}

function feature(name: string, id: number, changes: Partial<FeatureDefinition> = {}): FeatureDefinition {
  return { name, id, type: valueTypeOf(t.int), input: false, ...changes };
}

const ENTITY = feature('user_id', 1, { type: valueTypeOf(t.string) });
const COUNT = feature('n', 2, { ref: { dataset: 'Stats', field: 'n' } });
const extractor = (name: string, inputs: readonly string[], outputs: readonly string[]): ExtractorDefinition => ({ name, inputs, outputs, function: `Signals.${name}` });

function signals(features: readonly FeatureDefinition[], extractors: readonly ExtractorDefinition[] = [], changes: Partial<FeaturesetDefinition> = {}): FeaturesetDefinition {
  return { name: 'Signals', entity: ['user_id'], features: [ENTITY, ...features], extractors, ...changes };
}

const postgres: SourceDefinition = { dataset: 'Order', connector: 'postgres', config: { table: 'orders' }, cursor: 'at', everyUs: 5e6, cdc: 'append' };
const kafka: SourceDefinition = { dataset: 'Order', connector: 'kafka', config: { topic: 'orders' }, cdc: 'debezium' };

const RIGHT: Definitions = { datasets: [order(), user(), stats()], sources: [postgres], pipelines: [pipeline()], featuresets: [signals([COUNT])] };

/** The right module with another Stats, so that one aggregation can be looked at. */
function aggregating(type: Parameters<typeof valueTypeOf>[0], aggregation: Omit<Aggregation, 'field'>, changes: Partial<DatasetDefinition> = {}): Partial<Definitions> {
  const one = dataset('Stats', { x: type as never }, { index: true, ...changes });
  return { datasets: [order(), user(), one], pipelines: [pipeline({ aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'x', ...aggregation }] } })], featuresets: [] };
}

const steps = (...taken: readonly Step[]): Partial<Definitions> => ({ pipelines: [pipeline({ steps: taken })] });
const filter = (predicate: Expression): Partial<Definitions> => steps({ kind: 'filter', where: predicate });
const column = (name: string): Expression => ({ kind: 'column', name });
const text = (value: string): Expression => ({ kind: 'literal', value: { type: 'string', value } });
const eq = (left: Expression, right: Expression): Expression => ({ kind: 'comparison', operator: 'eq', left, right });
const join = (on: readonly string[], name = 'User'): Step => ({ kind: 'join', dataset: name, on, how: 'left' });
const joined = (step: Step, changes: Partial<DatasetDefinition> = {}): Partial<Definitions> => ({ datasets: [order(), user(changes), stats()], pipelines: [pipeline({ inputs: ['Order', 'User'], steps: [step] })] });
const nested = (depth: number): Expression => (depth === 0 ? column('vip') : { kind: 'not', operand: nested(depth - 1) });

type Case = readonly [title: string, change: Partial<Definitions>, place: string, message: string];

const DATASETS: readonly Case[] = [
  ['no key', { datasets: [order({ keys: [] }), user(), stats()] }, 'Order', 'it has no @key'],
  ['a key that is no field', { datasets: [order({ keys: ['who'] }), user(), stats()] }, 'Order.who', 'the key is no field'],
  ['a float key', { datasets: [order({ keys: ['amount'] }), user(), stats()] }, 'Order.amount', 'a key cannot be t.float'],
  ['an optional key', { datasets: [order({ keys: ['note'] }), user(), stats()] }, 'Order.note', 'a key cannot be optional'],
  ['no timestamp', { datasets: [order({ timestamp: '' }), user(), stats()] }, 'Order', 'it has no @timestamp'],
  ['a timestamp of another type', { datasets: [order({ timestamp: 'amount' }), user(), stats()] }, 'Order.amount', 'the timestamp cannot be t.float'],
  ['a field declared twice', { datasets: [order({ fields: [...order().fields, ...fieldsOf({ amount: t.float })] }), user(), stats()] }, 'Order.amount', 'it is declared twice'],
  ['a bad field name', { datasets: [dataset('Order', { ...ORDER_FIELDS, 'a-b': t.int }), user(), stats()] }, 'Order.a-b', 'is no name'],
  ['a name too long', { datasets: [order(), user(), stats(), dataset('D'.repeat(129), {})] }, 'D'.repeat(129), 'is no name'],
  ['two datasets of one name', { datasets: [order(), order(), user(), stats()] }, 'Order', 'two datasets have this name'],
  ['two featuresets of one name', { featuresets: [signals([COUNT]), signals([COUNT])] }, 'Signals', 'two featuresets have this name'],
  ['a bad version', { datasets: [order({ version: 0 }), user(), stats()] }, 'Order', 'its version is 0'],
  ['a bad history', { datasets: [order({ historyUs: Number.NaN }), user(), stats()] }, 'Order', 'its history is no positive duration'],
  ['too many fields', { datasets: [order(), user(), stats(), dataset('Wide', Object.fromEntries(Array.from({ length: 512 }, (_, i) => [`f${i}`, t.int])))] }, 'Wide', 'it has 514 fields'],
  ['an empty enum', { datasets: [order(), user(), stats(), dataset('E', { kind: t.enum() })] }, 'E.kind', 'its enum has 0 values'],
  ['a struct with one name twice', { datasets: [order(), user(), stats(), { ...dataset('E', {}), fields: [...fieldsOf({ user_id: t.string, at: t.timestamp }), { name: 's', type: { kind: 'struct', optional: false, fields: [...fieldsOf({ a: t.int }), ...fieldsOf({ a: t.int })] } }] }] }, 'E.s', 'names a member twice'],
  ['an expectation of no field', { datasets: [order({ expectations: [{ kind: 'notNull', field: 'amuont', mostly: 1 }] }), user(), stats()] }, 'Order.amuont', 'there is no such field'],
  ['an expectation of a text', { datasets: [order({ expectations: [{ kind: 'between', field: 'note', min: 0, mostly: 1 }] }), user(), stats()] }, 'Order.note', 'about numbers'],
  ['an expectation of more than all', { datasets: [order({ expectations: [{ kind: 'notNull', field: 'amount', mostly: 2 }] }), user(), stats()] }, 'Order.amount', 'mostly is 2'],
  ['an expectation the wrong way round', { datasets: [order({ expectations: [{ kind: 'between', field: 'amount', min: 2, max: 1, mostly: 1 }] }), user(), stats()] }, 'Order.amount', 'min above its max'],
];

const SOURCES: readonly Case[] = [
  ['an unknown dataset', { sources: [{ ...kafka, dataset: 'Nope' }] }, 'Nope', 'there is no such dataset'],
  ['an unknown connector', { sources: [{ ...kafka, connector: 'kafak' }] }, 'Order', "no connector is called 'kafak'"],
  ['a cursor on a stream', { sources: [{ ...kafka, cursor: 'at' }] }, 'Order', "'cursor' is for polling"],
  ['every on a stream', { sources: [{ ...kafka, everyUs: 5e6 }] }, 'Order', "'every' is for polling"],
  ['no cursor', { sources: [{ dataset: 'Order', connector: 's3', config: { bucket: 'b' }, everyUs: 5e6, cdc: 'append' }] }, 'Order', "'cursor' is missing"],
  ['no every', { sources: [{ dataset: 'Order', connector: 's3', config: { bucket: 'b' }, cursor: 'at', cdc: 'append' }] }, 'Order', "'every' is missing"],
  ['debezium by polling', { sources: [{ ...postgres, cdc: 'debezium' }] }, 'Order', "cdc 'debezium' comes from a stream"],
  ['an unknown cdc', { sources: [{ ...postgres, cdc: 'merge' as never }] }, 'Order', "cdc is 'merge'"],
  ['a cursor that is no field', { sources: [{ ...postgres, cursor: 'att' }] }, 'Order.att', 'there is no such field'],
  ['a cursor that may be null', { sources: [{ ...postgres, cursor: 'note' }] }, 'Order.note', 'a cursor cannot be t.string.optional'],
  ['a missing parameter', { sources: [{ ...kafka, config: {} }] }, 'Order', "lacks 'topic'"],
  ['a password written out', { sources: [{ ...postgres, config: { table: 'x', password: 'hunter2' } }] }, 'Order', "'password' of its postgres source is written out"],
  ['a secret that is no reference', { sources: [{ ...postgres, config: { table: 'x', password: { secret: 'hunter2' } } }] }, 'Order', 'is no reference to a secret'],
  ['a duration of nothing', { sources: [{ ...postgres, everyUs: 0 }] }, 'Order', "'every' is no positive duration"],
  ['two sources', { sources: [postgres, kafka] }, 'Order', 'it has 2 sources'],
  ['a source on a derived dataset', { sources: [{ ...kafka, dataset: 'Stats' }] }, 'Stats', "a source and the pipeline 'Stats.all'"],
];

const PIPELINES: readonly Case[] = [
  ['an unknown input', { pipelines: [pipeline({ inputs: ['Ordr'] })] }, 'Stats.all', "its input 'Ordr' is no dataset"],
  ['an unknown output', { pipelines: [pipeline({ output: 'Nope' })], featuresets: [] }, 'Stats.all', "fills 'Nope', which is no dataset"],
  ['a version of 0', { pipelines: [pipeline({ version: 0 })] }, 'Stats.all', 'its version is 0'],
  ['two pipelines into one dataset', { pipelines: [pipeline(), pipeline({ name: 'Stats.more' })] }, 'Stats.more', "'Stats.all' fills Stats already"],
  ['a filter of an unknown column', filter(eq(column('amuont'), column('items'))), 'Stats.all, step 1 (filter)', "there is no column 'amuont'"],
  ['a filter that compares two types', filter(eq(column('amount'), text('1'))), 'Stats.all, step 1 (filter)', 'cannot be compared'],
  ['a filter by a value that the enum has not', filter(eq(column('status'), text('payed'))), 'Stats.all, step 1 (filter)', "has no 'payed'"],
  ['a filter that is no predicate', filter(column('amount')), 'Stats.all, step 1 (filter)', 'filter takes a predicate, not t.float'],
  ['an expression too large', filter(nested(1_001)), 'Stats.all, step 1 (filter)', 'more than 1000 parts'],
  ['an expression too deep', filter(nested(300)), 'Stats.all, step 1 (filter)', 'nests deeper than'],
  ['an empty JSON path', filter({ kind: 'isNull', operand: { kind: 'jsonExtract', operand: column('note'), path: [], as: 'int' } }), 'Stats.all, step 1 (filter)', 'empty path'],
  ['arithmetic with a text', steps({ kind: 'assign', columns: [{ name: 'x', value: { kind: 'arithmetic', operator: 'mul', left: column('note'), right: column('items') } }] }), 'Stats.all, step 1 (assign)', 'is not a number'],
  ['an assign to a bad name', steps({ kind: 'assign', columns: [{ name: '1x', value: column('items') }] }), 'Stats.all, step 1 (assign)', "'1x' is no name"],
  ['a transform with a bad name', steps({ kind: 'transform', adds: fieldsOf({ 'x y': t.int }), function: 'f' }), 'Stats.all, step 1 (transform).x y', 'is no name'],
  ['select of an unknown column', steps({ kind: 'select', names: ['user_id', 'amount', 'nope'] }), 'Stats.all, step 1 (select)', "there is no column 'nope'"],
  ['a column that select took away', steps({ kind: 'select', names: ['user_id', 'at'] }), 'Stats.top', "there is no column 'amount'"],
  ['rename of an unknown column', steps({ kind: 'rename', from: 'nope', to: 'x' }), 'Stats.all, step 1 (rename)', "there is no column 'nope'"],
  ['rename to a name that is there', steps({ kind: 'rename', from: 'items', to: 'note' }), 'Stats.all, step 1 (rename)', "there is a column 'note' already"],
  ['a join not on the key', joined(join(['note'])), 'Stats.all, step 1 (join)', "it joins 'User' on note"],
  ['a join without an index', joined(join(['user_id']), { index: false }), 'Stats.all, step 1 (join)', "'User', which is not indexed"],
  ['a join with a key of another type', joined(join(['user_id']), { fields: fieldsOf({ user_id: t.int, at: t.timestamp }) }), 'Stats.all, step 1 (join)', "'user_id' is t.string here and t.int in User"],
  ['a join outside of the inputs', { pipelines: [pipeline({ steps: [join(['user_id'])] })] }, 'Stats.all', "'User', which is not in its inputs"],
  ['a join with no dataset', { pipelines: [pipeline({ inputs: ['Order', 'Usr'], steps: [join(['user_id'], 'Usr')] })] }, 'Stats.all, step 1 (join)', "'Usr', which is no dataset"],
  ['groups that are not the key', { pipelines: [pipeline({ aggregate: { groupBy: ['status'], aggregations: AGGREGATIONS } })] }, 'Stats.all', 'it groups by status'],
  ['groups of another type', { datasets: [order(), user(), stats({ fields: fieldsOf({ user_id: t.int, n: t.int, spend: t.float, top: t.float.optional, at: t.timestamp }) })], featuresets: [] }, 'Stats.user_id', "groups by t.string"],
  ['groups that may be null', { datasets: [order({ fields: fieldsOf({ user_id: t.string, ...ORDER_FIELDS, at: t.timestamp, k: t.string.optional }) }), stats({ keys: ['k'], fields: fieldsOf({ k: t.string, at: t.timestamp }) })], pipelines: [pipeline({ aggregate: { groupBy: ['k'], aggregations: [] } })], featuresets: [] }, 'Stats.k', 'groups by t.string.optional'],
  ['reading a derived dataset that is not published', { datasets: [order(), user(), stats(), dataset('Next', { m: t.int })], pipelines: [pipeline(), pipeline({ name: 'Next.m', output: 'Next', inputs: ['Stats'], steps: [], aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'm', operator: 'count', windowUs: null }] } })] }, 'Next.m', "it reads 'Stats', which a pipeline fills"],
  ['a dataset filled from itself', { pipelines: [pipeline({ inputs: ['Stats'], steps: [], aggregate: { groupBy: ['user_id'], aggregations: [] } })] }, 'Stats', 'it is filled from itself: Stats ← Stats'],
  ['rows without a field', { pipelines: [rows([])] }, 'Stats.n', "the pipeline 'Stats.all' does not fill it"],
  ['rows with a surplus column', { pipelines: [rows([])] }, 'Stats.all', "a column 'vip', which is not a field of Stats"],
  ['rows with another type', { pipelines: [rows([{ kind: 'assign', columns: [{ name: 'n', value: column('amount') }] }])] }, 'Stats.n', 'it is declared t.int, but the pipeline'],
];

function rows(taken: readonly Step[]): PipelineDefinition {
  return { name: 'Stats.all', version: 1, output: 'Stats', inputs: ['Order'], steps: taken };
}

const AGGREGATES: readonly Case[] = [
  ['a count into a float', aggregating(t.float, { operator: 'count', windowUs: null }), 'Stats.x', 'Count gives t.int'],
  ['a float sum into an int', aggregating(t.int, { operator: 'sum', of: 'amount', windowUs: null }), 'Stats.x', 'Sum of t.float gives t.float'],
  ['an int sum into a float', aggregating(t.float, { operator: 'sum', of: 'items', windowUs: null }), 'Stats.x', 'Sum of t.int gives t.int'],
  ['a sum of decimals', aggregating(t.decimal, { operator: 'sum', of: 'price', windowUs: null }), 'Stats.x', "Sum cannot read 'price', which is t.decimal"],
  ['a mean of texts', aggregating(t.float.optional, { operator: 'avg', of: 'note', windowUs: null }), 'Stats.x', "Avg cannot read 'note'"],
  ['a mean that may not be null', aggregating(t.float, { operator: 'avg', of: 'amount', windowUs: null }), 'Stats.x', 'Avg of t.float gives t.float.optional'],
  ['a max of texts', aggregating(t.string.optional, { operator: 'max', of: 'note', windowUs: null }), 'Stats.x', "Max cannot read 'note'"],
  ['a max that may not be null', aggregating(t.float, { operator: 'max', of: 'amount', windowUs: null }), 'Stats.x', 'Max of t.float gives t.float.optional'],
  ['a last of another type', aggregating(t.int.optional, { operator: 'last', of: 'note', windowUs: null }), 'Stats.x', 'Last of t.string.optional gives'],
  ['a list of another type', aggregating(t.list(t.int), { operator: 'lastK', of: 'amount', k: 3, windowUs: null }), 'Stats.x', 'gives t.list(t.float)'],
  ['a list that may hold nulls', aggregating(t.list(t.string), { operator: 'lastK', of: 'note', k: 3, windowUs: null }), 'Stats.x', 'gives t.list(t.string.optional)'],
  ['an unknown column', aggregating(t.float, { operator: 'sum', of: 'amuont', windowUs: null }), 'Stats.x', "there is no column 'amuont'"],
  ['no column', aggregating(t.float, { operator: 'sum', windowUs: null }), 'Stats.x', 'Sum reads no column'],
  ['an unknown column in where', aggregating(t.int, { operator: 'count', windowUs: null, where: eq(column('amuont'), column('items')) }), 'Stats.x', "there is no column 'amuont'"],
  ['a where that is no predicate', aggregating(t.int, { operator: 'count', windowUs: null, where: column('items') }), 'Stats.x', 'where takes a predicate'],
  ['a window of nothing', aggregating(t.int, { operator: 'count', windowUs: 0 }), 'Stats.x', 'its window is no positive duration'],
  ['a window that was no duration', aggregating(t.int, { operator: 'count', windowUs: Number.NaN }), 'Stats.x', 'its window is no positive duration'],
  ['no pct', aggregating(t.float.optional, { operator: 'percentile', of: 'amount', windowUs: HOUR_US }), 'Stats.x', 'its pct is missing'],
  ['a pct beyond 100', aggregating(t.float.optional, { operator: 'percentile', of: 'amount', windowUs: HOUR_US, pct: 101 }), 'Stats.x', 'its pct is 101'],
  ['no k', aggregating(t.list(t.float), { operator: 'lastK', of: 'amount', windowUs: null }), 'Stats.x', 'its k is missing'],
  ['a k of 0', aggregating(t.list(t.float), { operator: 'lastK', of: 'amount', windowUs: null, k: 0 }), 'Stats.x', 'its k is 0'],
  ['a k beyond 1,000', aggregating(t.list(t.float), { operator: 'lastK', of: 'amount', windowUs: null, k: 1_001 }), 'Stats.x', 'its k is 1001'],
  ['an endless last with history', aggregating(t.float.optional, { operator: 'last', of: 'amount', windowUs: null }, { historyUs: 10 * HOUR_US }), 'Stats.x', 'Last without a window needs all history'],
  ['an endless percentile with history', aggregating(t.float.optional, { operator: 'percentile', of: 'amount', windowUs: null, pct: 5 }, { historyUs: 10 * HOUR_US }), 'Stats.x', 'ApproxPercentile without a window'],
  ['a window longer than history', aggregating(t.int, { operator: 'count', windowUs: 11 * HOUR_US }, { historyUs: 10 * HOUR_US }), 'Stats.x', 'longer than the history kept'],
  ['a field that is not filled', { pipelines: [pipeline({ aggregate: { groupBy: ['user_id'], aggregations: AGGREGATIONS.slice(1) } })] }, 'Stats.n', 'does not fill it'],
  ['a field that is filled twice', { pipelines: [pipeline({ aggregate: { groupBy: ['user_id'], aggregations: [...AGGREGATIONS, ...AGGREGATIONS.slice(0, 1)] } })] }, 'Stats.n', 'two aggregations fill it'],
  ['what is no field', { pipelines: [pipeline({ aggregate: { groupBy: ['user_id'], aggregations: [...AGGREGATIONS, { field: 'm', operator: 'count', windowUs: null }] } })] }, 'Stats.m', 'it is not a field of Stats'],
  ['the timestamp', { pipelines: [pipeline({ aggregate: { groupBy: ['user_id'], aggregations: [...AGGREGATIONS, { field: 'at', operator: 'count', windowUs: null }] } })] }, 'Stats.at', 'it is the key or the timestamp'],
];

const other = (features: readonly FeatureDefinition[], changes: Partial<FeaturesetDefinition> = {}): FeaturesetDefinition => ({ name: 'Other', entity: ['user_id'], features: [ENTITY, ...features], extractors: [], ...changes });
const FROM = feature('m', 3, { from: { featureset: 'Other', feature: 'n' } });

const FEATURESETS: readonly Case[] = [
  ['one id twice', { featuresets: [signals([COUNT, { ...COUNT, name: 'n2' }])] }, 'Signals.n2', "its id 2 is that of 'n' too"],
  ['an id of 0', { featuresets: [signals([{ ...COUNT, id: 0 }])] }, 'Signals.n', 'its id is 0'],
  ['a feature twice', { featuresets: [signals([COUNT, { ...COUNT, id: 3 }])] }, 'Signals.n', 'it is declared twice'],
  ['a feature named entity_id', { featuresets: [signals([{ ...COUNT, name: 'entity_id' }])] }, 'Signals.entity_id', 'is a column of every answer'],
  ['a feature named timestamp', { featuresets: [signals([{ ...COUNT, name: 'timestamp' }])] }, 'Signals.timestamp', 'is a column of every answer'],
  ['an entity that is no feature', { featuresets: [signals([COUNT], [], { entity: ['usr_id'] })] }, 'Signals.usr_id', 'it is the entity, but there is no such feature'],
  ['no entity', { featuresets: [signals([], [], { entity: [] })] }, 'Signals', 'its entity is empty'],
  ['a float entity', { featuresets: [{ ...signals([]), features: [{ ...ENTITY, type: valueTypeOf(t.float) }] }] }, 'Signals.user_id', 'the entity cannot be t.float'],
  ['an entity that is an input', { featuresets: [{ ...signals([]), features: [{ ...ENTITY, input: true }] }] }, 'Signals.user_id', 'it is the entity, which every query brings'],
  ['a feature without producer', { featuresets: [signals([feature('m', 3)])] }, 'Signals.m', 'nothing produces it'],
  ['a ref to no dataset', { featuresets: [signals([{ ...COUNT, ref: { dataset: 'Stat', field: 'n' } }])] }, 'Signals.n', "'Stat', which is no dataset"],
  ['a ref to no field', { featuresets: [signals([{ ...COUNT, ref: { dataset: 'Stats', field: 'nn' } }])] }, 'Signals.n', "'Stats.nn', which is no field"],
  ['a ref without an index', { datasets: [order(), user(), stats({ index: false })] }, 'Signals.n', "'Stats', which is not indexed"],
  ['a ref of another type', { featuresets: [signals([{ ...COUNT, ref: { dataset: 'Stats', field: 'spend' } }])] }, 'Signals.n', 'it is declared t.int, but Stats.spend is t.float'],
  ['a nullable ref without default', { featuresets: [signals([{ ...COUNT, type: valueTypeOf(t.float), ref: { dataset: 'Stats', field: 'top' } }])] }, 'Signals.n', 'Stats.top may be null, and there is no default'],
  ['a ref to a raw dataset without default', { featuresets: [signals([{ ...COUNT, type: valueTypeOf(t.string), ref: { dataset: 'User', field: 'user_id' } }])] }, 'Signals.n', 'User.user_id may be null'],
  ['a ref by another entity', { featuresets: [{ ...signals([COUNT]), features: [{ ...ENTITY, type: valueTypeOf(t.int) }, COUNT] }] }, 'Signals.n', 'Stats has the key (user_id: t.string), and Signals the entity (user_id: t.int)'],
  ['both ref and input', { featuresets: [signals([{ ...COUNT, input: true }])] }, 'Signals.n', 'more than one of @input, ref and from'],
  ['two producers', { featuresets: [signals([feature('m', 3)], [extractor('a', ['user_id'], ['m']), extractor('b', ['user_id'], ['m'])])] }, 'Signals.m', "the extractors 'a' and 'b' both produce it"],
  ['an extractor of a ref', { featuresets: [signals([COUNT], [extractor('a', ['user_id'], ['n'])])] }, 'Signals.n', "it has a ref, and the extractor 'a' produces it too"],
  ['an extractor of the entity', { featuresets: [signals([COUNT], [extractor('a', ['n'], ['user_id'])])] }, 'Signals.user_id', 'it is the entity, and the extractor'],
  ['an extractor with an unknown input', { featuresets: [signals([feature('m', 3)], [extractor('a', ['usr_id'], ['m'])])] }, 'Signals.a', "its inputs name 'usr_id'"],
  ['an extractor with an unknown output', { featuresets: [signals([COUNT], [extractor('a', ['n'], ['q'])])] }, 'Signals.a', "its outputs name 'q'"],
  ['an extractor without outputs', { featuresets: [signals([COUNT], [extractor('a', ['n'], [])])] }, 'Signals.a', 'it has no outputs'],
  ['two extractors of one name', { featuresets: [signals([feature('m', 3), feature('o', 4)], [extractor('a', ['user_id'], ['m']), extractor('a', ['user_id'], ['o'])])] }, 'Signals.a', 'two extractors have this name'],
  ['a cycle', { featuresets: [signals([feature('a', 3), feature('b', 4)], [extractor('x', ['a'], ['b']), extractor('y', ['b'], ['a'])])] }, 'Signals.a', 'it needs itself: Signals.a ← Signals.b ← Signals.a'],
  ['a cycle over featuresets', { featuresets: [signals([feature('m', 3, { from: { featureset: 'Other', feature: 'm' } })]), other([feature('m', 3, { from: { featureset: 'Signals', feature: 'm' } })])] }, 'Signals.m', 'it needs itself'],
  ['a from of no featureset', { featuresets: [signals([{ ...FROM, from: { featureset: 'Othr', feature: 'n' } }])] }, 'Signals.m', "'Othr', which is no featureset"],
  ['a from of no feature', { featuresets: [signals([FROM]), other([])] }, 'Signals.m', "'Other.n', which is no feature"],
  ['a from of another type', { featuresets: [signals([FROM]), other([{ ...COUNT, type: valueTypeOf(t.float), ref: { dataset: 'Stats', field: 'spend' } }])] }, 'Signals.m', 'it is declared t.int, but Other.n is t.float'],
  ['a nullable from without default', { featuresets: [signals([FROM]), other([{ ...COUNT, type: valueTypeOf(t.int.optional) }])] }, 'Signals.m', 'Other.n may be null'],
  ['a from that needs an input', { featuresets: [signals([FROM]), other([feature('n', 2), feature('sent', 3, { input: true })], { extractors: [extractor('x', ['sent'], ['n'])] })] }, 'Signals.m', "needs the input 'Other.sent'"],
  ['a from by another entity', { featuresets: [signals([FROM]), { ...other([COUNT]), entity: ['user_id', 'n'] }] }, 'Signals.m', 'Other has the key (user_id: t.string, n: t.int)'],
];

describe('checkDefinitions', () => {
  it('finds nothing in a module that is right', () => {
    expect(checkDefinitions(RIGHT)).to.deep.equal([]);
    expect(checkDefinitions({ ...RIGHT, sources: [kafka] })).to.deep.equal([]);
    expect(checkDefinitions({ ...RIGHT, ...joined(join(['user_id'])) })).to.deep.equal([]);
    expect(checkDefinitions({ ...RIGHT, featuresets: [signals([FROM]), other([COUNT])] })).to.deep.equal([]);
  });

  for (const [group, cases] of Object.entries({ datasets: DATASETS, sources: SOURCES, pipelines: PIPELINES, aggregates: AGGREGATES, featuresets: FEATURESETS })) {
    describe(group, () => {
      for (const [title, change, place, message] of cases) {
        it(`refuses ${title}`, () => {
          const problems = checkDefinitions({ ...RIGHT, ...change });
          const found = problems.filter((problem) => problem.place === place && problem.message.includes(message));
          expect(found, `${place}: ${message}\nin ${problems.map((problem) => `${problem.place}: ${problem.message}`).join('\n')}`).to.have.lengthOf(1);
          expect(found[0]?.fix).to.not.equal('');
        });
      }
    });
  }

  it('reports what builds on a problem once', () => {
    const broken = steps(
      { kind: 'assign', columns: [{ name: 'x', value: column('nope') }] },
      { kind: 'filter', where: eq(column('x'), column('x')) },
      { kind: 'filter', where: eq(column('note'), column('items')) },
    );
    expect(checkDefinitions({ ...RIGHT, ...broken }).map(({ place }) => place)).to.deep.equal(['Stats.all, step 1 (assign)', 'Stats.all, step 3 (filter)']);
  });
});
