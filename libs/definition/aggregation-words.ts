import type { Expression } from '../expression/expression.js';
import type { Where } from './column.js';
import type { Aggregation as PlainAggregation } from './definitions.js';
import { durationUs } from './duration-words.js';
import type { Duration, Names, NamesOf } from './names.js';
import { takeExpression } from './recorded-expression.js';

// `Count`, `Sum` and the others: R, the row, comes from the stream around them.

declare const reads: unique symbol;
declare const gives: unique symbol;

/** What `Count(...)` and the others give: an aggregation over rows of R, whose answer is V. */
export interface Aggregation<in R, out V> {
  readonly [reads]: (row: R) => void;
  readonly [gives]: V;
}

interface Over<R> {
  /** S2: both ends included. Without it: all events up to the instant asked. */
  readonly window?: Duration;
  readonly where?: Where<NoInfer<R>>;
}
interface Of<R, N> extends Over<R> {
  readonly of: N;
}
type At<R, N> = N extends keyof R ? NonNullable<R[N]> : unknown;
// Strings are here for t.date, which TypeScript cannot tell from t.string; the commit can.
type Ordered = number | Date | string;
type Extreme = <R, const N extends NamesOf<R, Ordered>>(o: Of<R, N>) => Aggregation<R, At<R, N> | null>;
type Percentile = { readonly pct: number; readonly mode?: 'value' } | { readonly mode: 'rank' };
type Listed<R, N, D> = N extends keyof R ? (D extends true ? NonNullable<R[N]> : R[N]) : unknown;

/** S6: events, or with `of` those whose field is not null. */
export const Count = <R>(o: Over<R> & { readonly of?: Names<NoInfer<R>> } = {}): Aggregation<R, number> => aggregation('count', o);
/** S8: exact for an int, to 1e-12 for a float; 0 over none (S5). */
export const Sum = <R, const N extends NamesOf<R, number>>(o: Of<R, N>): Aggregation<R, At<R, N>> => aggregation('sum', o);
/** The mean, as a float; null over none (S5). */
export const Avg = <R, const N extends NamesOf<R, number>>(o: Of<R, N>): Aggregation<R, number | null> => aggregation('avg', o);
/** The least value of a number, timestamp or date; null over none (S5). */
export const Min: Extreme = (o) => aggregation('min', o);
/** The greatest value of a number, timestamp or date; null over none (S5). */
export const Max: Extreme = (o) => aggregation('max', o);
/** S9: the value of the nearest rank, or the share of values below the newest. */
export const ApproxPercentile = <R, const N extends NamesOf<R, number>>(o: Of<R, N> & Percentile): Aggregation<R, number | null> =>
  'mode' in o && o.mode === 'rank' ? aggregation('percentRank', o) : aggregation('percentile', o);
/** The value of the newest event (S7); with `dropNull`, of the newest whose value is not null. Null over none. */
export const Last = <R, const N extends Names<R>>(o: Of<R, N> & { readonly dropNull?: boolean }): Aggregation<R, R[N & keyof R] | null> =>
  aggregation('last', o);
/** The values of the newest `k` events, newest first; `dedup` gives each value once, `dropNull` skips nulls. An empty list over none. */
export const LastK = <R, const N extends Names<R>, const D extends boolean = false>(
  o: Of<R, N> & { readonly k: number; readonly dedup?: boolean; readonly dropNull?: D },
): Aggregation<R, Listed<R, N, D>[]> => aggregation('lastK', o);

/** The plain data of an aggregation, without the field it fills. */
export type Unnamed = Omit<PlainAggregation, 'field'>;

class RecordedAggregation {
  constructor(readonly plain: Unnamed) {}
}

/** What `Count(...)` and the others recorded. */
export function takeAggregation(value: unknown): Unnamed {
  if (value instanceof RecordedAggregation) return value.plain;
  throw new TypeError("this is no aggregation: write one such as Count({ window: '1h' })");
}

interface Options {
  readonly window?: string;
  readonly where?: unknown;
  readonly of?: string | undefined;
  readonly pct?: number;
  readonly k?: number;
  readonly dedup?: boolean;
  readonly dropNull?: boolean;
}

/** Through `unknown`: R and V exist for the compiler only. */
function aggregation<R, V>(operator: PlainAggregation['operator'], options: Options): Aggregation<R, V> {
  const { window, where, of, pct, k, dedup, dropNull } = options;
  const filter: Expression | undefined = where === undefined ? undefined : takeExpression(where, 'where');
  const plain: Unnamed = {
    operator,
    windowUs: window === undefined ? null : durationUs(window),
    ...(of === undefined ? {} : { of }),
    ...(filter === undefined ? {} : { where: filter }),
    ...(pct === undefined || operator === 'percentRank' ? {} : { pct }),
    ...(k === undefined ? {} : { k }),
    ...(dedup === undefined ? {} : { dedup }),
    ...(dropNull === undefined ? {} : { dropNull }),
  };
  return new RecordedAggregation(plain) as unknown as Aggregation<R, V>;
}
