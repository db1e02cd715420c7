/** One figure over time. */
export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface Limit {
  /** Growth that is allowed, in the series' unit. */
  readonly perHourMax: number;
  /**
   * Growth over the whole of the judged time that proves nothing: what a heap, a cache or a busy machine
   * does to two samples anyway. Without it a short soak would blow every tremor up to an hour's growth.
   */
  readonly noise: number;
  /** Up to here caches fill, and that is what they are for; only above it growth is growth. */
  readonly fillsTo: number;
}

export interface Verdict {
  readonly first: number;
  readonly last: number;
  readonly perHour: number;
  readonly holds: boolean;
}

const HOUR_MS = 3_600_000;
/** Fewer points have no slope worth a word. */
const POINTS_MIN = 4;

/** The later half by time: what was warm-up is over. */
export function secondHalf(points: readonly Point[]): readonly Point[] {
  const [first, last] = [points[0]?.atMs ?? 0, points.at(-1)?.atMs ?? 0];
  return points.filter(({ atMs }) => atMs >= (first + last) / 2);
}

/**
 * Growth per hour: the median of the slopes between all pairs of points (Theil and Sen), which a few outliers,
 * such as a sample in the middle of a compaction, do not bend. 0 where there is too little to tell.
 */
export function slopePerHour(points: readonly Point[]): number {
  if (points.length < POINTS_MIN) return 0;
  const slopes: number[] = [];
  for (const [i, from] of points.entries()) {
    for (const to of points.slice(i + 1)) {
      if (to.atMs > from.atMs) slopes.push((to.value - from.value) / (to.atMs - from.atMs));
    }
  }
  return quantile(slopes, 0.5) * HOUR_MS;
}

/** Whether the second half keeps within the limit. */
export function judge(points: readonly Point[], { perHourMax, noise, fillsTo }: Limit): Verdict {
  const half = secondHalf(points);
  const perHour = slopePerHour(half);
  const [first, last] = [half[0], half.at(-1)];
  const growth = first === undefined || last === undefined ? 0 : (perHour * (last.atMs - first.atMs)) / HOUR_MS;
  return {
    first: first?.value ?? 0,
    last: last?.value ?? 0,
    perHour,
    holds: perHour <= perHourMax || growth <= noise || (last?.value ?? 0) <= fillsTo,
  };
}

/** The quantile by nearest rank; 0 where there are no values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}
