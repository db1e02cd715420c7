import type { Expression, Literal } from '../expression/expression.js';
import { parseDate } from '../schema/calendar-date.js';
import type { ValueType } from '../schema/value-type.js';
import type { Aggregate, PipelineDefinition, Step } from './definitions.js';
import { expressionType, type Schema } from './expression-type.js';
import { type Datasets, datasetSchema, schemaAfter } from './step-schema.js';

/**
 * Gives constants the type of what they stand beside, where JavaScript has one spelling for two
 * types: a whole number beside a float is a float, a text beside a date a date. What does not fit
 * stays as it is, for the check to refuse.
 */
export function coerceLiterals(pipeline: PipelineDefinition, datasets: Datasets): PipelineDefinition {
  let schema = datasetSchema(datasets.get(pipeline.inputs[0] ?? ''));
  const steps: Step[] = [];
  for (const step of pipeline.steps) {
    const coerced = coerceStep(step, schema);
    steps.push(coerced);
    schema = schemaAfter(coerced, schema, datasets);
  }
  return { ...pipeline, steps, ...(pipeline.aggregate === undefined ? {} : { aggregate: coerceAggregate(pipeline.aggregate, schema) }) };
}

function coerceStep(step: Step, schema: Schema): Step {
  switch (step.kind) {
    case 'filter':
      return { ...step, where: coerce(step.where, schema) };
    case 'assign':
      return { ...step, columns: step.columns.map(({ name, value }) => ({ name, value: coerce(value, schema) })) };
    default:
      return step;
  }
}

function coerceAggregate(aggregate: Aggregate, schema: Schema): Aggregate {
  return {
    ...aggregate,
    aggregations: aggregate.aggregations.map((one) => (one.where === undefined ? one : { ...one, where: coerce(one.where, schema) })),
  };
}

function coerce(expression: Expression, schema: Schema): Expression {
  switch (expression.kind) {
    case 'column':
    case 'literal':
      return expression;
    case 'arithmetic':
    case 'comparison': {
      const [left, right] = coercePair(coerce(expression.left, schema), coerce(expression.right, schema), schema);
      return { ...expression, left, right };
    }
    case 'and':
    case 'or':
      return { ...expression, left: coerce(expression.left, schema), right: coerce(expression.right, schema) };
    case 'fillNull': {
      const [operand, fallback] = coercePair(coerce(expression.operand, schema), coerce(expression.fallback, schema), schema);
      return { ...expression, operand, fallback };
    }
    default:
      return { ...expression, operand: coerce(expression.operand, schema) };
  }
}

function coercePair(left: Expression, right: Expression, schema: Schema): readonly [Expression, Expression] {
  return [beside(left, expressionType(right, schema)), beside(right, expressionType(left, schema))];
}

function beside(expression: Expression, type: ValueType | undefined): Expression {
  if (expression.kind !== 'literal' || type === undefined) return expression;
  return { ...expression, value: typed(expression.value, type.kind) };
}

function typed(literal: Literal, kind: ValueType['kind']): Literal {
  if (literal.type === 'int' && kind === 'float') return { type: 'float', value: literal.value };
  if (literal.type !== 'string' || kind !== 'date') return literal;
  const days = parseDate(literal.value);
  return days === undefined ? literal : { type: 'date', value: days }; // the check refuses a text beside a date
}
