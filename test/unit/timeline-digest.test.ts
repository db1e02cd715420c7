import { expect } from 'chai';
import { countBelow, countUpTo, type Digest, digestWeight } from '../../libs/timeline/digest.js';
import { digestValues, mergeDigests } from '../../libs/timeline/digest-builder.js';

/** As many as a sealed page of level 1 has rows. */
const LENGTH = 2_048;

/** Sets on which a line over a bucket is as wrong as can be: the values of each lie at one end of it. */
const sets: Record<string, (index: number) => number> = {
  even: (index) => index,
  'ever wider': (index) => 1.3 ** index,
  'ever wider to both sides': (index) => Math.sign(index - 1_000) * 1.3 ** Math.abs(index - 1_000),
  'clusters of 30': (index) => Math.floor(index / 30) * 1e6 + (index % 30) ** 4,
  'repeated a little': (index) => Math.floor(index / 3),
  'repeated a lot': (index) => Math.floor(index / 500),
  'the same': () => 5,
  'two far humps': (index) => (index < 1_000 ? -1e300 : 1e300) * (1 + (index % 1_000) ** 2 / 1e7),
};

/** The greatest error of both counts at any value and between any two, as a share, within the quantiles given. */
function errorMax(digest: Digest, values: Float64Array, { from, to }: { readonly from: number; readonly to: number }): number {
  const sorted = values.slice().sort();
  let worst = 0;
  const check = (x: number, below: number, upTo: number): void => {
    if (upTo < from * sorted.length || below > to * sorted.length) return;
    worst = Math.max(worst, Math.abs(countUpTo(digest, x) - upTo), Math.abs(countBelow(digest, x) - below));
  };
  for (let start = 0; start < sorted.length;) {
    const x = sorted[start] ?? 0;
    let end = start;
    while (sorted[end] === x) end++;
    check(x, start, end);
    const next = sorted[end];
    if (next !== undefined) check(x / 2 + next / 2, end, end);
    start = end;
  }
  return worst / sorted.length;
}

function shuffled(values: Float64Array): Float64Array {
  return values.map((_, index) => values[(index * 1_237) % values.length] ?? 0);
}

describe('digests (S9)', () => {
  for (const [name, make] of Object.entries(sets)) {
    const values = Float64Array.from({ length: LENGTH }, (_, index) => make(index));

    it(`keep to their bounds by construction: ${name}`, () => {
      const digest = digestValues(values.slice());
      expect(digestWeight(digest)).to.equal(LENGTH);
      expect(errorMax(digest, values, { from: 0, to: 1 })).to.be.at.most(0.005);
      expect(errorMax(digest, values, { from: 0, to: 0.01 })).to.be.at.most(0.001);
      expect(errorMax(digest, values, { from: 0.99, to: 1 })).to.be.at.most(0.001);
      expect(digest.low.length).to.be.below(500);
    });

    it(`depend on the values alone: ${name} (S4)`, () => {
      expect(digestValues(shuffled(values))).to.deep.equal(digestValues(values.slice()));
    });
  }

  it('lose little when they are merged, level upon level', () => {
    const random = (index: number): number => Math.exp(Math.sin(index * 12.9898) * 5) + Math.round(Math.sin(index) * 3) * 40;
    const parts = Array.from({ length: 64 }, (_, part) =>
      Float64Array.from({ length: LENGTH }, (_, index) => random(part * LENGTH + index) + part),
    );
    const digests = parts.map((values) => digestValues(values.slice()));
    const merged = mergeDigests([0, 16, 32, 48].map((start) => mergeDigests(digests.slice(start, start + 16))));
    const all = Float64Array.from(parts.flatMap((values) => [...values]));
    expect(digestWeight(merged)).to.equal(all.length);
    expect(errorMax(merged, all, { from: 0, to: 1 })).to.be.at.most(0.005);
    expect(errorMax(merged, all, { from: 0.985, to: 1 })).to.be.at.most(0.001);
    expect(merged.low.length).to.be.below(600);
  });

  it('are merged where a value lies between two whose halves are the same', () => {
    const around = { low: Float64Array.of(-5e-324), high: Float64Array.of(5e-324), upTo: Float64Array.of(100) };
    const between = { low: Float64Array.of(0), high: Float64Array.of(0), upTo: Float64Array.of(3) };
    expect(digestWeight(mergeDigests([around, between]))).to.equal(103);
  });

  it('of nothing have no weight', () => {
    expect(digestWeight(digestValues(new Float64Array(0)))).to.equal(0);
    expect(digestWeight(mergeDigests([]))).to.equal(0);
    expect(countUpTo(digestValues(new Float64Array(0)), 5)).to.equal(0);
  });
});
