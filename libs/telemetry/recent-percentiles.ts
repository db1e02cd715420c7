import { TDigest, type Centroid } from 'tdigest';
import type { Clock } from '../time/clock.js';

/** What was measured in the last minute: count, quantiles and greatest, in the unit of what was recorded; undefined of nothing. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
  readonly max: number | undefined;
}

const SLICES = 6;
const SLICE_US = 10_000_000;
/** Values that are sorted and put into a digest together, half a millisecond's work: 0.15 µs for each, where one by itself costs 0.7. */
const WAITING_MAX = 4_096;
/** Values of those that waited that become one centroid: 1.6 % of them at most, and of a tail each by itself. */
const CENTROIDS_MIN = 64;
/** A digest is compressed when it has more than K / DELTA centroids, 500: with their tree, 60 KB. */
const DELTA = 0.01;
const K = 5;

interface Slice {
  /** Multiples of SLICE_US since 1970; -1 before the first value. */
  number: number;
  count: number;
  max: number;
  readonly digest: TDigest;
}

/**
 * Percentiles of the last fifty to sixty seconds, as digests of ten seconds each, of which the oldest is emptied for the next.
 * For the platform's own measurements: with errors of up to a percent of the rank, and within 400 KB however much is recorded.
 */
export class RecentPercentiles {
  readonly #clock: Clock;
  readonly #slices: readonly Slice[] = Array.from({ length: SLICES }, () => ({
    number: -1,
    count: 0,
    max: Number.NEGATIVE_INFINITY,
    digest: new TDigest(DELTA, K),
  }));
  /** Values that wait to be taken into the digest of one slice. */
  readonly #waiting = new Float64Array(WAITING_MAX);
  #waitingCount = 0;
  #waitingSlice = -1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whoever has just asked the clock says so: to ask it costs as much as all the rest here. */
  record(value: number, nowUs = this.#clock.nowUs()): void {
    const number = Math.floor(nowUs / SLICE_US);
    if (number !== this.#waitingSlice || this.#waitingCount === WAITING_MAX) {
      this.#digestWaiting();
      this.#waitingSlice = number;
    }
    this.#waiting[this.#waitingCount++] = value;
  }

  read(): Percentiles {
    this.#digestWaiting();
    const oldest = Math.floor(this.#clock.nowUs() / SLICE_US) - SLICES + 1;
    const recent = this.#slices.filter(({ number }) => number >= oldest);
    if (recent.length === 0) return { count: 0, p50: undefined, p95: undefined, p99: undefined, max: undefined };
    const all = new TDigest(DELTA, K);
    for (const { digest } of recent) all.push_centroid(digest.toArray());
    const max = Math.max(...recent.map((slice) => slice.max));
    const centroids = all.toArray();
    const count = recent.reduce((sum, slice) => sum + slice.count, 0);
    const at = (share: number): number => valueOfRank(centroids, Math.ceil(share * count)) ?? max;
    return { count, p50: at(0.5), p95: at(0.95), p99: at(0.99), max };
  }

  #digestWaiting(): void {
    if (this.#waitingCount === 0) return;
    const slice = this.#slices[this.#waitingSlice % SLICES];
    const values = this.#waiting.subarray(0, this.#waitingCount).sort();
    this.#waitingCount = 0;
    if (slice === undefined) return;
    if (slice.number !== this.#waitingSlice) {
      slice.number = this.#waitingSlice;
      slice.count = 0;
      slice.max = Number.NEGATIVE_INFINITY;
      slice.digest.reset();
    }
    slice.count += values.length;
    slice.max = Math.max(slice.max, values.at(-1) ?? slice.max);
    slice.digest.push_centroid(centroidsOf(values));
  }
}

/**
 * The nearest rank, and not the line between two centroids that the library draws: it puts all that are equal into one
 * centroid, and the line from that to the next would lead through what nobody measured.
 */
function valueOfRank(centroids: readonly Centroid[], rank: number): number | undefined {
  let upTo = 0;
  return centroids.find(({ n }) => (upTo += n) >= rank)?.mean;
}

/** Ascending values as centroids, of one value each at both ends and of many in the middle. */
function centroidsOf(values: Float64Array): Centroid[] {
  const centroids: Centroid[] = [];
  const valuesMax = Math.floor(values.length / CENTROIDS_MIN);
  for (let start = 0; start < values.length;) {
    const beyond = Math.min(start, values.length - 1 - start);
    const n = Math.max(1, Math.min(valuesMax, beyond >> 2));
    let sum = 0;
    for (let index = start; index < start + n; index++) sum += values[index] ?? 0;
    centroids.push({ mean: sum / n, n });
    start += n;
  }
  return centroids;
}
