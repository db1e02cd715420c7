import assert from 'node:assert/strict';
import { countBelow, type Digest, lastAtMost } from './digest.js';
import { doubleBefore } from './double-ordinal.js';
import { RankHunt, type ValueRange } from './rank-hunt.js';
import { select } from './select.js';

/**
 * The values of a window by rank: loose ones, which are moved about but never sorted, those of leaves, which are in order, and
 * digests, whose counts are added where they are asked for. Merging digests to answer would cost ten times as much and
 * lose accuracy.
 */
export class RankSearch {
  readonly digests: Digest[] = [];
  readonly sorted: Float64Array[] = [];
  #raw = new Float64Array(0);
  readonly #found = new Map<number, number>();

  /** In any order; they belong to this search from now on. */
  setRaw(values: Float64Array<ArrayBuffer>): void {
    this.#raw = values;
  }

  countBelow(x: number): number {
    let count = 0;
    for (const value of this.#raw) if (value < x) count++;
    const before = doubleBefore(x);
    for (const values of this.sorted) count += lastAtMost(values, before, -1, values.length - 1) + 1;
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

  #find(rank: number, range: ValueRange): number {
    if (this.digests.length + this.sorted.length > 0)
      return new RankHunt({ raw: this.#raw, sorted: this.sorted, digests: this.digests }, rank, range).find();
    assert(rank >= 1 && rank <= this.#raw.length);
    return select(this.#raw, rank - 1);
  }
}
