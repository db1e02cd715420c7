import { PooledCopies } from '../../libs/store/pooled-copies.js';
import type { PageWriter } from '../../libs/timeline/page-access.js';
import type { Instant, TimelineRow, WindowAnswer, WindowQuestion } from '../../libs/timeline/timeline.js';

/** Pages in a map, handed out as LevelDB does: Buffers somewhere in memory that they share. Counts what is fetched. */
export class MemoryPages implements PageWriter {
  readonly values = new Map<string, Uint8Array>();
  readonly fetches: string[] = [];
  readonly #copies = new PooledCopies();

  get(key: Uint8Array): Uint8Array | undefined {
    this.fetches.push(nameOf(key));
    const value = this.values.get(nameOf(key));
    return value === undefined ? undefined : this.#copies.lend(value);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.values.set(nameOf(key), Uint8Array.from(value));
  }

  /** The reading, or the tick, is over: what `get` gave belongs to others now. */
  release(): void {
    this.#copies.scribble();
  }

  delete(key: Uint8Array): void {
    this.values.delete(nameOf(key));
  }
}

/** A key as the map has it. */
export function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}

/** The contract as loops over plain rows: windows closed at both ends (S2), order (S7), nulls (S6), knowledge (S22). */
export function naiveAnswer(rows: readonly TimelineRow[], { asOfUs, knownAtUs }: Instant, question: WindowQuestion): WindowAnswer {
  const within = rows
    .filter((row) => row.eventTimeUs <= asOfUs && (question.windowUs === null || row.eventTimeUs >= asOfUs - question.windowUs))
    .filter((row) => row.knownUs <= knownAtUs)
    .sort((a, b) => a.eventTimeUs - b.eventTimeUs || a.orderSource - b.orderSource || a.orderOffset - b.orderOffset);
  if (question.kind === 'count' && question.column === undefined) return within.length;
  if (question.kind === 'lastK') return naiveLastK(within, question);
  const column = question.column ?? 0;
  const present = within.map((row) => row.values[column] ?? null).filter((value) => value !== null);
  if (question.kind === 'count') return present.length;
  const values = present.map((value) => Number(value) + 0);
  return naiveNumber(values, question);
}

function naiveNumber(values: readonly number[], question: Exclude<WindowQuestion, { kind: 'count' | 'lastK' }>): number | null {
  if (question.kind === 'sum') return naiveSum(values);
  const newest = values.at(-1);
  if (newest === undefined) return null;
  const sorted = [...values].sort((a, b) => a - b);
  switch (question.kind) {
    case 'avg':
      return naiveSum(values) / values.length;
    case 'min':
      return sorted[0] ?? null;
    case 'max':
      return sorted.at(-1) ?? null;
    case 'percentile':
      return sorted[Math.max(1, Math.ceil((question.pct * values.length) / 100)) - 1] ?? null;
    case 'percentRank':
      return values.filter((value) => value < newest).length / values.length;
  }
}

function naiveLastK(within: readonly TimelineRow[], question: Extract<WindowQuestion, { kind: 'lastK' }>): (number | Uint8Array | null)[] {
  let values = within
    .filter((row) => question.whereColumn === undefined || row.values[question.whereColumn] !== null)
    .map((row) => row.values[question.column] ?? null)
    .reverse();
  if (question.dropNull) values = values.filter((value) => value !== null);
  const text = (value: number | Uint8Array | null): string =>
    value instanceof Uint8Array ? `b${Buffer.from(value).toString('hex')}` : String(value);
  if (question.dedup) values = values.filter((value, index) => values.findIndex((other) => text(other) === text(value)) === index);
  return values.slice(0, question.k);
}

/** A double is an integer times 2^-1074: the sum of integers is exact, and Number() rounds their quotient once below. */
export function naiveSum(values: readonly number[]): number {
  let sum = 0n;
  for (const value of values) sum += units(value);
  return fromUnits(sum);
}

/** Whether `mean` is that of the values to 1e-12 of itself, or of the mean magnitude where they cancel (S8). */
export function isMean(mean: number, values: readonly number[]): boolean {
  if (!Number.isFinite(mean)) return false;
  const count = BigInt(values.length);
  const exact = values.reduce((sum, value) => sum + units(value), 0n);
  const magnitudes = values.reduce((sum, value) => sum + units(Math.abs(value)), 0n);
  const off = abs(units(mean) * count - exact);
  const isCancelled = abs(exact) << 100n < magnitudes;
  return off * 10n ** 12n <= (isCancelled ? magnitudes : abs(exact)) + count * 10n ** 12n; // the last: one unit of rounding
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

const UNIT_BITS = 1_074n;

function units(value: number): bigint {
  const bits = new BigUint64Array(new Float64Array([value]).buffer)[0] ?? 0n;
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | 0x10_0000_0000_0000n) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}

/** Rounded to the nearest double, ties to even. */
function fromUnits(sum: bigint): number {
  const magnitude = sum < 0n ? -sum : sum;
  const drop = BigInt(Math.max(0, magnitude.toString(2).length - 53));
  let kept = magnitude >> drop;
  const rest = magnitude - (kept << drop);
  const half = drop === 0n ? 0n : 1n << (drop - 1n);
  if (drop > 0n && (rest > half || (rest === half && (kept & 1n) === 1n))) kept += 1n;
  // Two steps of powers: 2^-1074 alone times 2^drop may leave the range on the way.
  const scaled = Number(kept) * 2 ** Number(drop > 1_000n ? drop - UNIT_BITS : 0n);
  const value = drop > 1_000n ? scaled : Number(kept) * 2 ** (Number(drop) - 500) * 2 ** (500 - 1_074);
  return sum < 0n ? -value : value;
}
