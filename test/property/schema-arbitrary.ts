import { inspect } from 'node:util';
import fc from 'fast-check';
import { canonicalDecimal } from '../../libs/schema/decimal.js';
import type { Field, Row, ScalarKind, Value, ValueType } from '../../libs/schema/value-type.js';

const SCALARS: readonly ScalarKind[] = ['string', 'int', 'float', 'bool', 'bytes', 'timestamp', 'date', 'decimal'];

const nameArbitrary = fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.constantFrom('__proto__', 'constructor', 'toString', 'é'));

/** Types up to three lists and structs deep. */
export const typeArbitrary: fc.Arbitrary<ValueType> = typesTo(3);
export const fieldsArbitrary: fc.Arbitrary<readonly Field[]> = fieldsOf(typeArbitrary, 9);

function typesTo(depth: number): fc.Arbitrary<ValueType> {
  const scalar: fc.Arbitrary<ValueType> = fc.record({ kind: fc.constantFrom(...SCALARS), optional: fc.boolean() });
  const choice: fc.Arbitrary<ValueType> = fc.record({
    kind: fc.constant('enum' as const),
    values: fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 4 }), { minLength: 1, maxLength: 3 }),
    optional: fc.boolean(),
  });
  if (depth === 0) return fc.oneof(scalar, choice);
  const inner = typesTo(depth - 1);
  const list: fc.Arbitrary<ValueType> = fc.record({ kind: fc.constant('list' as const), of: inner, optional: fc.boolean() });
  const struct: fc.Arbitrary<ValueType> = fc.record({
    kind: fc.constant('struct' as const),
    fields: fieldsOf(inner, 3),
    optional: fc.boolean(),
  });
  return fc.oneof({ weight: 4, arbitrary: scalar }, choice, list, struct);
}

function fieldsOf(type: fc.Arbitrary<ValueType>, maxLength: number): fc.Arbitrary<readonly Field[]> {
  return fc.uniqueArray(fc.record({ name: nameArbitrary, type }), { selector: (field) => field.name, maxLength });
}

/** Values as the engine holds them. */
export function valueArbitrary(type: ValueType): fc.Arbitrary<Value> {
  return type.optional ? fc.option(requiredArbitrary(type), { nil: null }) : requiredArbitrary(type);
}

export function rowArbitrary(fields: readonly Field[]): fc.Arbitrary<Row> {
  return fc.tuple(...fields.map((field) => valueArbitrary(field.type)));
}

/** Fields, and rows of them. */
export const tableArbitrary = fieldsArbitrary.chain((fields) =>
  fc.record({ fields: fc.constant(fields), rows: fc.array(rowArbitrary(fields), { maxLength: 4 }) }),
);

function requiredArbitrary(type: ValueType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'string':
      return fc.oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 120 }));
    case 'int':
      return fc.maxSafeInteger().map((value) => value + 0);
    case 'float':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    case 'bool':
      return fc.boolean();
    case 'bytes':
      return fc.uint8Array({ maxLength: 40 });
    case 'timestamp':
      return fc.integer({ min: -9_000_000_000_000_000, max: 9_000_000_000_000_000 });
    case 'date':
      return fc.integer({ min: -719_528, max: 2_932_896 }); // years 0000–9999
    case 'decimal':
      return fc
        .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: -30, max: 30 }))
        .map(([digits, exponent]) => canonicalDecimal(`${digits}e${exponent}`) ?? '0');
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'list':
      return fc.array(valueArbitrary(type.of), { maxLength: 5 });
    case 'struct':
      return rowArbitrary(type.fields);
  }
}

/** Text in which equal values are equal, and a Buffer is no Uint8Array. */
export function bytesAsText(value: unknown): string {
  return inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null, sorted: true });
}
