import { expect } from 'chai';
import { JoinMarks } from '../../services/aggregator/join-marks.js';

const key = (text: string): Uint8Array => Buffer.from(text);

describe('join marks (S24)', () => {
  it('tell keys and datasets apart, with both ends included', () => {
    const marks = new JoinMarks(Number.NEGATIVE_INFINITY);
    marks.note('Price', key('a'), 10);
    marks.note('Price', key('a'), 7); // the newest counts
    expect([9, 10, 11].map((us) => marks.hasPassed('Price', key('a'), us))).to.deep.equal([true, true, false]);
    expect(marks.hasPassed('Price', key('b'), 9)).to.equal(false);
    expect(marks.hasPassed('Stock', key('a'), 9)).to.equal(false);
  });

  it('count what they no longer remember as joined, never as not', () => {
    const marks = new JoinMarks(5, 2);
    expect([5, 6].map((us) => marks.hasPassed('Price', key('never seen'), us))).to.deep.equal([true, false]);
    marks.note('Price', key('a'), 10);
    marks.note('Price', key('b'), 8);
    marks.note('Price', key('a'), 12); // remembered longer now
    marks.note('Price', key('c'), 20); // b goes
    expect([8, 9].map((us) => marks.hasPassed('Price', key('b'), us))).to.deep.equal([true, false]);
    expect([12, 13].map((us) => marks.hasPassed('Price', key('a'), us))).to.deep.equal([true, false]);
  });
});
