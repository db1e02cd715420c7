import { expect } from 'chai';
import fc from 'fast-check';
import { judge, quantile, secondHalf, slopePerHour, type Point } from '../../infra/soak/slope.js';
import { limitOf } from '../../infra/soak/soak-limits.js';

const MINUTE_MS = 60_000;
const limit = { perHourMax: 60, noise: 3, fillsTo: 50 };

/** One point a minute. */
function series(values: readonly number[]): readonly Point[] {
  return values.map((value, i) => ({ atMs: 1_700_000_000_000 + i * MINUTE_MS, value }));
}

function line(perMinute: number, length = 21, from = 100): readonly Point[] {
  return series(Array.from({ length }, (_, i) => from + i * perMinute));
}

describe('growth in a soak', () => {
  it('is the slope of the line, whatever it starts from', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -1_000, max: 1_000 }), (perMinute, from) => {
        expect(slopePerHour(line(perMinute, 15, from))).to.be.closeTo(perMinute * 60, 1e-6);
      }),
    );
  });

  it('is not bent by a few outliers', () => {
    const points = line(2).map((point, i) => (i % 7 === 3 ? { ...point, value: 10_000 } : point));
    expect(slopePerHour(points)).to.be.closeTo(120, 40);
  });

  it('is judged over the second half: a warm-up is none', () => {
    const warm = series([...Array.from({ length: 20 }, (_, i) => i * 50), ...Array.from({ length: 21 }, () => 1_000)]);
    expect(secondHalf(warm)).to.have.length(21);
    expect(judge(warm, limit)).to.deep.include({ first: 1_000, last: 1_000, perHour: 0, holds: true });
  });

  it('holds within the limit, within the noise, and while caches fill; else it does not', () => {
    expect(judge(line(1), limit).holds, '60 an hour').to.equal(true);
    expect(judge(line(2), limit).holds, '120 an hour').to.equal(false);
    expect(judge(line(2), { ...limit, noise: 20 }).holds, '20 over the ten minutes that are judged').to.equal(true);
    expect(judge(line(2, 21, 5), limit).holds, 'up to 45, where caches may fill to 50').to.equal(true);
    expect(judge(line(-2), limit).holds, 'shrinks').to.equal(true);
  });

  it('is 0 where there is too little to tell', () => {
    for (const points of [[], series([1]), series([1, 100, 1_000])]) expect(judge(points, limit)).to.include({ perHour: 0, holds: true });
  });

  it('has limits for every figure, and room for the caches that only an owner has', () => {
    for (const name of ['reader: heap', 'standby: rss', 'owner: descriptors', 'read p50', 'read p99', 'lag p99'])
      expect(limitOf(name).perHourMax, name).to.be.above(0);
    expect(limitOf('owner: heap').fillsTo).to.be.above(limitOf('reader: heap').fillsTo);
    expect(limitOf('owner: descriptors').fillsTo).to.equal(limitOf('reader: descriptors').fillsTo);
  });

  it('quantiles are of nearest rank', () => {
    expect([0, 0.5, 0.99, 1].map((q) => quantile([4, 1, 3, 2], q))).to.deep.equal([1, 2, 4, 4]);
    expect(quantile([], 0.5)).to.equal(0);
  });
});
