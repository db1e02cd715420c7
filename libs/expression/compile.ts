// Expressions as closures over a row's values: columns are indices, constants are made once.
//
// Null is "unknown" (S6), in three-valued logic: whatever is computed from null is null; `and` is
// false if either side is, `or` true if either is, whatever the other; a filter keeps only what is true.
// Division by zero is null: the share of nothing is unknown, and one such row must not stop a pipeline.
// An int that leaves the safe range and a float that overflows throw OUT_OF_RANGE (S8): that record
// goes to the dead letters (S23), never a wrong number.

import assert from 'node:assert';
import { invalidArgument, ThymeError } from '../errors/errors.js';
import { compareText } from '../schema/compare-text.js';
import { canonicalDecimal, compareDecimals } from '../schema/decimal.js';
import { describeType, type Field, type Row, type Value, type ValueType } from '../schema/value-type.js';
import type { ArithmeticOperator, ComparisonOperator, Evaluate, Expression, Literal } from './expression.js';
import { compileJsonExtract } from './json-extract.js';
import { familyOf, typesWithin, type TypeOf } from './type-of.js';

export { typeOfExpression } from './type-of.js';

export interface CompiledExpression {
  readonly type: ValueType;
  readonly evaluate: Evaluate;
}

/** Compiles an expression over rows with these fields; `place` names it in errors, here and at evaluation. */
export function compileExpression(expression: Expression, fields: readonly Field[], place = 'expression'): CompiledExpression {
  const types = typesWithin(expression, fields, place);
  const indexOf = new Map(fields.map((field, i) => [field.name, i]));
  return { type: typeIn(types, expression), evaluate: compile(expression, { types, indexOf, place }) };
}

/** Compiles a condition; unknown is not true (S6). */
export function compilePredicate(expression: Expression, fields: readonly Field[], place = 'expression'): (row: Row) => boolean {
  const { type, evaluate } = compileExpression(expression, fields, place);
  if (type.kind !== 'bool')
    throw invalidArgument(place, `it gives ${describeType(type)}, and a condition is needed: compare it with something`);
  return (row) => evaluate(row) === true;
}

interface Scope {
  readonly types: TypeOf;
  readonly indexOf: ReadonlyMap<string, number>;
  readonly place: string;
}

function compile(node: Expression, scope: Scope): Evaluate {
  switch (node.kind) {
    case 'column':
      return compileColumn(node.name, scope);
    case 'literal': {
      const value = literalValue(node.value);
      return () => value;
    }
    case 'arithmetic': {
      const isInt = typeIn(scope.types, node).kind === 'int';
      return compileArithmetic(
        node.operator,
        compile(node.left, scope),
        compile(node.right, scope),
        isInt ? checkedInt(scope.place) : checkedFloat(scope.place),
      );
    }
    case 'comparison':
      return compileComparison(
        node.operator,
        compile(node.left, scope),
        compile(node.right, scope),
        familyOf(typeIn(scope.types, node.left)),
      );
    case 'and':
      return compileAnd(compile(node.left, scope), compile(node.right, scope));
    case 'or':
      return compileOr(compile(node.left, scope), compile(node.right, scope));
    case 'not':
      return compileNot(compile(node.operand, scope));
    case 'isNull': {
      const operand = compile(node.operand, scope);
      return (row) => operand(row) === null;
    }
    case 'fillNull': {
      const [operand, fallback] = [compile(node.operand, scope), compile(node.fallback, scope)];
      return (row) => operand(row) ?? fallback(row);
    }
    case 'jsonExtract':
      return compileJsonExtract(compile(node.operand, scope), node.path, node.as);
  }
}

function typeIn(types: TypeOf, node: Expression): ValueType {
  const type = types.get(node);
  assert(type !== undefined);
  return type;
}

function compileColumn(name: string, scope: Scope): Evaluate {
  const index = scope.indexOf.get(name);
  assert(index !== undefined); // typing has refused unknown columns
  return (row) => row[index] ?? null;
}

function literalValue(literal: Literal): Value {
  if (literal.type === 'decimal') return canonicalDecimal(String(literal.value)) ?? null;
  return typeof literal.value === 'number' ? literal.value + 0 : literal.value;
}

function compileArithmetic(operator: ArithmeticOperator, left: Evaluate, right: Evaluate, checked: (result: number) => number): Evaluate {
  const apply = ARITHMETIC[operator];
  return (row) => {
    const a = left(row);
    if (typeof a !== 'number') return null;
    const b = right(row);
    if (typeof b !== 'number' || (b === 0 && operator === 'div')) return null;
    return checked(apply(a, b));
  };
}

const ARITHMETIC: Readonly<Record<ArithmeticOperator, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

/** `+ 0` makes 0 of −0, as readers do. A product past 2^53 is rounded, but never back into the safe range. */
function checkedInt(place: string): (result: number) => number {
  return (result) => {
    if (!Number.isSafeInteger(result))
      throw outOfRange(place, 'an int leaves the range of ±(2^53 - 1): use floats, or filter such records');
    return result + 0;
  };
}

function checkedFloat(place: string): (result: number) => number {
  return (result) => {
    if (!Number.isFinite(result)) throw outOfRange(place, 'a float overflows: filter such records');
    return result + 0;
  };
}

function outOfRange(place: string, message: string): ThymeError {
  return new ThymeError('THYME_OUT_OF_RANGE', 'OUT_OF_RANGE', `${place}: ${message}`, [{ field: place, description: message }]);
}

type Holds = (a: Value, b: Value) => boolean;

function compileComparison(operator: ComparisonOperator, left: Evaluate, right: Evaluate, family: string): Evaluate {
  const holds = comparer(operator, family);
  return (row) => {
    const a = left(row);
    if (a === null) return null;
    const b = right(row);
    return b === null ? null : holds(a, b);
  };
}

function comparer(operator: ComparisonOperator, family: string): Holds {
  // Equal values are identical: texts are well-formed, decimals canonical, and there is no −0.
  if (operator === 'eq') return (a, b) => a === b;
  if (operator === 'ne') return (a, b) => a !== b;
  if (family === 'string') return ordered(operator, compareText);
  if (family === 'decimal') return ordered(operator, compareDecimals);
  return NUMBER_ORDER[operator];
}

type OrderOperator = Exclude<ComparisonOperator, 'eq' | 'ne'>;

// Typing has made both operands numbers, and nulls do not come here.
const NUMBER_ORDER: Readonly<Record<OrderOperator, Holds>> = {
  lt: (a, b) => Number(a) < Number(b),
  lte: (a, b) => Number(a) <= Number(b),
  gt: (a, b) => Number(a) > Number(b),
  gte: (a, b) => Number(a) >= Number(b),
};

function ordered(operator: OrderOperator, compare: (a: string, b: string) => number): Holds {
  const holds = NUMBER_ORDER[operator];
  return (a, b) => holds(compare(String(a), String(b)), 0);
}

function compileAnd(left: Evaluate, right: Evaluate): Evaluate {
  return (row) => {
    const a = left(row);
    if (a === false) return false;
    const b = right(row);
    if (b === false) return false;
    return a === null || b === null ? null : true;
  };
}

function compileOr(left: Evaluate, right: Evaluate): Evaluate {
  return (row) => {
    const a = left(row);
    if (a === true) return true;
    const b = right(row);
    if (b === true) return true;
    return a === null || b === null ? null : false;
  };
}

function compileNot(operand: Evaluate): Evaluate {
  return (row) => {
    const value = operand(row);
    return value === null ? null : value === false;
  };
}
