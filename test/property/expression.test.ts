import { expect } from 'chai';
import fc from 'fast-check';
import { ThymeError } from '../../libs/errors/errors.js';
import { compileExpression } from '../../libs/expression/compile.js';
import type { ComparisonOperator, Expression } from '../../libs/expression/expression.js';
import type { Field, Row, Value } from '../../libs/schema/value-type.js';

const fields: readonly Field[] = (['int', 'float', 'string', 'bool'] as const).map((kind) => ({
  name: kind,
  type: { kind, optional: true },
}));

// ---- well-typed expressions ----
const intValue: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.maxSafeInteger().map((value) => value + 0),
);
const floatValue: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: -6, max: 6 }).map((n) => n / 2 + 0),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
);
const textValue: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('', 'a', '{"a":1}', '\u{ff5e}', '\u{1f600}'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const column = (name: string): fc.Arbitrary<Expression> => fc.constant({ kind: 'column', name });
const comparison: fc.Arbitrary<ComparisonOperator> = fc.constantFrom('eq', 'ne', 'lt', 'lte', 'gt', 'gte');

/** A type alias, since letrec takes no interface. */
type Sorts = { number: Expression; text: Expression; bool: Expression };

const sorts = fc.letrec<Sorts>((tie) => ({
  number: fc.oneof(
    { maxDepth: 5 },
    column('int'),
    column('float'),
    intValue.map((value): Expression => ({ kind: 'literal', value: { type: 'int', value } })),
    floatValue.map((value): Expression => ({ kind: 'literal', value: { type: 'float', value } })),
    fc.record({
      kind: fc.constant('arithmetic' as const),
      operator: fc.constantFrom('add' as const, 'sub' as const, 'mul' as const, 'div' as const),
      left: tie('number'),
      right: tie('number'),
    }),
    fc.record({ kind: fc.constant('fillNull' as const), operand: tie('number'), fallback: tie('number') }),
    fc.record({
      kind: fc.constant('jsonExtract' as const),
      operand: tie('text'),
      path: fc.constantFrom([], ['a']),
      as: fc.constantFrom('int', 'float' as const),
    }),
  ),
  text: fc.oneof(
    { maxDepth: 5 },
    column('string'),
    textValue.map((value): Expression => ({ kind: 'literal', value: { type: 'string', value } })),
    fc.record({ kind: fc.constant('fillNull' as const), operand: tie('text'), fallback: tie('text') }),
  ),
  bool: fc.oneof(
    { maxDepth: 5 },
    column('bool'),
    fc.boolean().map((value): Expression => ({ kind: 'literal', value: { type: 'bool', value } })),
    fc.record({ kind: fc.constant('comparison' as const), operator: comparison, left: tie('number'), right: tie('number') }),
    fc.record({ kind: fc.constant('comparison' as const), operator: comparison, left: tie('text'), right: tie('text') }),
    fc.record({ kind: fc.constantFrom('and', 'or' as const), left: tie('bool'), right: tie('bool') }),
    fc.record({ kind: fc.constant('not' as const), operand: tie('bool') }),
    fc.record({ kind: fc.constant('isNull' as const), operand: fc.oneof(tie('number'), tie('bool')) }),
  ),
}));

const rowArbitrary: fc.Arbitrary<Row> = fc.tuple(
  ...[intValue, floatValue, textValue, fc.boolean()].map((value: fc.Arbitrary<Value>) => fc.option(value, { nil: null })),
);

// ---- the naive interpreter: the meaning of each node, word for word ----
function isInt(node: Expression): boolean {
  switch (node.kind) {
    case 'column':
      return node.name === 'int';
    case 'literal':
      return node.value.type === 'int';
    case 'arithmetic':
      return node.operator !== 'div' && isInt(node.left) && isInt(node.right);
    case 'fillNull':
      return isInt(node.operand) && isInt(node.fallback);
    case 'jsonExtract':
      return node.as === 'int';
    default:
      return false;
  }
}

class OutOfRange extends Error {}

function arithmetic(node: Extract<Expression, { kind: 'arithmetic' }>, a: number, b: number): Value {
  if (isInt(node)) {
    const [x, y] = [BigInt(a), BigInt(b)];
    const exact = node.operator === 'add' ? x + y : node.operator === 'sub' ? x - y : x * y;
    if (exact > BigInt(Number.MAX_SAFE_INTEGER) || exact < BigInt(Number.MIN_SAFE_INTEGER)) throw new OutOfRange();
    return Number(exact);
  }
  if (node.operator === 'div' && b === 0) return null;
  const result = node.operator === 'add' ? a + b : node.operator === 'sub' ? a - b : node.operator === 'mul' ? a * b : a / b;
  if (!Number.isFinite(result)) throw new OutOfRange();
  return result === 0 ? 0 : result;
}

function order(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) === Number(b) ? 0 : Number(a) < Number(b) ? -1 : 1;
}

function naive(node: Expression, row: Row): Value {
  switch (node.kind) {
    case 'column':
      return row[fields.findIndex((field) => field.name === node.name)] ?? null;
    case 'literal':
      return node.value.value;
    case 'arithmetic': {
      const a = naive(node.left, row);
      const b = a === null ? null : naive(node.right, row);
      return a === null || b === null ? null : arithmetic(node, Number(a), Number(b));
    }
    case 'comparison': {
      const a = naive(node.left, row);
      const b = a === null ? null : naive(node.right, row);
      if (a === null || b === null) return null;
      const sign = order(a, b);
      return { eq: sign === 0, ne: sign !== 0, lt: sign < 0, lte: sign <= 0, gt: sign > 0, gte: sign >= 0 }[node.operator];
    }
    case 'and':
    case 'or': {
      const decisive = node.kind === 'or';
      const a = naive(node.left, row);
      if (a === decisive) return decisive;
      const b = naive(node.right, row);
      if (b === decisive) return decisive;
      return a === null || b === null ? null : !decisive;
    }
    case 'not': {
      const value = naive(node.operand, row);
      return value === null ? null : !value;
    }
    case 'isNull':
      return naive(node.operand, row) === null;
    case 'fillNull':
      return naive(node.operand, row) ?? naive(node.fallback, row);
    case 'jsonExtract':
      return naiveExtract(node, naive(node.operand, row));
  }
}

function naiveExtract(node: Extract<Expression, { kind: 'jsonExtract' }>, text: Value): Value {
  try {
    const parsed: unknown = JSON.parse(String(text));
    const member: unknown = node.path.length === 0 ? parsed : Object(parsed).a;
    if (text === null || typeof member !== 'number' || (node.as === 'int' && !Number.isSafeInteger(member))) return null;
    return member + 0;
  } catch {
    return null;
  }
}

function outcome(run: () => Value): Value {
  try {
    return run();
  } catch (error) {
    if (error instanceof OutOfRange || (error instanceof ThymeError && error.status === 'OUT_OF_RANGE')) return 'OUT_OF_RANGE';
    throw error;
  }
}

describe('compiled expressions', () => {
  it('mean what the naive interpreter says, and have the type that they promise', () => {
    fc.assert(
      fc.property(
        fc.oneof(sorts.number, sorts.bool, sorts.text),
        fc.array(rowArbitrary, { minLength: 1, maxLength: 5 }),
        (expression, rows) => {
          const { type, evaluate } = compileExpression(expression, fields);
          for (const row of rows) {
            const value = outcome(() => evaluate(row));
            expect(value).to.deep.equal(outcome(() => naive(expression, row)));
            if (value === null) expect(type.optional).to.equal(true);
            else if (type.kind === 'int') expect(value === 'OUT_OF_RANGE' || Number.isSafeInteger(value)).to.equal(true);
            else if (type.kind === 'bool') expect(value).to.satisfy((v: Value) => v === 'OUT_OF_RANGE' || typeof v === 'boolean');
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
