import { countAt, type Digest, digestWeight, lastAtMost } from './digest.js';
import { partition } from './select.js';

const scratch = new Float64Array(1);
const scratchBits = new BigInt64Array(scratch.buffer);
const MAGNITUDE_BITS = 0x7fff_ffff_ffff_ffffn;

/** Counts within buckets are fractions, and their sum may be rounded: half a value is no rank. */
const ROUNDING = 1e-6;
/** Guesses from the counts at both ends; where they do not lead there, halving does. */
const GUESSES_MAX = 4;
/** From a guess the way to its other side is sought in steps that grow by this factor, the first being this long. */
const STEP_FACTOR = 16n;
const STEPS_MAX = 4;

/** Of all values. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Finds the least double at or below which at least `rank` of the values lie: raw ones, and those that digests
 * count. Narrows an interval of doubles, and with it each list's part that is still in question:
 *
 *   1. by the buckets' own ends, in turns the one where the rank should lie and the middle one of the longest list,
 *      until no digest has two left;
 *   2. by the last double before the end: where a value repeats, its point mass is the answer;
 *   3. by guesses: within a bucket the count is a line, so the first is off by a few doubles only;
 *   4. by halving, which needs some fifty rounds where it is left alone.
 */
export class RankHunt {
  readonly #digests: readonly Digest[];
  readonly #rank: number;
  readonly #raw: Float64Array;
  #rawStart = 0;
  #rawEnd: number;
  /** Of each digest the last bucket that begins at or before the interval's ends, and the one just looked for. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #found: Int32Array;
  // The interval, as ordinals. Below: fewer than `rank` are at or below it. Enough: at least `rank` are.
  #below: bigint;
  #enough: bigint;
  #countBelow = 0;
  #countEnough: number;

  /** The raw values are moved about. */
  constructor(raw: Float64Array, digests: readonly Digest[], rank: number, { min, max }: ValueRange) {
    this.#raw = raw;
    this.#digests = digests;
    this.#rank = rank;
    this.#rawEnd = raw.length;
    this.#starts = new Int32Array(digests.length).fill(-1);
    this.#ends = Int32Array.from(digests, ({ low }) => low.length - 1);
    this.#found = new Int32Array(digests.length);
    this.#below = toOrdinal(min) - 1n;
    this.#enough = toOrdinal(max);
    this.#countEnough = digests.reduce((sum, digest) => sum + digestWeight(digest), raw.length);
  }

  find(): number {
    this.#byBuckets();
    if (!this.#isFound) this.#probe(this.#enough - 1n);
    for (let guess = 0; guess < GUESSES_MAX && !this.#isFound; guess++) this.#byGuess();
    while (!this.#isFound) this.#probe((this.#below + this.#enough) >> 1n);
    return fromOrdinal(this.#enough) + 0;
  }

  get #isFound(): boolean {
    return this.#enough - this.#below <= 1n;
  }

  /** All but the last of two or more buckets begin strictly within the interval, since no two begin together. */
  #byBuckets(): void {
    for (let round = 0; ; round++) {
      let [longest, length] = [0, 1];
      for (let at = 0; at < this.#digests.length; at++) {
        const buckets = this.#ends[at]! - this.#starts[at]!;
        if (buckets > length) [longest, length] = [at, buckets];
      }
      if (length === 1) return;
      const bucket = round % 2 === 0 ? this.#likelyBucket(longest) : (this.#starts[longest]! + 1 + this.#ends[longest]!) >> 1;
      this.#probe(toOrdinal(this.#digests[longest]!.low[bucket]!));
    }
  }

  /** Where the digest's own share of the rank lies: a first look at the 95th of a hundred spares the raw values two halvings. */
  #likelyBucket(at: number): number {
    const { upTo } = this.#digests[at]!;
    const [start, end] = [this.#starts[at]!, this.#ends[at]!];
    const before = start < 0 ? 0 : upTo[start]!;
    const share = (this.#rank - this.#countBelow) / (this.#countEnough - this.#countBelow);
    return Math.min(end - 1, lastAtMost(upTo, before + share * (upTo[end]! - before), start, end) + 1);
  }

  #byGuess(): void {
    const [low, high] = [fromOrdinal(this.#below), fromOrdinal(this.#enough)];
    const share = (this.#rank - this.#countBelow) / (this.#countEnough - this.#countBelow);
    // By halves: values of opposite sign may be further apart than the greatest double.
    const guess = toOrdinal(2 * (low / 2 + share * (high / 2 - low / 2)));
    const within = (ordinal: bigint): bigint => (ordinal <= this.#below ? this.#below + 1n : ordinal >= this.#enough ? this.#enough - 1n : ordinal);
    const wasEnough = this.#probe(within(guess));
    for (let step = STEP_FACTOR, steps = 0; steps < STEPS_MAX && !this.#isFound; step *= STEP_FACTOR, steps++) {
      if (this.#probe(within(guess + (wasEnough ? -step : step))) !== wasEnough) return;
    }
  }

  /** Moves one end of the interval to `ordinal`, which lies within it. */
  #probe(ordinal: bigint): boolean {
    const x = fromOrdinal(ordinal);
    const rawCount = partition(this.#raw, x, { start: this.#rawStart, end: this.#rawEnd });
    let count = rawCount;
    for (let at = 0; at < this.#digests.length; at++) {
      const digest = this.#digests[at]!;
      const index = lastAtMost(digest.low, x, this.#starts[at]!, this.#ends[at]!);
      this.#found[at] = index;
      count += countAt(digest, index, x);
    }
    const isEnough = count >= this.#rank - ROUNDING;
    if (isEnough) [this.#enough, this.#countEnough, this.#rawEnd] = [ordinal, count, rawCount];
    else [this.#below, this.#countBelow, this.#rawStart] = [ordinal, count, rawCount];
    (isEnough ? this.#ends : this.#starts).set(this.#found);
    return isEnough;
  }
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
