import { expect } from 'chai';
import { compareText } from '../../libs/schema/compare-text.js';
import { canonicalDecimal, compareDecimals } from '../../libs/schema/decimal.js';
import { compileFromAuthor, compileToAuthor } from '../../libs/schema/author-value.js';
import type { Field, Row, ScalarKind, ValueType } from '../../libs/schema/value-type.js';
import { compileWriter, writeJsonValue } from '../../libs/schema/write-value.js';

const scalar = (kind: ScalarKind, optional = false): ValueType => ({ kind, optional });
const fields: readonly Field[] = [
  { name: 'id', type: scalar('string') },
  { name: 'n', type: scalar('int') },
  { name: 'x', type: scalar('float', true) },
  { name: 'at', type: scalar('timestamp') },
  { name: 'day', type: scalar('date') },
  { name: 'raw', type: scalar('bytes') },
  { name: 'price', type: scalar('decimal') },
  { name: 'tags', type: { kind: 'list', of: scalar('string', true), optional: false } },
  { name: 'place', type: { kind: 'struct', fields: [{ name: 'lat', type: scalar('float') }], optional: true } },
];
const row: Row = ['u"1', 5, 5, 1_500_000, 1, Uint8Array.of(0, 255), '12.5', ['a', null], [2]];

class Decimal {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

describe('writing values', () => {
  it('gives what JSON can say (S1)', () => {
    expect(compileWriter(fields)(row)).to.deep.equal({
      id: 'u"1',
      n: 5,
      x: 5,
      at: '1970-01-01T00:00:01.5Z',
      day: '1970-01-02',
      raw: 'AP8=',
      price: '12.5',
      tags: ['a', null],
      place: { lat: 2 },
    });
    const written = compileWriter([{ name: '__proto__', type: scalar('int') }])([1]);
    expect(JSON.stringify(written)).to.equal('{"__proto__":1}');
  });

  it('keeps floats apart from ints in text (REST 11)', () => {
    expect(writeJsonValue({ kind: 'struct', fields, optional: false }, row)).to.equal(
      '{"id":"u\\"1","n":5,"x":5.0,"at":"1970-01-01T00:00:01.5Z","day":"1970-01-02","raw":"AP8=","price":"12.5","tags":["a",null],"place":{"lat":2.0}}',
    );
    expect([0, -3, 1.5, 1e21, 1e-7, null].map((value) => writeJsonValue(scalar('float', true), value))).to.deep.equal([
      '0.0',
      '-3.0',
      '1.5',
      '1e+21',
      '1e-7',
      'null',
    ]);
  });
});

describe("authors' values", () => {
  it('are what the face declares, and come back', () => {
    const author = compileToAuthor(fields, Decimal)(row);
    expect(author.at).to.be.instanceOf(Date);
    expect(author.price).to.be.instanceOf(Decimal);
    expect(author).to.deep.include({ day: '1970-01-02', tags: ['a', null], place: { lat: 2 } });
    expect(compileFromAuthor(fields, 'f')(author)).to.deep.equal(row);
  });

  it('share nothing that the author could write to', () => {
    const author = compileToAuthor(fields, Decimal)(row);
    if (author.raw instanceof Uint8Array) author.raw[0] = 9;
    if (Array.isArray(author.tags)) author.tags.push('b');
    expect([...(row[5] as Uint8Array)]).to.deep.equal([0, 255]);
    expect(row[7]).to.deep.equal(['a', null]);
  });

  it('are refused with the place where they do not fit', () => {
    const from =
      (kind: ScalarKind, x: unknown): (() => Row) =>
      () =>
        compileFromAuthor([{ name: 'x', type: scalar(kind) }], 'Order.risk')({ x });
    expect(from('timestamp', 5)).to.throw('Order.risk.x: expected a timestamp, got number 5: give a Date');
    expect(from('timestamp', new Date(Number.NaN))).to.throw('no timestamp');
    expect(from('float', Number.NaN)).to.throw('expected a float, got number NaN');
    expect(from('int', undefined)).to.throw('required, but missing');
    expect(from('decimal', 5)).to.throw('give a Decimal');
    expect(from('decimal', [1])).to.throw('give a Decimal');
    expect(from('decimal', Object.create(null))).to.throw('give a Decimal');
    expect(from('bytes', 'AP8=')).to.throw('expected bytes');
  });
});

describe('decimals and texts', () => {
  it('have one text for one number', () => {
    const cases: [string, string | undefined][] = [
      ['0', '0'],
      ['-0.00', '0'],
      ['+1.0', '1'],
      ['.5', '0.5'],
      ['5.', '5'],
      ['-00012.340', '-12.34'],
      ['1E+5', '100000'],
      ['12e-3', '0.012'],
      ['120e-1', '12'],
      ['1e-100', `0.${'0'.repeat(99)}1`],
      ['', undefined],
      ['-', undefined],
      ['1e', undefined],
      ['1e-101', undefined],
      ['0x1', undefined],
      ['1 ', undefined],
      ['1e101', undefined],
    ];
    for (const [text, canonical] of cases) expect(canonicalDecimal(text), text).to.equal(canonical);
  });

  it('are ordered as numbers', () => {
    const ascending = [
      '-100',
      '-12.34',
      '-12.3',
      '-0.5',
      '0',
      '0.05',
      '0.5',
      '1',
      '9',
      '10',
      '10.01',
      '123456789012345678901234567890',
      '123456789012345678901234567890.1',
    ];
    ascending.forEach((a, i) =>
      ascending.forEach((b, j) => expect(Math.sign(compareDecimals(a, b)), `${a} ${b}`).to.equal(Math.sign(i - j))),
    );
  });

  it('are ordered by code point', () => {
    const ascending = ['', 'A', 'a', 'aa', 'b', 'é', '\u{d7ff}', '\u{e000}', '\u{ff5e}', '\u{1f600}', '\u{1f601}'];
    ascending.forEach((a, i) => ascending.forEach((b, j) => expect(Math.sign(compareText(a, b)), `${a} ${b}`).to.equal(Math.sign(i - j))));
  });
});
