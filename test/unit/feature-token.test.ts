import { expect } from 'chai';
import { ThymeError } from '../../libs/errors/errors.js';
import { decodeToken, encodeToken } from '../../libs/feature/token.js';

describe('tokens (S21)', () => {
  it('come back as they were', () => {
    for (const token of [
      { marks: [{ topic: 'd.Order.v1', partition: 3, nextOffset: 12_345_678_901 }, { topic: 'd.Bün.v1', partition: 0, nextOffset: 0 }], eventTimeUs: 1_769_860_800_000_001 },
      { marks: [], eventTimeUs: Number.NEGATIVE_INFINITY },
    ]) {
      const text = encodeToken(token);
      expect(text).to.match(/^[A-Za-z0-9_-]+$/);
      expect(decodeToken(text)).to.deep.equal(token);
    }
  });

  it('are refused when they are no tokens', () => {
    const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const wrong = ['', '###', 'abc', 'x'.repeat(300_000), encoded({}), encoded([]), encoded([2, 0, []]), encoded([1, 0]), encoded([1, 'soon', []]), encoded([1, 1.5, []]),
      encoded([1, 0, [['d', 0]]]), encoded([1, 0, [['d', -1, 0]]]), encoded([1, 0, [[1, 0, 0]]]), encoded([1, 0, [['d', 0, 0.5]]]), encoded([1, 0, Array.from({ length: 1_025 }, () => ['d', 0, 0])])];
    for (const text of wrong) {
      expect(() => decodeToken(text), text.slice(0, 40)).to.throw(ThymeError).with.property('status', 'INVALID_ARGUMENT');
    }
  });
});
