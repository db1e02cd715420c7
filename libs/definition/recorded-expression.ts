import type { ArithmeticOperator, ComparisonOperator, Expression, Literal } from '../expression/expression.js';
import { parseDate } from '../schema/calendar-date.js';
import { parseTimestamp } from '../time/timestamp.js';
import { kindOf } from './check-shape.js';
import type { Column, Constant, Literally } from './column.js';
import { Decimal } from './decimal.js';
import { type Type, valueTypeOf } from './type-words.js';

// What `col`, `lit` and the columns of a callback are at run time: one class that records a tree.

/** Expressions made and not used yet while a pipeline's method runs; undefined outside of one. */
let unused: Set<RecordedExpression> | undefined;

/**
 * Runs `body` and returns the expressions that it made and used nowhere. JavaScript's `a && b`
 * keeps only one of two predicates: the other one shows here. Not for nested or asynchronous use.
 */
export function withUnused<T>(body: () => T): { readonly result: T; readonly unused: readonly Expression[] } {
  const made = new Set<RecordedExpression>();
  unused = made;
  try {
    return { result: body(), unused: [...made].map((expression) => expression.tree) };
  } finally {
    unused = undefined;
  }
}

export class RecordedExpression {
  constructor(readonly tree: Expression) {
    unused?.add(this);
  }

  eq(x: unknown): RecordedExpression {
    return this.#compare('eq', x);
  }

  ne(x: unknown): RecordedExpression {
    return this.#compare('ne', x);
  }

  gt(x: unknown): RecordedExpression {
    return this.#compare('gt', x);
  }

  gte(x: unknown): RecordedExpression {
    return this.#compare('gte', x);
  }

  lt(x: unknown): RecordedExpression {
    return this.#compare('lt', x);
  }

  lte(x: unknown): RecordedExpression {
    return this.#compare('lte', x);
  }

  add(x: unknown): RecordedExpression {
    return this.#calculate('add', x);
  }

  sub(x: unknown): RecordedExpression {
    return this.#calculate('sub', x);
  }

  mul(x: unknown): RecordedExpression {
    return this.#calculate('mul', x);
  }

  div(x: unknown): RecordedExpression {
    return this.#calculate('div', x);
  }

  and(x: unknown): RecordedExpression {
    return new RecordedExpression({ kind: 'and', left: use(this), right: takeExpression(x, '.and()') });
  }

  or(x: unknown): RecordedExpression {
    return new RecordedExpression({ kind: 'or', left: use(this), right: takeExpression(x, '.or()') });
  }

  not(): RecordedExpression {
    return new RecordedExpression({ kind: 'not', operand: use(this) });
  }

  isNull(): RecordedExpression {
    return new RecordedExpression({ kind: 'isNull', operand: use(this) });
  }

  fillNull(x: unknown): RecordedExpression {
    return new RecordedExpression({ kind: 'fillNull', operand: use(this), fallback: operand(x, 'fillNull') });
  }

  jsonExtract(path: string | readonly string[], type: unknown): RecordedExpression {
    const { kind } = valueTypeOf(type);
    if (kind !== 'string' && kind !== 'int' && kind !== 'float' && kind !== 'bool')
      throw new TypeError(`jsonExtract reads t.string, t.int, t.float or t.bool, not t.${kind}`);
    return new RecordedExpression({
      kind: 'jsonExtract',
      operand: use(this),
      path: typeof path === 'string' ? path.split('.') : [...path],
      as: kind,
    });
  }

  #compare(operator: ComparisonOperator, x: unknown): RecordedExpression {
    return new RecordedExpression({ kind: 'comparison', operator, left: use(this), right: operand(x, operator) });
  }

  #calculate(operator: ArithmeticOperator, x: unknown): RecordedExpression {
    return new RecordedExpression({ kind: 'arithmetic', operator, left: use(this), right: operand(x, operator) });
  }

  /** `o.amount > 0` would ask for a number and compare NaN: say what to write instead. */
  [Symbol.toPrimitive](): never {
    throw new TypeError('an expression is no value: write o.amount.gt(0) for o.amount > 0, and o.amount.add(1) for o.amount + 1');
  }
}

/** The column of that name. Checked against the row where it is used, in the editor and at commit. */
export function col<const N extends string>(name: N): Column<N> {
  return column(name) as unknown as Column<N>; // R and V exist for the compiler only
}

/** A constant as an expression. Whole numbers are ints; `lit(2, t.float)` says otherwise. */
export function lit<const X extends Constant>(
  value: X,
  type?: Type<X, string> | Type<number, 'int' | 'float'> | Type<string, 'date'>,
): Literally<X> {
  const literal = type === undefined ? literalOf(value, 'lit') : typedLiteral(value, valueTypeOf(type).kind);
  return new RecordedExpression({ kind: 'literal', value: literal }) as unknown as Literally<X>;
}

export function column(name: string): RecordedExpression {
  return new RecordedExpression({ kind: 'column', name });
}

/** A row whose every property is a column: what callbacks are given. */
export function columns(): Readonly<Record<string, RecordedExpression>> {
  return new Proxy(Object.freeze({}), { get: (_, name) => (typeof name === 'string' ? column(name) : undefined) });
}

/** The tree of an expression, which counts as used from here on. */
export function takeExpression(value: unknown, word: string): Expression {
  if (value instanceof RecordedExpression) return use(value);
  throw new TypeError(`${word} takes an expression such as col('amount').gt(0), not ${kindOf(value)}`);
}

function use(expression: RecordedExpression): Expression {
  unused?.delete(expression);
  return expression.tree;
}

function operand(value: unknown, word: string): Expression {
  return value instanceof RecordedExpression ? use(value) : { kind: 'literal', value: literalOf(value, `.${word}()`) };
}

function literalOf(value: unknown, word: string): Literal {
  switch (typeof value) {
    case 'string':
      return { type: 'string', value };
    case 'boolean':
      return { type: 'bool', value };
    case 'number':
      return { type: Number.isInteger(value) ? 'int' : 'float', value };
    default:
      if (value instanceof Date) return { type: 'timestamp', value: parseTimestamp(value) };
      if (value instanceof Decimal) return { type: 'decimal', value: value.toString() };
      throw new TypeError(
        `${word} takes a constant or an expression, not ${kindOf(value)}${value === null ? ': ask for null with .isNull()' : ''}`,
      );
  }
}

function typedLiteral(value: Constant, kind: string): Literal {
  if (typeof value === 'number' && (kind === 'float' || kind === 'int')) return { type: kind, value };
  if (typeof value === 'string' && kind === 'date') return { type: 'date', value: dateDays(value) };
  const literal = literalOf(value, 'lit');
  if (literal.type !== kind && !(literal.type === 'string' && kind === 'enum'))
    throw new TypeError(`lit(${String(value)}) is no t.${kind}`);
  return literal;
}

function dateDays(text: string): number {
  const days = parseDate(text);
  if (days === undefined) throw new RangeError(`'${text.slice(0, 32)}' is no date: write 'YYYY-MM-DD'`);
  return days;
}
