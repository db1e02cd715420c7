import { type Digest, shareBetween } from './digest.js';

/**
 * The count of a set's values as a line with steps: at each x, how many are below and how many up to it; straight
 * between one x and the next. What a digest says, in a form that can be added without loss.
 */
export interface CountLine {
  readonly xs: Float64Array;
  readonly below: Float64Array;
  readonly upTo: Float64Array;
}

/** The lines' sum; good until the next call, since its memory is the next one's. Each point is looked at once a round: two by two. */
export function addDigests(digests: readonly Digest[]): CountLine {
  taken = 0;
  return addLines(digests.map(lineOf));
}

function lineOf({ low, high, upTo }: Digest): CountLine {
  const line = emptyLine(2 * low.length);
  let [length, before] = [0, 0];
  for (let index = 0; index < low.length; index++) {
    const step = Math.min(1, upTo[index]! - before);
    const isPoint = low[index] === high[index];
    length = put(line, length, { x: low[index]!, below: before, upTo: isPoint ? upTo[index]! : before + step });
    // One value is the high end itself, as one is the low end.
    if (!isPoint) length = put(line, length, { x: high[index]!, below: Math.max(before + step, upTo[index]! - step), upTo: upTo[index]! });
    before = upTo[index]!;
  }
  return cut(line, length);
}

function addLines(lines: readonly CountLine[]): CountLine {
  if (lines.length <= 1) return lines[0] ?? emptyLine(0);
  const middle = lines.length >> 1;
  return addTwo(addLines(lines.slice(0, middle)), addLines(lines.slice(middle)));
}

/** With scalars alone: a late row has this loop run over some 20,000 points. */
function addTwo(a: CountLine, b: CountLine): CountLine {
  const line = emptyLine(a.xs.length + b.xs.length);
  const { xs, below, upTo } = line;
  let [length, i, j, floor] = [0, 0, 0, 0];
  while (i < a.xs.length || j < b.xs.length) {
    const nextA = i < a.xs.length ? a.xs[i]! : Number.POSITIVE_INFINITY;
    const nextB = j < b.xs.length ? b.xs[j]! : Number.POSITIVE_INFINITY;
    const x = nextA < nextB ? nextA : nextB;
    let low: number;
    let high: number;
    if (nextA === x) {
      low = a.below[i]!;
      high = a.upTo[i++]!;
    } else low = high = between(a, i, x);
    if (nextB === x) {
      low += b.below[j]!;
      high += b.upTo[j++]!;
    } else {
      const count = between(b, j, x);
      low += count;
      high += count;
    }
    // Never falls, whatever was rounded. No x comes twice: neither line has one twice.
    xs[length] = x;
    below[length] = low > floor ? low : floor;
    floor = high > floor ? high : floor;
    upTo[length++] = floor;
  }
  return cut(line, length);
}

/** The count at x, which lies before point `next` and after the one before it. */
function between({ xs, below, upTo }: CountLine, next: number, x: number): number {
  if (next === 0) return 0;
  const count = upTo[next - 1]!;
  if (next === xs.length) return count;
  const rise = below[next]! - count;
  if (rise === 0) return count;
  return count + rise * shareBetween(xs[next - 1]!, xs[next]!, x);
}

/**
 * The lines of one sum, one behind the other: fresh arrays for each, a megabyte a sum, were an eighth of its cost.
 * Never shrinks: a page's sixteen digests take that megabyte, and no more are ever added.
 */
let memory = new Float64Array(0);
let taken = 0;

function emptyLine(length: number): CountLine {
  // Lines that were made before keep the old memory.
  if (taken + 3 * length > memory.length) [memory, taken] = [new Float64Array(Math.max(2 * memory.length, 3 * length)), 0];
  const [xs, below, upTo] = [
    memory.subarray(taken, taken + length),
    memory.subarray(taken + length, taken + 2 * length),
    memory.subarray(taken + 2 * length, taken + 3 * length),
  ];
  taken += 3 * length;
  return { xs, below, upTo };
}

/** Points at the same x become one. Never falls, whatever was rounded. */
function put(line: CountLine, length: number, point: { readonly x: number; readonly below: number; readonly upTo: number }): number {
  if (length > 0 && line.xs[length - 1] === point.x) {
    line.upTo[length - 1] = point.upTo;
    return length;
  }
  const floor = length === 0 ? 0 : line.upTo[length - 1]!;
  line.xs[length] = point.x;
  line.below[length] = Math.max(floor, point.below);
  line.upTo[length] = Math.max(floor, point.upTo);
  return length + 1;
}

function cut({ xs, below, upTo }: CountLine, length: number): CountLine {
  return { xs: xs.subarray(0, length), below: below.subarray(0, length), upTo: upTo.subarray(0, length) };
}
