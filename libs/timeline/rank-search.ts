import assert from 'node:assert/strict';
import { countAt, countBelow, type Digest, lastAtMost } from './digest.js';
import { partition, select } from './select.js';

const scratch = new Float64Array(1);
const scratchBits = new BigInt64Array(scratch.buffer);
const MAGNITUDE_BITS = 0x7fff_ffff_ffff_ffffn;

/**
 * The values of a window by rank: raw ones, which are moved about but never sorted, and digests, whose
 * counts are added where they are asked for. Merging digests to answer would cost ten times as much and
 * lose accuracy.
 */
export class RankSearch {
  readonly digests: Digest[] = [];
  #raw = new Float64Array(0);
  readonly #found = new Map<number, number>();

  /** In any order; they belong to this search from now on. */
  setRaw(values: Float64Array<ArrayBuffer>): void {
    this.#raw = values;
  }

  countBelow(x: number): number {
    let count = 0;
    for (const value of this.#raw) if (value < x) count++;
    return this.digests.reduce((sum, digest) => sum + countBelow(digest, x), count);
  }

  /** The least value with at least `rank` values at or below it; asked again, as it was found. */
  valueOfRank(rank: number, range: ValueRange): number {
    let value = this.#found.get(rank);
    if (value === undefined) {
      value = this.#find(rank, range);
      this.#found.set(rank, value);
    }
    return value;
  }

  /**
   * Bisects over the doubles between the least and the
   * greatest value, so a point mass is met exactly; each list's part that is still in question shrinks on the way.
   */
  #find(rank: number, { min, max }: ValueRange): number {
    if (this.digests.length === 0) {
      assert(rank >= 1 && rank <= this.#raw.length);
      return select(this.#raw, rank - 1);
    }
    const { digests } = this;
    const [starts, ends, found] = [new Int32Array(digests.length).fill(-1), Int32Array.from(digests, ({ low }) => low.length - 1), new Int32Array(digests.length)];
    const raw = { start: 0, end: this.#raw.length };
    // Below: fewer than `rank` values are at or below it. Enough: at least `rank` are.
    let [below, enough] = [toOrdinal(min) - 1n, toOrdinal(max)];
    while (enough - below > 1n) {
      const middle = (below + enough) >> 1n;
      const x = fromOrdinal(middle);
      const rawCount = partition(this.#raw, x, raw);
      let count = rawCount;
      for (let at = 0; at < digests.length; at++) {
        const index = lastAtMost(digests[at]!.low, x, starts[at]!, ends[at]!);
        found[at] = index;
        count += countAt(digests[at]!, index, x);
      }
      // Counts within buckets are fractions, and their sum may be rounded: half a value is no rank.
      const isEnough = count >= rank - ROUNDING;
      if (isEnough) [enough, raw.end] = [middle, rawCount];
      else [below, raw.start] = [middle, rawCount];
      (isEnough ? ends : starts).set(found);
    }
    return fromOrdinal(enough) + 0;
  }
}

const ROUNDING = 1e-6;

/** Of all values. */
interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/** Doubles as integers in the same order, 1 apart for neighbours. */
function toOrdinal(value: number): bigint {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  return bits >= 0n ? bits : -(bits & MAGNITUDE_BITS);
}

function fromOrdinal(ordinal: bigint): number {
  scratchBits[0] = ordinal >= 0n ? ordinal : -ordinal;
  return ordinal >= 0n ? scratch[0]! : -scratch[0]!;
}
