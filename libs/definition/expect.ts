import type { Expectation } from './definitions.js';

declare const reads: unique symbol;

/** An expectation about rows that have the fields of R. */
export interface RowExpectation<in R> {
  readonly [reads]: (row: R) => void;
}

/** What `@expectations` methods return a list of. */
export const expect = {
  /** Between, both ends included, in at least the share `mostly` of the records; nulls do not count. */
  between<const N extends string>(
    of: N,
    o: { readonly min?: number; readonly max?: number; readonly mostly?: number },
  ): RowExpectation<Record<N, number | null>> {
    const { min, max, mostly = 1 } = o;
    return recorded({ kind: 'between', field: of, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }), mostly });
  },
  /** Not null, in at least the share `mostly` (0 to 1) of the records. */
  notNull<const N extends string>(of: N, o: { readonly mostly?: number } = {}): RowExpectation<Record<N, unknown>> {
    return recorded({ kind: 'notNull', field: of, mostly: o.mostly ?? 1 });
  },
} as const;

class RecordedExpectation {
  constructor(readonly plain: Expectation) {}
}

/** What `expect` recorded. */
export function takeExpectation(value: unknown): Expectation {
  if (value instanceof RecordedExpectation) return value.plain;
  throw new TypeError("this is no expectation: write one such as expect.between('amount', { min: 0 })");
}

/** Through `unknown`: R exists for the compiler only. */
function recorded<R>(plain: Expectation): RowExpectation<R> {
  return new RecordedExpectation(plain) as unknown as RowExpectation<R>;
}
