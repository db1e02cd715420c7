/**
 * How many values of a set lie at or below any x, approximately: a t-digest in the form that reading needs.
 * Its centroids are buckets that do not overlap, in order of value; `upTo` is the exact count up to the end
 * of each. Within a bucket the count is a step of one value at its low end and then a line; between buckets it is
 * level, so that a gap in the values is a gap here. A value that repeats is a bucket of no width, a point mass.
 *
 *   count |                 ______o   upTo of the last = weight of the whole
 *         |              __/|
 *         |      o______o   |
 *         |      | point mass
 *         |_____/
 *         +----low-high------------- value
 */
export interface Digest {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly upTo: Float64Array;
}

export function digestWeight(digest: Digest): number {
  return digest.upTo.length === 0 ? 0 : digest.upTo[digest.upTo.length - 1]!;
}

/** How many of a set's values are at or below x; monotone in x. */
export function countUpTo(digest: Digest, x: number): number {
  return countAt(digest, lastAtMost(digest.low, x, -1, digest.low.length - 1), x);
}

/** How many are strictly below x. */
export function countBelow(digest: Digest, x: number): number {
  const { low, high, upTo } = digest;
  let index = lastAtMost(low, x, -1, low.length - 1);
  if (index < 0) return 0;
  // Behind a point mass a merged digest may have a bucket that begins with the same value: neither is below it.
  while (index > 0 && low[index] === x && low[index - 1] === x) index -= 1;
  const before = index === 0 ? 0 : upTo[index - 1]!;
  if (low[index] === x) return before;
  if (high[index] !== x) return countAt(digest, index, x);
  // At the high end of a bucket with a width, one value is x itself.
  const weight = upTo[index]! - before;
  return before + weight - Math.min(1, weight);
}

/** Where bucket `index` is the last that begins at or before x; -1 when none does. */
export function countAt({ low, high, upTo }: Digest, index: number, x: number): number {
  if (index < 0) return 0;
  const end = high[index]!;
  if (x >= end) return upTo[index]!;
  const before = index === 0 ? 0 : upTo[index - 1]!;
  const weight = upTo[index]! - before;
  const step = Math.min(1, weight);
  return before + step + (weight - step) * shareBetween(low[index]!, end, x);
}

/** The last index in (start, end] whose value is ≤ x, or `start`, which the caller knows to be at or before x. */
export function lastAtMost(sorted: Float64Array, x: number, start: number, end: number): number {
  let [below, above] = [start, end];
  while (below < above) {
    const middle = (below + above + 1) >> 1;
    if (sorted[middle]! <= x) below = middle;
    else above = middle - 1;
  }
  return below;
}

/**
 * Halves before subtracting: two values of opposite sign may be further apart than the greatest double. And
 * the halves of two values next to 0 may be the same, though they are not.
 */
export function shareBetween(start: number, end: number, x: number): number {
  const width = end / 2 - start / 2;
  return width === 0 ? 0 : Math.min(1, (x / 2 - start / 2) / width);
}
