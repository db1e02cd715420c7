import { create } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { expect } from 'chai';
import { DefinitionsSchema, ExpressionSchema } from '../../gen/thyme/v1/definitions_pb.js';
import { ValueSchema, ValueType_Kind } from '../../gen/thyme/v1/values_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { definitionsFromProto } from '../../libs/wire/definitions.js';
import { expressionFromProto } from '../../libs/wire/expressions.js';
import { instantIfAny } from '../../libs/wire/timestamps.js';
import { plainFields, plainFromProto } from '../../libs/wire/untyped-values.js';
import { valueFromProto } from '../../libs/wire/values.js';

describe('the wire', () => {
  it('refuses definitions that this version cannot read whole, naming the place', () => {
    const datasets = (field: object) =>
      create(DefinitionsSchema, { datasets: [{ name: 'Order', fields: [{ name: 'amount', ...field }] }] });
    refuses(() => definitionsFromProto(datasets({})), /^Order\.amount: has no type/);
    refuses(() => definitionsFromProto(datasets({ type: { kind: 99 as ValueType_Kind } })), /^Order\.amount: has a type of kind 99/);
    refuses(() => definitionsFromProto(datasets({ type: { kind: ValueType_Kind.LIST } })), /^Order\.amount\[\]: has no type/);
    refuses(() => definitionsFromProto(create(DefinitionsSchema, { sources: [{ dataset: 'Order', connector: 'kafka' }] })), /CDC mode 0/);
    refuses(() => definitionsFromProto(create(DefinitionsSchema, { pipelines: [{ name: 'P', steps: [{}] }] })), /^P\.steps\[0\]/);
    refuses(
      () => definitionsFromProto(create(DefinitionsSchema, { pipelines: [{ name: 'P', aggregate: { aggregations: [{ field: 'n' }] } }] })),
      /^P\.n: has the operator 0/,
    );
    refuses(
      () => definitionsFromProto(create(DefinitionsSchema, { datasets: [{ name: 'Order', maxFutureUs: 2n ** 60n }] })),
      /^Order\.maxFuture: .*outside/,
    );
  });

  it('reads instants as microseconds or as google.protobuf.Timestamp, to the nearest microsecond', () => {
    const at = (seconds: bigint, nanos: number) => create(TimestampSchema, { seconds, nanos });
    expect(instantIfAny(undefined, undefined, 'timestamp')).to.equal(undefined);
    expect(instantIfAny(5n, undefined, 'timestamp')).to.equal(5);
    expect(instantIfAny(undefined, at(1n, 500), 'timestamp')).to.equal(1_000_001);
    expect(instantIfAny(undefined, at(-1n, 999_999_499), 'timestamp')).to.equal(-1);
    expect(instantIfAny(undefined, at(0n, 999_999_999), 'timestamp')).to.equal(1_000_000);
    expect(plainFromProto(create(ValueSchema, { kind: { case: 'timestamp', value: at(0n, 1_000) } }), 'v')).to.equal(
      '1970-01-01T00:00:00.000001Z',
    );
    refuses(() => instantIfAny(0n, at(0n, 0), 'known_at'), /^known_at: stands beside known_at_us: send one of them/);
    refuses(() => instantIfAny(undefined, at(0n, -1), 'timestamp'), /^timestamp\.nanos: -1 is outside/);
    refuses(() => instantIfAny(undefined, at(10n ** 12n, 0), 'timestamp'), /^timestamp: .*outside/);
  });

  it('refuses expressions with a part missing', () => {
    refuses(() => expressionFromProto(undefined, 'P.where'), /^P\.where: an expression, or a part of one, is missing/);
    refuses(
      () =>
        expressionFromProto(
          create(ExpressionSchema, { kind: { case: 'binary', value: { operator: 1, left: { kind: { case: 'column', value: 'a' } } } } }),
          'P.where',
        ),
      /missing/,
    );
    refuses(() => expressionFromProto(create(ExpressionSchema, { kind: { case: 'literal', value: {} } }), 'P.where'), /a literal is/);
  });

  it('refuses values of another type than declared', () => {
    const int = { kind: 'int', optional: false } as const;
    refuses(
      () => valueFromProto(create(ValueSchema, { kind: { case: 'floatValue', value: 1 } }), int, 'x'),
      /^x: expected a t\.int, got floatValue/,
    );
    refuses(() => valueFromProto(create(ValueSchema), int, 'x'), /^x: is null/);
    refuses(() => valueFromProto(create(ValueSchema, { kind: { case: 'intValue', value: 2n ** 53n } }), int, 'x'), /smaller integer/);
    expect(valueFromProto(create(ValueSchema), { ...int, optional: true }, 'x')).to.equal(null);
  });

  it('leaves integers that no double holds to the reader, and refuses days without a date', () => {
    expect(plainFromProto(create(ValueSchema, { kind: { case: 'intValue', value: 2n ** 53n } }), 'x')).to.equal(2n ** 53n);
    refuses(() => plainFromProto(create(ValueSchema, { kind: { case: 'dateDays', value: 2_932_897 } }), 'x'), /^x: day 2932897/);
  });

  it('keeps a field called __proto__ a field', () => {
    const fields = Object.fromEntries([['__proto__', create(ValueSchema, { kind: { case: 'boolValue', value: true } })]]);
    const plain = plainFields(fields, '');
    expect(Object.entries(plain)).to.deep.equal([['__proto__', true]]);
    expect(Object.getPrototypeOf(plain)).to.equal(Object.prototype);
  });
});

function refuses(work: () => unknown, message: RegExp): void {
  expect(work).to.throw(ThymeError, message).with.property('status', 'INVALID_ARGUMENT');
}
