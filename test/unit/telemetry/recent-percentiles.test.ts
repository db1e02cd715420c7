import { expect } from 'chai';
import fc from 'fast-check';
import { RecentPercentiles } from '../../../libs/telemetry/recent-percentiles.js';
import { ManualClock } from '../../../libs/time/clock.js';

const START_US = 1_700_000_000_000_000;

/** How far the value lies from the rank that was asked for, as a share of all. */
function rankError(sorted: readonly number[], value: number, share: number): number {
  const below = sorted.filter((other) => other < value).length;
  const upTo = sorted.filter((other) => other <= value).length;
  const rank = share * sorted.length;
  return Math.max(0, below - rank, rank - upTo) / sorted.length;
}

describe('recent percentiles', () => {
  it('of nothing are none', () => {
    expect(new RecentPercentiles(new ManualClock(START_US)).read()).to.deep.equal({
      count: 0,
      p50: undefined,
      p95: undefined,
      p99: undefined,
      max: undefined,
    });
  });

  it('of one value are that value', () => {
    const percentiles = new RecentPercentiles(new ManualClock(START_US));
    percentiles.record(7);
    expect(percentiles.read()).to.deep.equal({ count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
  });

  it('keep to their bounds over whatever was recorded in the window', () => {
    const value = fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constantFrom(0, 1, 5), fc.integer({ min: 0, max: 100 }));
    fc.assert(
      fc.property(
        fc.array(fc.array(value, { minLength: 1, maxLength: 4_000, size: 'max' }), { minLength: 1, maxLength: 5 }),
        (tenSeconds) => {
          const clock = new ManualClock(START_US);
          const percentiles = new RecentPercentiles(clock);
          for (const values of tenSeconds) {
            for (const one of values) percentiles.record(one);
            clock.advance(10_000);
          }
          const sorted = tenSeconds.flat().sort((a, b) => a - b);
          const { count, p50, p95, p99, max } = percentiles.read();
          expect({ count, max }).to.deep.equal({ count: sorted.length, max: sorted.at(-1) });
          const slack = 0.02 + 1 / sorted.length;
          expect(rankError(sorted, p50 ?? Number.NaN, 0.5)).to.be.at.most(slack);
          expect(rankError(sorted, p95 ?? Number.NaN, 0.95)).to.be.at.most(slack);
          expect(rankError(sorted, p99 ?? Number.NaN, 0.99)).to.be.at.most(slack);
        },
      ),
      { numRuns: 20 },
    );
  }).timeout(60_000);

  it('forget what is older than a minute, and keep what is younger than fifty seconds', () => {
    const clock = new ManualClock(START_US);
    const percentiles = new RecentPercentiles(clock);
    percentiles.record(1_000);
    clock.advance(49_000);
    percentiles.record(1);
    expect(percentiles.read()).to.include({ count: 2, max: 1_000 });
    clock.advance(11_000);
    expect(percentiles.read()).to.include({ count: 1, max: 1 });
    clock.advance(600_000);
    expect(percentiles.read().count).to.equal(0);
  });

  it('of very many values are close', () => {
    const percentiles = new RecentPercentiles(new ManualClock(START_US));
    for (let index = 0; index < 200_000; index++) percentiles.record((index * 7_919) % 200_003);
    const { p50, p99 } = percentiles.read();
    expect(p50).to.be.within(98_000, 102_000);
    expect(p99).to.be.within(197_000, 199_000);
  }).timeout(20_000);
});
