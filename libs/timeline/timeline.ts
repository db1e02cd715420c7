// The timeline of one group: contract of libs/timeline (DESIGN 6, TIMELINE.md).
//
// Invariants:
//   T1. A window [T − W, T] has both ends included, to the microsecond (S2).
//   T2. Rows are ordered by (event time, order), never by arrival (S7): the same rows give the same
//       answers in whatever order and batches they came (S11). Answers to a question are the same bytes
//       now and later unless rows within it were added (S4).
//   T3. Nothing is subtracted from a running total (S8).
//   T4. `knownAt` = K leaves out rows whose `knownUs` > K (S22).
//   T5. A row with a start counts for T from it on only, one that was ended for T below its end only, or where K is
//       before the end was known (S17). An end of a row that is not there changes nothing.

/** A column of numbers (int, float, bool as 0/1, timestamp, date), or of bytes (anything else). */
export type ColumnShape =
  | { readonly kind: 'number'; /** Whether a percentile reads it: digests are kept for these only. */ readonly digest: boolean }
  | { readonly kind: 'bytes' };

/** The columns of a pipeline's timelines, fixed for its version. A `where` is folded into its column: null where not true. */
export interface TimelineShape {
  readonly columns: readonly ColumnShape[];
  /** Its rows may have a start, and may be ended (S17). Others pay nothing for it. */
  readonly retractable?: boolean;
}

/** A row's place in its timeline, which no other row has. */
export interface RowKey {
  readonly eventTimeUs: number;
  /** S7: (input << 12 | partition) and offset; compared as a pair. */
  readonly orderSource: number;
  readonly orderOffset: number;
}

export interface TimelineRow extends RowKey {
  /** When the log took it in; its event time for history (S22). */
  readonly knownUs: number;
  /** One for each column. Numbers are finite. */
  readonly values: readonly (number | Uint8Array | null)[];
  /** It counts from this instant on; absent: from its event time on. */
  readonly startUs?: number | undefined;
}

/** From `endUs` on the row with this key counts no more, as was known from `endKnownUs` on. A row is ended once. */
export interface RowEnd extends RowKey {
  readonly endUs: number;
  readonly endKnownUs: number;
}

/** One question to a column of a timeline; `column` is absent for the count of all events. */
export type WindowQuestion =
  | { readonly kind: 'count'; readonly column?: number; readonly windowUs: number | null }
  | { readonly kind: 'sum' | 'avg' | 'min' | 'max'; readonly column: number; readonly windowUs: number | null }
  | { readonly kind: 'percentile'; readonly column: number; readonly windowUs: number | null; readonly pct: number }
  | { readonly kind: 'percentRank'; readonly column: number; readonly windowUs: number | null }
  | {
      readonly kind: 'lastK';
      readonly column: number;
      readonly windowUs: number | null;
      readonly k: number;
      readonly dedup: boolean;
      readonly dropNull: boolean;
      /** A where's column (1 or null): rows that it rules out are no rows for this question. */ readonly whereColumn?: number;
    };

/** A number, null for none, or for `lastK` the values newest first. */
export type WindowAnswer = number | null | readonly (number | Uint8Array | null)[];

export interface Instant {
  readonly asOfUs: number;
  /** Infinity for everything known. */
  readonly knownAtUs: number;
}
