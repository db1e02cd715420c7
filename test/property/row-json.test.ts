import { expect } from 'chai';
import fc from 'fast-check';
import { encodeJson } from '../../libs/rest/json-text.js';
import { rowJsonOf } from '../../libs/rest/row-json.js';
import { fieldsToJson, valueToJson } from '../../libs/rest/value-json.js';
import type { Field, Row, Value, ValueType } from '../../libs/schema/value-type.js';
import { setOwn } from '../../libs/schema/write-value.js';
import { valueToProto } from '../../libs/wire/values.js';
import { rowArbitrary, typeArbitrary } from './schema-arbitrary.js';

/** Names that a definition may give, and some that are special to JavaScript; never a number, which an object would put first. */
const names = fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.constantFrom('__proto__', 'constructor', 'é', '"', '\u2028'));
const columnsArbitrary = fc
  .uniqueArray(fc.record({ name: names.map((name) => `_${name}`.replace(/^___proto__$/, '__proto__')), type: typeArbitrary }), {
    selector: ({ name }) => name,
    maxLength: 6,
  })
  .filter((columns) => columns.every(({ type }) => hasPlainNames(type)));
const tables = columnsArbitrary.chain((columns) => fc.record({ columns: fc.constant(columns), row: rowArbitrary(columns).map(someZeros) }));

describe('JSON of a row, over random data', () => {
  it('is byte for byte that of its messages', () => {
    fc.assert(
      fc.property(tables, ({ columns, row }) => {
        expect(rowJsonOf(columns)(row)).to.equal(encodeJson(asFeatures(columns, row)));
      }),
    );
  });

  it('is that of a row of a dataset too', () => {
    fc.assert(
      fc.property(tables, ({ columns, row }) => {
        const fields = {};
        for (const [i, { name, type }] of columns.entries()) setOwn(fields, name, valueToProto(row[i] ?? null, type));
        expect(rowJsonOf(columns)(row)).to.equal(encodeJson(fieldsToJson(fields)));
      }),
    );
  });

  it('is what it was for values that are written in a way of their own', () => {
    const columns: readonly Field[] = [
      { name: 'zero', type: { kind: 'float', optional: false } },
      { name: 'large', type: { kind: 'float', optional: false } },
      { name: 'whole', type: { kind: 'int', optional: false } },
      { name: 'price', type: { kind: 'decimal', optional: false } },
      { name: 'at', type: { kind: 'timestamp', optional: false } },
      { name: 'day', type: { kind: 'date', optional: true } },
      { name: 'raw', type: { kind: 'bytes', optional: false } },
    ];
    const row = [-0, 1e21, -5, '12.30', 1, null, new Uint8Array([1, 2, 3])];
    expect(rowJsonOf(columns)(row)).to.equal(
      '{"zero":-0.0,"large":1e+21,"whole":-5,"price":"12.30","at":"1970-01-01T00:00:00.000001Z","day":null,"raw":"AQID"}',
    );
  });

  it('is made once for a list of columns', () => {
    const columns: readonly Field[] = [{ name: 'count', type: { kind: 'int', optional: false } }];
    expect(rowJsonOf(columns)).to.equal(rowJsonOf(columns));
    expect(rowJsonOf([...columns])).not.to.equal(rowJsonOf(columns));
  });
});

function asFeatures(columns: readonly Field[], row: Row) {
  return new Map(columns.map(({ name, type }, i) => [name, valueToJson(valueToProto(row[i] ?? null, type))]));
}

function hasPlainNames(type: ValueType): boolean {
  if (type.kind === 'list') return hasPlainNames(type.of);
  return type.kind !== 'struct' || type.fields.every((field) => !/^\d/.test(field.name) && hasPlainNames(field.type));
}

/** Ones as negative zeros, which the arbitrary leaves out. */
function someZeros(row: Row): Row {
  return row.map((value): Value => (value === 1 ? -0 : value));
}
