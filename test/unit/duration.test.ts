import { expect } from 'chai';
import { parseDurationUs } from '../../libs/time/duration.js';

describe('durations (S2)', () => {
  it('are counted in microseconds', () => {
    expect(['1s', '2m', '1h', '7d', '1w'].map(parseDurationUs)).to.deep.equal([1e6, 120e6, 3_600e6, 604_800e6, 604_800e6]);
  });

  it('are refused with the fix when malformed, zero or too long', () => {
    for (const text of ['0h', '1x', '1.5h', '-1h', '', '99999999999999w']) {
      expect(() => parseDurationUs(text), text).to.throw(RangeError, 'positive integer');
    }
  });
});
