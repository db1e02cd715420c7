import { expect } from 'chai';
import fc from 'fast-check';
import { countBelow, countUpTo, type Digest, digestWeight } from '../../libs/timeline/digest.js';
import { RankHunt } from '../../libs/timeline/rank-hunt.js';

/** Values of every size and sign, and so few that they repeat. */
const value = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
  fc.double({ min: 0, max: 1_000, noNaN: true }).map((x) => Math.round(x * 100) / 100),
);

/**
 * Buckets of a width, and point masses, between values in order; behind a point mass there may be a bucket that begins with its
 * value, as in merged digests.
 */
const digest = fc
  .array(fc.tuple(value, fc.constantFrom('line', 'point', 'point and line'), fc.integer({ min: 2, max: 500 })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((drawn): Digest => {
    const ends = [...new Map(drawn.map((bucket) => [bucket[0], bucket])).values()].sort(([a], [b]) => a - b);
    const [low, high, upTo]: [number[], number[], number[]] = [[], [], []];
    for (let at = 0; at < ends.length; at++) {
      const [start, kind, weight] = ends[at]!;
      const next = ends[at + 1];
      const add = (end: number): void => {
        low.push(start);
        high.push(end);
        upTo.push((upTo.at(-1) ?? 0) + weight);
      };
      if (kind !== 'line' || next === undefined) add(start);
      if (kind === 'point' || next === undefined) continue;
      add(next[0]);
      at++;
    }
    return { low: Float64Array.from(low), high: Float64Array.from(high), upTo: Float64Array.from(upTo) };
  });

const world = fc
  .record({
    raw: fc.array(value, { maxLength: 60 }),
    sorted: fc.array(
      fc.array(value, { maxLength: 40 }).map((list) => Float64Array.from(list).sort()),
      { maxLength: 5 },
    ),
    digests: fc.array(digest, { maxLength: 6 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .filter(({ raw, sorted, digests }) => raw.length + sorted.reduce((sum, { length }) => sum + length, 0) + digests.length > 0);

function rangeOf(raw: readonly number[], digests: readonly Digest[]) {
  const values = [...raw, ...digests.flatMap(({ low, high }) => [...low, ...high])];
  return { min: Math.min(...values), max: Math.max(...values) };
}

/** The greatest double below x. */
function before(x: number): number {
  if (x === 0) return -Number.MIN_VALUE;
  const bits = new BigInt64Array(1);
  const double = new Float64Array(bits.buffer);
  double[0] = x;
  bits[0]! += x > 0 ? -1n : 1n;
  return double[0];
}

describe('the hunt for a rank', () => {
  it('counts below a value none of the buckets that begin with it, point masses or not', () => {
    fc.assert(
      fc.property(digest, fc.nat(), (drawn, pick) => {
        const first = drawn.low.indexOf(drawn.low[pick % drawn.low.length]!);
        expect(countBelow(drawn, drawn.low[first]!)).to.equal(drawn.upTo[first - 1] ?? 0);
      }),
      { numRuns: 500 },
    );
  });

  it('ends at the least double with that many values at or below it', () => {
    fc.assert(
      fc.property(world, ({ raw, sorted, digests, share }) => {
        const single = [...raw, ...sorted.flatMap((list) => [...list])];
        const total = single.length + digests.reduce((sum, each) => sum + digestWeight(each), 0);
        const rank = Math.max(1, Math.ceil(share * total));
        const count = (x: number): number =>
          digests.reduce((sum, each) => sum + countUpTo(each, x), single.filter((each) => each <= x).length);
        const found = new RankHunt({ raw: Float64Array.from(raw), sorted, digests }, rank, rangeOf(single, digests)).find();
        expect(count(found)).to.be.at.least(rank - 1e-5);
        expect(count(before(found))).to.be.below(rank);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is exact where digests hold point masses only', () => {
    fc.assert(
      fc.property(world, ({ raw, sorted, digests, share }) => {
        const masses = digests.map(({ low, upTo }): Digest => ({ low, high: low, upTo }));
        const single = [...raw, ...sorted.flatMap((list) => [...list])];
        const all = [
          ...single,
          ...masses.flatMap(({ low, upTo }) => [...low].flatMap((x, at) => new Array<number>(upTo[at]! - (upTo[at - 1] ?? 0)).fill(x))),
        ].sort((a, b) => a - b);
        const rank = Math.max(1, Math.ceil(share * all.length));
        expect(new RankHunt({ raw: Float64Array.from(raw), sorted, digests: masses }, rank, rangeOf(single, masses)).find()).to.equal(
          all[rank - 1],
        );
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same bytes whichever way single values come (S4)', () => {
    fc.assert(
      fc.property(world, ({ raw, sorted, digests, share }) => {
        const single = [...raw, ...sorted.flatMap((list) => [...list])];
        const total = single.length + digests.reduce((sum, each) => sum + digestWeight(each), 0);
        const rank = Math.max(1, Math.ceil(share * total));
        const loose = new RankHunt({ raw: Float64Array.from(single), sorted: [], digests }, rank, rangeOf(single, digests)).find();
        expect(new RankHunt({ raw: Float64Array.from(raw), sorted, digests }, rank, rangeOf(single, digests)).find()).to.equal(loose);
      }),
      { numRuns: 500 },
    );
  });
});
