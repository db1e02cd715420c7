import { expect } from 'chai';
import { ThymeError } from '../../libs/errors/errors.js';
import { BYTES_LENGTH_MAX, LIST_LENGTH_MAX, TEXT_BYTES_MAX, TYPE_DEPTH_MAX } from '../../libs/schema/limits.js';
import { compileReader } from '../../libs/schema/read-value.js';
import type { Field, ScalarKind, Value, ValueType } from '../../libs/schema/value-type.js';

const scalar = (kind: ScalarKind, optional = false): ValueType => ({ kind, optional });
const field = (name: string, type: ValueType): Field => ({ name, type });

function readOne(type: ValueType, input: unknown): Value {
  const [value = null] = compileReader([field('x', type)], 'Order')({ x: input }).row;
  return value;
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ThymeError && error.status === 'INVALID_ARGUMENT') return error.message;
    throw error;
  }
  throw new Error('was accepted');
}

describe('reading values (S12)', () => {
  it('takes each kind as clients send it', () => {
    const cases: [ValueType, unknown, Value][] = [
      [scalar('string'), 'é', 'é'],
      [scalar('string'), '', ''],
      [scalar('int'), 5, 5],
      [scalar('int'), 7n, 7],
      [scalar('int'), 5.0, 5],
      [scalar('float'), 5, 5],
      [scalar('float'), 2.5, 2.5],
      [scalar('bool'), false, false],
      [scalar('timestamp'), '1970-01-01T00:00:01Z', 1e6],
      [scalar('timestamp'), 1.5, 1.5e6],
      [scalar('timestamp'), 2n, 2e6],
      [scalar('date'), '1970-01-02', 1],
      [scalar('date'), '1969-12-31', -1],
      [scalar('date'), '2024-02-29', 19_782],
      [scalar('date'), '0001-01-01', -719_162],
      [scalar('decimal'), '012.50', '12.5'],
      [scalar('decimal'), 1e-7, '0.0000001'],
      [scalar('decimal'), -0, '0'],
      [scalar('decimal'), '1.5e3', '1500'],
      [{ kind: 'enum', values: ['a', 'b'], optional: false }, 'b', 'b'],
      [{ kind: 'list', of: scalar('int', true), optional: false }, [1, null, 3], [1, null, 3]],
      [
        { kind: 'struct', fields: [field('lat', scalar('float')), field('name', scalar('string', true))], optional: false },
        { lat: 1 },
        [1, null],
      ],
    ];
    for (const [type, input, value] of cases) expect(readOne(type, input), `${type.kind} ${String(input)}`).to.deep.equal(value);
    expect([...(readOne(scalar('bytes'), 'AP8=') as Uint8Array)]).to.deep.equal([0, 255]);
    expect([...(readOne(scalar('bytes'), Uint8Array.of(1, 2)) as Uint8Array)]).to.deep.equal([1, 2]);
    expect(Object.is(readOne(scalar('float'), -0), 0)).to.equal(true);
  });

  it('says where, what and how to mend it', () => {
    const cases: [ValueType, unknown, string][] = [
      [scalar('float'), 'x', 'Order.x: expected a float, got text "x": send a number'],
      [scalar('float'), Number.NaN, 'Order.x: expected a float, got number NaN: send a finite number, or null where the field is optional'],
      [scalar('int'), '42', 'Order.x: expected an int, got text "42": send a whole number, not quoted'],
      [scalar('string'), undefined, 'Order.x: required, but missing: send a value, or declare the field .optional'],
      [scalar('string'), null, 'Order.x: required, but null: send a value, or declare the field .optional'],
      [{ kind: 'enum', values: ['a', 'b'], optional: false }, 'c', "Order.x: expected one of 'a', 'b', got text \"c\": send one of them"],
      [
        { kind: 'list', of: { kind: 'struct', fields: [field('lat', scalar('float'))], optional: false }, optional: false },
        [{ lat: 1 }, { lat: true }],
        'Order.x[1].lat: expected a float, got bool true: send a number',
      ],
    ];
    for (const [type, input, message] of cases) expect(refusal(() => readOne(type, input))).to.equal(message);
  });

  it('refuses what does not fit', () => {
    const cases: [ScalarKind, readonly unknown[]][] = [
      ['string', [1, true, {}, [], '\ud800']],
      ['int', [1.5, 2 ** 53, Infinity, true, 2n ** 60n]],
      ['float', [Infinity, -Infinity, '1', true, []]],
      ['bool', [0, 'true']],
      ['bytes', ['A', 'AP8', 'A-8=', 5, [1]]],
      ['timestamp', ['None', true, Number.NaN, 1e300]],
      ['date', ['2026-02-30', '2026-1-1', 0, '2026-01-01T00:00:00Z']],
      ['decimal', ['', '.', '1e999999999', 'x', Number.NaN, true, '1'.repeat(101)]],
    ];
    for (const [kind, inputs] of cases)
      for (const input of inputs)
        expect(
          refusal(() => readOne(scalar(kind), input)),
          `${kind} ${String(input)}`,
        ).to.match(/^Order\.x: /);
  });

  it('keeps to its limits', () => {
    expect(readOne(scalar('string'), 'a'.repeat(TEXT_BYTES_MAX))).to.have.length(TEXT_BYTES_MAX);
    expect(refusal(() => readOne(scalar('string'), 'é'.repeat(TEXT_BYTES_MAX / 2 + 1)))).to.match(/over the limit of 65536/);
    expect(refusal(() => readOne(scalar('bytes'), Buffer.alloc(BYTES_LENGTH_MAX + 1).toString('base64')))).to.match(/over the limit/);
    expect(readOne(scalar('bytes'), Buffer.alloc(BYTES_LENGTH_MAX).toString('base64'))).to.have.length(BYTES_LENGTH_MAX);
    expect(refusal(() => readOne({ kind: 'list', of: scalar('int'), optional: false }, Array(LIST_LENGTH_MAX + 1).fill(1)))).to.match(
      /over the limit of 10000/,
    );
    let deep = scalar('int');
    for (let i = 0; i < TYPE_DEPTH_MAX; i++) deep = { kind: 'list', of: deep, optional: false };
    expect(refusal(() => readOne(deep, []))).to.match(/nests deeper than 16/);
  });

  it('ignores and counts fields that the schema has not, nulls apart', () => {
    const read = compileReader([field('a', scalar('int')), field('b', scalar('int', true))], '');
    expect(read({ a: 1, b: null })).to.deep.equal({ row: [1, null], ignored: 0 });
    expect(read({ a: 1, c: 2, d: null, e: 'x' })).to.deep.equal({ row: [1, null], ignored: 2 });
    expect(refusal(() => read({}))).to.match(/^a: required/);
    for (const input of [null, undefined, 5, 'x', [], new Date(0), Uint8Array.of(1)])
      expect(refusal(() => read(input))).to.match(/expected an object/);
  });

  it('reads own properties only', () => {
    const read = compileReader(
      ['__proto__', 'constructor', 'toString'].map((name) => field(name, scalar('string', true))),
      'P',
    );
    expect(read({}).row).to.deep.equal([null, null, null]);
    expect(read(JSON.parse('{"__proto__": "a", "constructor": "b"}')).row).to.deep.equal(['a', 'b', null]);
    expect(compileReader([field('a', scalar('int', true))], 'P')(JSON.parse('{"__proto__": {"a": 1}}')).row).to.deep.equal([null]);
  });
});
