import { nearestName, ThymeError } from '../errors/errors.js';
import type { Expression } from '../expression/expression.js';
import { typeOfExpression } from '../expression/type-of.js';
import type { Field, ValueType } from '../schema/value-type.js';
import type { Report } from './problem.js';

/**
 * The columns at a point of a pipeline, in order. Undefined stands for a type that could not be
 * told: the problem was reported there, and what builds on the column is not reported again.
 */
export type Schema = ReadonlyMap<string, ValueType | undefined>;

/** The type of an expression over `schema`; undefined where it has none, which `report` has then been told. */
export function expressionType(expression: Expression, schema: Schema, report: Report = () => undefined): ValueType | undefined {
  if (readsUntold(expression, schema)) return undefined;
  try {
    return typeOfExpression(expression, knownFields(schema), '');
  } catch (error) {
    if (!(error instanceof ThymeError)) throw error;
    const { description = error.message } = error.violations[0] ?? {};
    const end = description.indexOf(': '); // typing says `what is wrong: how to mend it`
    report(end < 0 ? description : description.slice(0, end), end < 0 ? 'use operands of one type' : description.slice(end + 2));
    return undefined;
  }
}

/** The column's type; an unknown name is reported with the nearest one that there is. */
export function columnType(name: string, schema: Schema, report: Report): ValueType | undefined {
  if (!schema.has(name)) {
    const nearest = nearestName(name, schema.keys());
    report(
      `there is no column '${name.slice(0, 128)}'`,
      nearest === undefined ? `use one of ${[...schema.keys()].slice(0, 16).join(', ')}` : `did you mean '${nearest}'?`,
    );
  }
  return schema.get(name);
}

export function knownFields(schema: Schema): readonly Field[] {
  return [...schema].flatMap(([name, type]) => (type === undefined ? [] : [{ name, type }]));
}

/** The parts of an expression. By a list, so that no depth of nesting overflows the stack. */
export function* partsOf(expression: Expression): Generator<Expression> {
  const open: Expression[] = [expression];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    yield part;
    if ('left' in part) open.push(part.left, part.right);
    if ('operand' in part) open.push(part.operand);
    if ('fallback' in part) open.push(part.fallback);
  }
}

function readsUntold(expression: Expression, schema: Schema): boolean {
  for (const part of partsOf(expression)) {
    if (part.kind === 'column' && schema.has(part.name) && schema.get(part.name) === undefined) return true;
  }
  return false;
}
