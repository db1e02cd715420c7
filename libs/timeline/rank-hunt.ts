import { countAt, type Digest, digestWeight, lastAtMost } from './digest.js';
import { doubleBefore, fromOrdinal, toOrdinal } from './double-ordinal.js';
import { partition } from './select.js';

/** Counts within buckets are fractions, and their sum may be rounded: half a value is no rank. */
const ROUNDING = 1e-6;
/** Guesses from the counts at both ends; where they do not lead there, halving does. */
const GUESSES_MAX = 4;
/** From a guess the way to its other side is sought in steps that grow by this factor, the first being this long. */
const STEP_FACTOR = 16n;
const STEPS_MAX = 4;
/** Among so few doubles, halving finds the right one sooner than another guess. */
const HALVED_DOUBLES = 64n;

/** Between which all values lie. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/** The values of a window, as they come. */
export interface RankedValues {
  /** In any order; they are moved about. */
  readonly raw: Float64Array;
  /** Lists in order. */
  readonly sorted: readonly Float64Array[];
  readonly digests: readonly Digest[];
}

/**
 * Finds the least double at or below which at least `rank` of the values lie. Narrows an interval of doubles, and
 * with it each list's part that is still in question:
 *
 *   1. by the values themselves and the digests' buckets' begins: of the longest part in turns the one where the rank should lie
 *      and the middle one, until none lies strictly within;
 *   2. where no bucket is open there, the count is level up to the interval's end, which is the answer;
 *   3. by the ends of open buckets; between them the count is a line;
 *   4. by guesses along that line, the first of which is off by a few doubles only;
 *   5. by halving, which needs some fifty rounds where it is left alone.
 */
export class RankHunt {
  readonly #rank: number;
  readonly #raw: Float64Array;
  readonly #sorted: readonly Float64Array[];
  readonly #digests: readonly Digest[];
  // The interval: fewer than `rank` values are at or below `below`, at least `rank` at or below `enough`.
  #below: number;
  #enough: number;
  #countBelow = 0;
  #countEnough: number;
  /** Raw values strictly within the interval. */
  #rawStart = 0;
  #rawEnd: number;
  /** Which values of each list lie strictly within: from, and up to; and how many were just counted. */
  readonly #from: Int32Array;
  readonly #upTo: Int32Array;
  readonly #counted: Int32Array;
  /** The last bucket of each digest that begins at or before the interval's ends, and the one just looked for. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #found: Int32Array;

  constructor({ raw, sorted, digests }: RankedValues, rank: number, { min, max }: ValueRange) {
    this.#raw = raw;
    this.#sorted = sorted;
    this.#digests = digests;
    this.#rank = rank;
    this.#below = doubleBefore(min);
    this.#enough = max;
    const belowMax = doubleBefore(max);
    this.#rawEnd = partition(raw, belowMax, { start: 0, end: raw.length });
    [this.#from, this.#upTo, this.#counted] = [new Int32Array(sorted.length), new Int32Array(sorted.length), new Int32Array(sorted.length)];
    [this.#starts, this.#ends, this.#found] = [
      new Int32Array(digests.length),
      new Int32Array(digests.length),
      new Int32Array(digests.length),
    ];
    this.#countEnough = raw.length;
    for (let at = 0; at < sorted.length; at++) {
      const values = sorted[at]!;
      this.#upTo[at] = lastAtMost(values, belowMax, -1, values.length - 1) + 1;
      this.#countEnough += values.length;
    }
    for (let at = 0; at < digests.length; at++) {
      const digest = digests[at]!;
      [this.#starts[at], this.#ends[at]] = [-1, digest.low.length - 1];
      this.#countEnough += digestWeight(digest);
    }
  }

  find(): number {
    for (let round = 0; ; round++) {
      const candidate = this.#candidate(round % 2 === 0);
      if (candidate === undefined) break;
      this.#probe(candidate);
    }
    for (let end = this.#openEnd(); end !== undefined; end = this.#openEnd()) {
      // The count is level from here on: what is enough is the answer.
      if (end === Number.POSITIVE_INFINITY) return this.#enough + 0;
      this.#probe(end);
    }
    for (let guess = 0; guess < GUESSES_MAX && this.#doublesLeft() > HALVED_DOUBLES; guess++) this.#byGuess();
    while (this.#doublesLeft() > 1n) this.#probe(fromOrdinal((toOrdinal(this.#below) + toOrdinal(this.#enough)) >> 1n));
    return this.#enough + 0;
  }

  /** How many doubles the answer may be. */
  #doublesLeft(): bigint {
    return toOrdinal(this.#enough) - toOrdinal(this.#below);
  }

  /** A value or a bucket's begin strictly within the interval, from the part that has the most of them. */
  #candidate(likely: boolean): number | undefined {
    const share = (this.#rank - this.#countBelow) / (this.#countEnough - this.#countBelow);
    let [longest, candidate] = [this.#rawEnd - this.#rawStart, this.#raw[(this.#rawStart + this.#rawEnd) >> 1]];
    for (let at = 0; at < this.#sorted.length; at++) {
      const length = this.#upTo[at]! - this.#from[at]!;
      if (length <= longest) continue;
      [longest, candidate] = [
        length,
        this.#sorted[at]![this.#from[at]! + Math.min(length - 1, Math.floor(length * (likely ? share : 0.5)))],
      ];
    }
    for (let at = 0; at < this.#digests.length; at++) {
      const { low } = this.#digests[at]!;
      let end = this.#ends[at]!;
      // Several buckets may begin with one value, where others end with it: none of them begins strictly within.
      while (end > this.#starts[at]! && low[end] === this.#enough) end -= 1;
      const length = end - this.#starts[at]!;
      if (length > longest)
        [longest, candidate] = [length, low[likely ? this.#likelyBucket(at, length, share) : this.#starts[at]! + ((length + 1) >> 1)]];
    }
    return longest === 0 ? undefined : candidate;
  }

  /** Where the digest's own share of the rank lies: a first look at the 95th of a hundred spares the others two halvings. */
  #likelyBucket(at: number, length: number, share: number): number {
    const { upTo } = this.#digests[at]!;
    const [start, last] = [this.#starts[at]!, this.#starts[at]! + length];
    const before = start < 0 ? 0 : upTo[start]!;
    return Math.min(last, lastAtMost(upTo, before + share * (upTo[last]! - before), start, last) + 1);
  }

  /**
   * Once no bucket begins within: the first end of one that is open there, infinity where none is, or undefined where
   * none ends before the interval does.
   */
  #openEnd(): number | undefined {
    let [first, isOpen] = [Number.POSITIVE_INFINITY, false];
    for (let at = 0; at < this.#digests.length; at++) {
      const start = this.#starts[at]!;
      if (start < 0) continue;
      const end = this.#digests[at]!.high[start]!;
      if (end <= this.#below) continue;
      isOpen = true;
      if (end < first) first = end;
    }
    return isOpen && first >= this.#enough ? undefined : first;
  }

  #byGuess(): void {
    const guess = toOrdinal(this.#alongTheLine());
    const wasEnough = this.#probeOrdinal(guess);
    for (let step = STEP_FACTOR, steps = 0; steps < STEPS_MAX && this.#doublesLeft() > 1n; step *= STEP_FACTOR, steps++) {
      if (this.#probeOrdinal(guess + (wasEnough ? -step : step)) !== wasEnough) return;
    }
  }

  /**
   * Where the count is enough if it goes on as it does at the interval's begin. By halves: values of opposite sign may
   * be further apart than the greatest double.
   */
  #alongTheLine(): number {
    let slope = 0;
    for (let at = 0; at < this.#digests.length; at++) {
      const start = this.#starts[at]!;
      if (start < 0) continue;
      const { low, high, upTo } = this.#digests[at]!;
      const halfWidth = high[start]! / 2 - low[start]! / 2;
      const weight = upTo[start]! - (start === 0 ? 0 : upTo[start - 1]!);
      if (halfWidth > 0 && high[start]! > this.#below) slope += Math.max(0, weight - 1) / halfWidth;
    }
    return 2 * (this.#below / 2 + (this.#rank - ROUNDING - this.#countBelow) / slope);
  }

  /** As near to it as the interval has doubles. */
  #probeOrdinal(ordinal: bigint): boolean {
    const [below, enough] = [toOrdinal(this.#below), toOrdinal(this.#enough)];
    return this.#probe(fromOrdinal(ordinal <= below ? below + 1n : ordinal >= enough ? enough - 1n : ordinal));
  }

  /** Moves one end of the interval to x, which lies strictly within it. */
  #probe(x: number): boolean {
    const rawCount = partition(this.#raw, x, { start: this.#rawStart, end: this.#rawEnd });
    let count = rawCount;
    for (let at = 0; at < this.#sorted.length; at++)
      count += this.#counted[at] = lastAtMost(this.#sorted[at]!, x, this.#from[at]! - 1, this.#upTo[at]! - 1) + 1;
    // Whole numbers first, then the digests in their order: so a sum is rounded alike, whichever way its values came (S4).
    for (let at = 0; at < this.#digests.length; at++) {
      const digest = this.#digests[at]!;
      const index = lastAtMost(digest.low, x, this.#starts[at]!, this.#ends[at]!);
      this.#found[at] = index;
      count += countAt(digest, index, x);
    }
    const isEnough = count >= this.#rank - ROUNDING;
    if (isEnough) this.#endAt(x, count, rawCount);
    else this.#beginAt(x, count, rawCount);
    return isEnough;
  }

  #endAt(x: number, count: number, rawCount: number): void {
    [this.#enough, this.#countEnough] = [x, count];
    // What equals x is not strictly within any more.
    const before = doubleBefore(x);
    this.#rawEnd = partition(this.#raw, before, { start: this.#rawStart, end: rawCount });
    for (let at = 0; at < this.#sorted.length; at++)
      this.#upTo[at] = lastAtMost(this.#sorted[at]!, before, this.#from[at]! - 1, this.#counted[at]! - 1) + 1;
    this.#ends.set(this.#found);
  }

  #beginAt(x: number, count: number, rawCount: number): void {
    [this.#below, this.#countBelow] = [x, count];
    this.#rawStart = rawCount;
    this.#from.set(this.#counted);
    this.#starts.set(this.#found);
  }
}
