// Counting in values that lie in order, between two places where the counts are known.

/** How many are at or below x, where `start` are and no more than `end` can be. */
export function countUpTo(values: Float64Array, x: number, start: number, end: number): number {
  let [low, high] = [start, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many are strictly below x. */
export function countBelow(values: Float64Array, x: number, start: number, end: number): number {
  let [low, high] = [start, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
