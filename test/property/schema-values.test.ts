import { expect } from 'chai';
import fc from 'fast-check';
import { compileFromAuthor, compileToAuthor } from '../../libs/schema/author-value.js';
import { compareText } from '../../libs/schema/compare-text.js';
import { canonicalDecimal, compareDecimals } from '../../libs/schema/decimal.js';
import { compileReader } from '../../libs/schema/read-value.js';
import type { Value, ValueType } from '../../libs/schema/value-type.js';
import { compileWriter, writeJsonValue } from '../../libs/schema/write-value.js';
import { bytesAsText, tableArbitrary } from './schema-arbitrary.js';

class Decimal {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

/** An author's Date has no microseconds. */
function cutToMs(type: ValueType, value: Value): Value {
  if (value === null) return null;
  if (type.kind === 'timestamp') return Math.floor(Number(value) / 1_000) * 1_000;
  if (type.kind === 'list' && Array.isArray(value)) return value.map((element: Value) => cutToMs(type.of, element));
  if (type.kind === 'struct' && Array.isArray(value)) return type.fields.map((field, i) => cutToMs(field.type, value[i] ?? null));
  return value;
}

describe('values', () => {
  it('come back from JSON, by either writer, as they were', () => {
    fc.assert(
      fc.property(tableArbitrary, ({ fields, rows }) => {
        const [read, write] = [compileReader(fields, 'X'), compileWriter(fields)];
        for (const row of rows) {
          for (const text of [JSON.stringify(write(row)), writeJsonValue({ kind: 'struct', fields, optional: false }, row)]) {
            const back = read(JSON.parse(text));
            expect(bytesAsText(back.row)).to.equal(bytesAsText(row));
            expect(back.ignored).to.equal(0);
          }
        }
      }),
    );
  });

  it('come back from authors, to the millisecond', () => {
    fc.assert(
      fc.property(tableArbitrary, ({ fields, rows }) => {
        const [to, from] = [compileToAuthor(fields, Decimal), compileFromAuthor(fields, 'f')];
        for (const row of rows)
          expect(bytesAsText(from(to(row)))).to.equal(bytesAsText(fields.map((field, i) => cutToMs(field.type, row[i] ?? null))));
      }),
    );
  });

  it('are never read from anything without a row or a refusal', () => {
    fc.assert(
      fc.property(
        tableArbitrary,
        fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withTypedArray: true }),
        ({ fields }, input) => {
          try {
            expect(compileReader(fields, 'X')(input).row).to.have.length(fields.length);
          } catch (error) {
            expect(error).to.have.property('code', 'THYME_INVALID_ARGUMENT');
          }
        },
      ),
    );
  });
});

describe('orders', () => {
  it('of texts are those of their UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareText(a, b))).to.equal(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it('of decimals are those of the scaled integers', () => {
    const scaled = fc.tuple(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), fc.integer({ min: 0, max: 8 }));
    fc.assert(
      fc.property(scaled, scaled, ([a, scaleA], [b, scaleB]) => {
        const [left, right] = [a * 10n ** BigInt(8 - scaleA), b * 10n ** BigInt(8 - scaleB)];
        const expected = left < right ? -1 : left > right ? 1 : 0;
        expect(Math.sign(compareDecimals(canonicalDecimal(`${a}e-${scaleA}`) ?? '', canonicalDecimal(`${b}e-${scaleB}`) ?? ''))).to.equal(
          expected,
        );
      }),
    );
  });
});
