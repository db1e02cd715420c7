import { expect } from 'chai';
import fc from 'fast-check';
import { formatTimestamp, parseTimestamp } from '../../libs/time/timestamp.js';

const NEW_YEAR_US = 1_767_225_600_000_000; // 2026-01-01T00:00:00Z

describe('timestamps (S1)', () => {
  it('are read in every form that clients send', () => {
    const half = NEW_YEAR_US + 500_000;
    const forms: [unknown, number][] = [
      ['2026-01-01T00:00:00Z', NEW_YEAR_US],
      ['2026-01-01 00:00:00', NEW_YEAR_US],
      ['2026-01-01', NEW_YEAR_US],
      ['2026-01-01 00:00:00.500000+00:00', half],
      ['2026-01-01T01:30:00.5+01:30', half],
      ['2025-12-31T23:00:00.5-01:00', half],
      [new Date(NEW_YEAR_US / 1_000), NEW_YEAR_US],
      [1_767_225_600, NEW_YEAR_US],
      [1_767_225_600.5, half],
      ['1767225600', NEW_YEAR_US],
      ['1767225600.25', NEW_YEAR_US + 250_000],
      ['1767225600.0000015', NEW_YEAR_US + 2],
      ['1969-12-31T23:59:59.999999Z', -1],
      ['-0.000001', -1],
      [0, 0],
    ];
    for (const [input, us] of forms) expect(parseTimestamp(input), String(input)).to.equal(us);
  });

  it('are refused with the fix when malformed', () => {
    for (const input of [
      'None',
      '',
      'now',
      '2026-02-30',
      '2026-13-01',
      '2026-01-01T24:00:00Z',
      '2026-01-01T00:00:00.1234567Z',
      Number.NaN,
      Infinity,
      1e300,
      null,
      undefined,
      {},
      new Date(Number.NaN),
    ]) {
      expect(() => parseTimestamp(input)).to.throw(RangeError, 'RFC 3339');
    }
  });

  it('come back from their text to the microsecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: -8_000_000_000_000_000, max: 9_000_000_000_000_000 }), (us) => {
        expect(parseTimestamp(formatTimestamp(us))).to.equal(us);
      }),
    );
  });

  it('are written with as many fraction digits as needed', () => {
    expect([0, 500_000, 1, -1].map((us) => formatTimestamp(NEW_YEAR_US + us))).to.deep.equal([
      '2026-01-01T00:00:00Z',
      '2026-01-01T00:00:00.5Z',
      '2026-01-01T00:00:00.000001Z',
      '2025-12-31T23:59:59.999999Z',
    ]);
  });

  it('reads the usual form as it reads the same instant in another one', () => {
    const texts = [
      '1000-01-01T00:00:00Z',
      '9999-12-28T23:59:59.999999Z',
      '2026-02-28T23:59:59.1Z',
      '2024-02-29T00:00:00Z',
      '2026-01-31T12:00:00.000001Z',
      '0999-12-31T23:59:59Z',
      '0099-01-01T00:00:00Z',
    ];
    // A zone of its own goes by the general expression.
    for (const text of texts) {
      const read = (form: string): number | string => {
        try {
          return parseTimestamp(form);
        } catch (error) {
          return error instanceof RangeError ? 'refused' : 'failed';
        }
      };
      expect(read(text), text).to.equal(read(text.replace('Z', '+00:00')));
    }
    for (const text of [
      '2026-02-29T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-00-01T00:00:00Z',
      '2026-01-00T00:00:00Z',
      '2026-01-01T24:00:00Z',
      '2026-01-01T00:60:00Z',
      '2026-01-01T00:00:60Z',
      '2026-01-01T00:00:00.Z',
      '2026-01-01T00:00:00.1234567Z',
      '2026-01-01T00:00:0xZ',
      '2026-01-01T00:00:00.-1Z',
    ])
      expect(() => parseTimestamp(text), text).to.throw(RangeError);
  });
});
