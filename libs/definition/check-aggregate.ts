import { describeType, type ValueType } from '../schema/value-type.js';
import { checkDuration, fits } from './check-common.js';
import { checkPredicate } from './check-predicate.js';
import type { Aggregate, Aggregation, DatasetDefinition, Operator, PipelineDefinition } from './definitions.js';
import { columnType, type Schema } from './expression-type.js';
import { AGGREGATIONS_MAX, LAST_K_MAX } from './limits.js';
import type { Problems, Report } from './problem.js';

const NUMBERS: ReadonlySet<ValueType['kind']> = new Set<ValueType['kind']>(['int', 'float']);
const ORDERED: ReadonlySet<ValueType['kind']> = new Set<ValueType['kind']>(['int', 'float', 'timestamp', 'date']);

/** The kinds of column that an operator reads; any where it is not here. */
const READS: Partial<Record<Operator, ReadonlySet<ValueType['kind']>>> = {
  sum: NUMBERS,
  avg: NUMBERS,
  percentile: NUMBERS,
  percentRank: NUMBERS,
  min: ORDERED,
  max: ORDERED,
};

/** Operators that need rows, or digests, and not one partial: without a window they reach back over trimmed history (S20). */
const NEEDS_ROWS: ReadonlySet<Operator> = new Set<Operator>(['last', 'lastK', 'percentile', 'percentRank']);

/** Operator names as authors write them. */
const WORDS: Readonly<Record<Operator, string>> = {
  sum: 'Sum',
  count: 'Count',
  avg: 'Avg',
  min: 'Min',
  max: 'Max',
  percentile: 'ApproxPercentile',
  percentRank: 'ApproxPercentile',
  last: 'Last',
  lastK: 'LastK',
};

/** The type that an aggregation gives over a column of type `of` (S5: null over nothing, but for Count, Sum and lists). */
export function aggregationType({ operator, dropNull }: Aggregation, of: ValueType | undefined): ValueType | undefined {
  switch (operator) {
    case 'count':
      return { kind: 'int', optional: false };
    case 'avg':
    case 'percentile':
    case 'percentRank':
      return { kind: 'float', optional: true };
    case 'sum':
      return of && { ...of, optional: false };
    case 'min':
    case 'max':
    case 'last':
      return of && { ...of, optional: true };
    case 'lastK':
      return of && { kind: 'list', of: dropNull === true ? { ...of, optional: false } : of, optional: false };
  }
}

export function checkAggregate(
  pipeline: PipelineDefinition,
  aggregate: Aggregate,
  schema: Schema,
  output: DatasetDefinition,
  problems: Problems,
): void {
  const { aggregations } = aggregate;
  const place = pipeline.name;
  if (aggregations.length > AGGREGATIONS_MAX)
    problems.add(place, `it has ${aggregations.length} aggregations`, `at most ${AGGREGATIONS_MAX} are allowed`);
  checkGroups(place, aggregate, schema, output, problems);
  const filled = new Set<string>();
  for (const aggregation of aggregations) {
    const report = problems.at(`${output.name}.${aggregation.field}`);
    if (filled.has(aggregation.field)) report('two aggregations fill it', 'keep one of them');
    filled.add(aggregation.field);
    checkAggregation(place, aggregation, schema, output, report);
  }
  for (const { name } of output.fields) {
    if (!filled.has(name) && !output.keys.includes(name) && name !== output.timestamp)
      problems.add(`${output.name}.${name}`, `the pipeline '${place}' does not fill it`, 'aggregate it, or take the field away');
  }
}

/** The groups are the output's entities: its key, exactly. */
function checkGroups(place: string, { groupBy }: Aggregate, schema: Schema, output: DatasetDefinition, problems: Problems): void {
  const report = problems.at(place);
  const isKey = groupBy.length === output.keys.length && output.keys.every((key) => groupBy.includes(key));
  if (!isKey)
    report(
      `it groups by ${groupBy.join(', ') || 'nothing'}`,
      `group by exactly the key of ${output.name}: ${output.keys.join(', ') || 'it has none yet'}`,
    );
  for (const name of groupBy) {
    const given = columnType(name, schema, report);
    const key = output.fields.find((field) => field.name === name)?.type;
    if (given === undefined || key === undefined || fits(key, given)) continue;
    const fix = given.optional
      ? 'filter its nulls away and give it a value with assign and .fillNull(...), or by a transform: a group needs a key'
      : 'group by a column of the same type';
    problems.add(`${output.name}.${name}`, `it is declared ${describeType(key)}, but '${place}' groups by ${describeType(given)}`, fix);
  }
}

function checkAggregation(place: string, aggregation: Aggregation, schema: Schema, output: DatasetDefinition, report: Report): void {
  const word = WORDS[aggregation.operator];
  const column = aggregation.of === undefined ? undefined : columnType(aggregation.of, schema, report);
  if (aggregation.of === undefined && aggregation.operator !== 'count') report(`${word} reads no column`, "name it with 'of'");
  const reads = READS[aggregation.operator];
  const isReadable = column === undefined || reads === undefined || reads.has(column.kind);
  if (column !== undefined && !isReadable)
    report(
      `${word} cannot read '${aggregation.of ?? ''}', which is ${describeType(column)}`,
      `it reads ${[...(reads ?? [])].map((kind) => `t.${kind}`).join(', ')}`,
    );
  checkNumbers(aggregation, word, report);
  checkHistory(aggregation, output, report);
  if (aggregation.where !== undefined) checkPredicate(aggregation.where, 'where', schema, report);
  const declared = output.fields.find((field) => field.name === aggregation.field)?.type;
  if (declared === undefined)
    report(`the pipeline '${place}' fills it, but it is not a field of ${output.name}`, 'declare the field, or take the aggregation away');
  else if (output.keys.includes(aggregation.field) || output.timestamp === aggregation.field)
    report('an aggregation fills it, but it is the key or the timestamp', 'choose another field');
  else if (isReadable) reportUnfit(aggregation, word, declared, column, report);
}

function reportUnfit(aggregation: Aggregation, word: string, declared: ValueType, column: ValueType | undefined, report: Report): void {
  const given = aggregationType(aggregation, column);
  if (given === undefined || fits(declared, given)) return;
  const over = column === undefined ? '' : ` of ${describeType(column)}`;
  report(
    `it is declared ${describeType(declared)}, but ${word}${over} gives ${describeType(given)}`,
    `declare it @field(${describeType(given)})`,
  );
}

function checkNumbers({ operator, windowUs, pct, k }: Aggregation, word: string, report: Report): void {
  if (windowUs !== null) checkDuration(windowUs, 'window', report);
  if (operator === 'percentile' && !(pct !== undefined && pct >= 0 && pct <= 100))
    report(`its pct is ${pct === undefined ? 'missing' : String(pct)}`, 'give the percentile, 0 to 100');
  if (operator !== 'percentile' && pct !== undefined) report(`${word} takes no pct here`, 'take it away');
  if (operator === 'lastK' && !(k !== undefined && Number.isInteger(k) && k >= 1 && k <= LAST_K_MAX))
    report(`its k is ${k === undefined ? 'missing' : String(k)}`, `give a whole number from 1 to ${LAST_K_MAX}`);
}

function checkHistory({ operator, windowUs }: Aggregation, { historyUs }: DatasetDefinition, report: Report): void {
  if (historyUs === undefined) return;
  if (windowUs === null && NEEDS_ROWS.has(operator))
    report(
      `${WORDS[operator]} without a window needs all history, and the dataset keeps a part`,
      "give it a window, or take away 'history' (S20)",
    );
  if (windowUs !== null && windowUs > historyUs)
    report('its window is longer than the history kept', 'keep more history, or shorten the window (S20)');
}
