import assert from 'node:assert/strict';
import { countAt, countBelow, type Digest, lastAtMost } from './digest.js';

const scratch = new Float64Array(1);
const scratchBits = new BigInt64Array(scratch.buffer);
const MAGNITUDE_BITS = 0x7fff_ffff_ffff_ffffn;

/**
 * The values of a window by rank: raw ones sorted, and digests, whose counts are added where they are asked
 * for. Merging digests to answer would cost ten times as much and lose accuracy.
 */
export class RankSearch {
  readonly digests: Digest[] = [];
  #raw = new Float64Array(0);

  setRaw(sorted: Float64Array<ArrayBuffer>): void {
    this.#raw = sorted;
  }

  countBelow(x: number): number {
    let low = 0;
    let high = this.#raw.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#raw[middle]! < x) low = middle + 1;
      else high = middle;
    }
    return this.digests.reduce((sum, digest) => sum + countBelow(digest, x), low);
  }

  /**
   * The least value with at least `rank` values at or below it. Bisects over the doubles between the least and the
   * greatest value, so a point mass is met exactly; each list's part that is still in question shrinks on the way.
   */
  valueOfRank(rank: number, { min, max }: { readonly min: number; readonly max: number }): number {
    if (this.digests.length === 0) {
      const value = this.#raw[rank - 1];
      assert(value !== undefined);
      return value;
    }
    const lists = [this.#raw, ...this.digests.map((digest) => digest.low)];
    const [starts, ends, found] = [new Int32Array(lists.length).fill(-1), Int32Array.from(lists, (list) => list.length - 1), new Int32Array(lists.length)];
    // Below: fewer than `rank` values are at or below it. Enough: at least `rank` are.
    let [below, enough] = [toOrdinal(min) - 1n, toOrdinal(max)];
    while (enough - below > 1n) {
      const middle = (below + enough) >> 1n;
      const x = fromOrdinal(middle);
      let count = 0;
      for (let at = 0; at < lists.length; at++) {
        const index = lastAtMost(lists[at]!, x, starts[at]!, ends[at]!);
        found[at] = index;
        count += at === 0 ? index + 1 : countAt(this.digests[at - 1]!, index, x);
      }
      // Counts within buckets are fractions, and their sum may be rounded: half a value is no rank.
      const isEnough = count >= rank - ROUNDING;
      if (isEnough) enough = middle;
      else below = middle;
      (isEnough ? ends : starts).set(found);
    }
    return fromOrdinal(enough) + 0;
  }
}

const ROUNDING = 1e-6;

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
