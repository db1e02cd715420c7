import { expect } from 'chai';
import { ThymeError } from '../../libs/errors/errors.js';
import { compileExpression, compilePredicate, typeOfExpression } from '../../libs/expression/compile.js';
import type { ArithmeticOperator, ComparisonOperator, Expression, Literal } from '../../libs/expression/expression.js';
import { EXPRESSION_DEPTH_MAX } from '../../libs/expression/type-of.js';
import { describeType, type Field, type ScalarKind, type Value } from '../../libs/schema/value-type.js';

const fields: readonly Field[] = [
  ...(['string', 'int', 'float', 'bool', 'timestamp', 'date', 'decimal', 'bytes'] as const).map((kind: ScalarKind) => ({
    name: kind,
    type: { kind, optional: false },
  })),
  { name: 'maybe', type: { kind: 'float', optional: true } },
  { name: 'maybeBool', type: { kind: 'bool', optional: true } },
  { name: 'status', type: { kind: 'enum', values: ['paid', 'open'], optional: true } },
  { name: 'tags', type: { kind: 'list', of: { kind: 'string', optional: false }, optional: true } },
];
const row = (values: Readonly<Record<string, Value>>): Value[] => fields.map((field) => values[field.name] ?? null);

const col = (name: string): Expression => ({ kind: 'column', name });
const lit = (value: Literal): Expression => ({ kind: 'literal', value });
const int = (value: number): Expression => lit({ type: 'int', value });
const float = (value: number): Expression => lit({ type: 'float', value });
const text = (value: string): Expression => lit({ type: 'string', value });
const bool = (value: boolean): Expression => lit({ type: 'bool', value });
const math = (left: Expression, operator: ArithmeticOperator, right: Expression): Expression => ({
  kind: 'arithmetic',
  operator,
  left,
  right,
});
const is = (left: Expression, operator: ComparisonOperator, right: Expression): Expression => ({
  kind: 'comparison',
  operator,
  left,
  right,
});
const fill = (operand: Expression, fallback: Expression): Expression => ({ kind: 'fillNull', operand, fallback });
const json = (path: string[], as: 'string' | 'int' | 'float' | 'bool'): Expression => ({
  kind: 'jsonExtract',
  operand: col('string'),
  path,
  as,
});

const evaluate = (expression: Expression, values: Readonly<Record<string, Value>> = {}): Value =>
  compileExpression(expression, fields).evaluate(row(values));
const typeOf = (expression: Expression): string => describeType(typeOfExpression(expression, fields, 'Stats.stats'));

describe('expressions', () => {
  it('have types', () => {
    const cases: [Expression, string][] = [
      [math(int(1), 'add', col('int')), 't.int'],
      [math(int(1), 'div', int(2)), 't.float.optional'],
      [math(int(1), 'mul', float(2)), 't.float'],
      [math(col('maybe'), 'sub', int(1)), 't.float.optional'],
      [is(col('maybe'), 'lt', int(1)), 't.bool.optional'],
      [is(col('string'), 'eq', text('a')), 't.bool'],
      [{ kind: 'isNull', operand: col('tags') }, 't.bool'],
      [{ kind: 'not', operand: col('maybeBool') }, 't.bool.optional'],
      [fill(col('maybe'), float(0)), 't.float'],
      [fill(col('maybe'), int(0)), 't.float'],
      [fill(col('maybe'), col('maybe')), 't.float.optional'],
      [fill(col('status'), text('open')), "t.enum('paid', 'open')"],
      [fill(col('status'), col('string')), 't.string'],
      [json(['a'], 'int'), 't.int.optional'],
    ];
    for (const [expression, type] of cases) expect(typeOf(expression)).to.equal(type);
  });

  it('that do not fit say where, what and why', () => {
    const cases: [Expression, string][] = [
      [col('amuont'), "Stats.stats: there is no column 'amuont'"],
      [col('flaot'), "there is no column 'flaot': did you mean 'float'?"],
      [math(col('string'), 'add', int(1)), "column 'string' is t.string, which is not a number"],
      [math(col('decimal'), 'mul', int(1)), "column 'decimal' is t.decimal"],
      [is(col('int'), 'eq', text('1')), "column 'int' is t.int and cannot be compared with the constant 1, which is t.string"],
      [is(col('date'), 'lt', col('timestamp')), "column 'date' is t.date and cannot be compared"],
      [is(col('decimal'), 'lt', float(1)), 'cannot be compared'],
      [is(col('bool'), 'lt', bool(true)), 'compare it with eq or ne'],
      [is(col('bytes'), 'eq', col('bytes')), 'only isNull'],
      [is(col('tags'), 'eq', col('tags')), 'only isNull'],
      [is(col('status'), 'eq', text('payed')), "which has no 'payed'"],
      [fill(col('status'), text('x')), "which has no 'x'"],
      [fill(col('maybe'), text('0')), 'cannot be filled'],
      [{ kind: 'and', left: col('bool'), right: col('int') }, "column 'int' is t.int, which is not a condition"],
      [{ kind: 'not', operand: math(int(1), 'add', int(2)) }, 'the result of add'],
      [{ kind: 'jsonExtract', operand: col('int'), path: [], as: 'int' }, 'which is not JSON text'],
      [int(1.5), '1.5 is no int constant'],
      [float(Infinity), 'give a finite number'],
      [lit({ type: 'decimal', value: 'x' }), 'no decimal constant'],
    ];
    for (const [expression, message] of cases) expect(() => typeOf(expression)).to.throw(ThymeError, message);
    expect(() => compilePredicate(col('int'), fields, 'Stats.stats')).to.throw('Stats.stats: it gives t.int, and a condition is needed');
  });

  it('nest to a limit', () => {
    let deep: Expression = col('bool');
    for (let i = 1; i < EXPRESSION_DEPTH_MAX; i++) deep = { kind: 'not', operand: deep };
    expect(evaluate(deep, { bool: true })).to.equal(false);
    expect(() => evaluate({ kind: 'not', operand: deep })).to.throw('nests deeper than 256');
  });

  it('compute numbers, or say that they cannot (S8)', () => {
    expect(
      [math(int(7), 'div', int(2)), math(int(7), 'div', int(0)), math(float(0), 'div', float(0)), math(int(-1), 'mul', int(0))].map((e) =>
        evaluate(e),
      ),
    ).to.deep.equal([3.5, null, null, 0]);
    expect(Object.is(evaluate(math(int(-1), 'mul', int(0))), 0)).to.equal(true);
    for (const expression of [
      math(int(Number.MAX_SAFE_INTEGER), 'add', int(1)),
      math(int(2 ** 30), 'mul', int(2 ** 30)),
      math(float(1e308), 'mul', float(10)),
      math(float(1e308), 'div', float(1e-10)),
    ]) {
      expect(() => evaluate(expression))
        .to.throw(ThymeError)
        .that.includes({ status: 'OUT_OF_RANGE' });
    }
    expect(evaluate(math(float(2 ** 53), 'add', int(1)))).to.equal(2 ** 53);
  });

  it('compare kinds in their order', () => {
    expect(evaluate(is(text('\u{ff5e}'), 'lt', text('\u{1f600}')))).to.equal(true);
    expect(evaluate(is(col('decimal'), 'gt', lit({ type: 'decimal', value: '9.990' })), { decimal: '10' })).to.equal(true);
    expect(evaluate(is(col('decimal'), 'eq', lit({ type: 'decimal', value: '10.00' })), { decimal: '10' })).to.equal(true);
    expect(evaluate(is(int(1), 'eq', float(1)))).to.equal(true);
    expect(evaluate(is(col('timestamp'), 'gte', lit({ type: 'timestamp', value: 5 })), { timestamp: 5 })).to.equal(true);
    expect(evaluate(is(col('status'), 'ne', text('paid')), { status: 'open' })).to.equal(true);
  });

  it('keep unknown unknown (S6)', () => {
    const [t, f, u] = [bool(true), bool(false), col('maybeBool')];
    const table: [Expression, Expression, Value, Value][] = [
      [t, u, null, true],
      [u, t, null, true],
      [f, u, false, null],
      [u, f, false, null],
      [u, u, null, null],
      [t, f, false, true],
    ];
    for (const [left, right, and, or] of table) {
      expect(evaluate({ kind: 'and', left, right })).to.equal(and);
      expect(evaluate({ kind: 'or', left, right })).to.equal(or);
    }
    expect(evaluate({ kind: 'not', operand: u })).to.equal(null);
    expect(evaluate(is(col('maybe'), 'ne', int(1)))).to.equal(null);
    expect(compilePredicate(is(col('maybe'), 'ne', int(1)), fields)(row({}))).to.equal(false);
    expect(compilePredicate({ kind: 'isNull', operand: col('maybe') }, fields)(row({}))).to.equal(true);
  });

  it('read JSON, and give null for what is not there', () => {
    const document = JSON.stringify({ a: { b: [1, { c: 'x' }] }, big: 2 ** 53, f: 1.5, t: true, n: null, '': 7 });
    const cases: [string[], 'string' | 'int' | 'float' | 'bool', Value][] = [
      [['a', 'b', '0'], 'int', 1],
      [['a', 'b', '1', 'c'], 'string', 'x'],
      [['f'], 'float', 1.5],
      [['f'], 'int', null],
      [['a', 'b', '0'], 'float', 1],
      [['t'], 'bool', true],
      [['big'], 'int', null],
      [['n'], 'string', null],
      [['a', 'b', 'length'], 'int', null],
      [['a', 'b', '2'], 'int', null],
      [['constructor', 'name'], 'string', null],
      [['f'], 'string', null],
      [['a', 'b', '0', 'x'], 'int', null],
      [[''], 'int', 7],
      [[], 'int', null],
    ];
    for (const [path, as, value] of cases) expect(evaluate(json(path, as), { string: document }), path.join('.')).to.equal(value);
    for (const broken of ['', '{', 'undefined', '1e999']) expect(evaluate(json([], 'float'), { string: broken })).to.equal(null);
    expect(evaluate(json([], 'int'), { string: '5' })).to.equal(5);
    expect(evaluate(json(['__proto__', 'a'], 'int'), { string: '{"__proto__": {"a": 1}}' })).to.equal(1);
  });
});
