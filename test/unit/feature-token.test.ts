import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { ThymeError } from '../../libs/errors/errors.js';
import { decodeToken, encodeToken } from '../../libs/feature/token.js';
import { TEST_TOKEN_KEY } from '../support/test-keys.js';

describe('tokens (S21)', () => {
  it('come back as they were', () => {
    for (const token of [
      {
        marks: [
          { topic: 'd.Order.v1', partition: 3, nextOffset: 12_345_678_901 },
          { topic: 'd.Bün.v1', partition: 0, nextOffset: 0 },
        ],
        eventTimeUs: 1_769_860_800_000_001,
      },
      { marks: [], eventTimeUs: Number.NEGATIVE_INFINITY },
    ]) {
      const text = encodeToken(token, TEST_TOKEN_KEY);
      expect(text).to.match(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}$/);
      expect(decodeToken(text, TEST_TOKEN_KEY)).to.deep.equal(token);
    }
  });

  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  /** What somebody who has the key would make of it. */
  const signed = (value: unknown): string => {
    const payload = encoded(value);
    const mac = createHmac('sha256', TEST_TOKEN_KEY()).update(payload).digest().subarray(0, 16);
    return `${payload}.${mac.toString('base64url')}`;
  };
  const refusal = (text: string): string => {
    try {
      decodeToken(text, TEST_TOKEN_KEY);
      return 'none';
    } catch (error) {
      expect(error, text.slice(0, 40)).to.be.instanceOf(ThymeError).with.property('status', 'INVALID_ARGUMENT');
      return (error as ThymeError).message;
    }
  };

  it('are refused when they are no tokens', () => {
    const wrong = [
      '',
      '###',
      'abc',
      'x'.repeat(300_000),
      '.',
      '..',
      `${signed([2, 0, []])}.x`,
      encoded({}),
      encoded([]),
      signed({}),
      signed([]),
    ];
    const broken = [
      [2, 0],
      [2, 'soon', []],
      [2, 1.5, []],
      [2, 0, [['d', 0]]],
      [2, 0, [['d', -1, 0]]],
      [2, 0, [[1, 0, 0]]],
      [2, 0, [['d', 0, 0.5]]],
      [2, 0, Array.from({ length: 1_025 }, () => ['d', 0, 0])],
    ];
    for (const text of [...wrong, ...broken.map(signed)]) expect(refusal(text), text.slice(0, 40)).to.not.equal('none');
    expect(refusal(signed([2, 0, []]))).to.equal('none');
  });

  it('are refused when they were made up, changed, or made by another deployment', () => {
    const genuine = encodeToken({ marks: [{ topic: 'd.Order.v1', partition: 0, nextOffset: 5 }], eventTimeUs: 1e15 }, TEST_TOKEN_KEY);
    const [payload = '', mac = ''] = genuine.split('.');
    const later = encoded([2, 8e15, [['d.Order.v1', 0, 5]]]);
    const foreign = encodeToken({ marks: [], eventTimeUs: 1e15 }, () => Buffer.alloc(32, 8));
    for (const text of [`${later}.${mac}`, `${payload}.`, payload, `${payload}.${mac.slice(0, -1)}`, `${payload}.${mac}A`, foreign])
      expect(refusal(text), text).to.match(/not of this deployment/);
  });

  it('of before they were authenticated are refused as such', () => {
    expect(refusal(encoded([1, 0, [['d.Order.v1', 0, 5]]]))).to.match(/another version/);
  });

  it('of a process that does not know the secret yet are neither taken nor refused', () => {
    const unknown = (): Uint8Array => {
      throw new ThymeError('THYME_SECRET_UNKNOWN', 'UNAVAILABLE', 'not yet');
    };
    expect(() => decodeToken(signed([2, 0, []]), unknown)).to.throw('not yet');
  });
});
