// The timeline of one group: contract of libs/timeline (DESIGN 6, TIMELINE.md).
//
// Invariants:
//   T1. A window [T − W, T] has both ends included, to the microsecond (S2).
//   T2. Rows are ordered by (event time, order), never by arrival (S7): the same rows give the same
//       answers in whatever order and batches they came (S11). Answers to a question are the same bytes
//       now and later unless rows within it were added (S4).
//   T3. Nothing is subtracted from a running total (S8).
//   T4. `knownAt` = K leaves out rows whose `knownUs` > K (S22).

import type { PageShelf } from './page-shelf.js';

/** A column of numbers (int, float, bool as 0/1, timestamp, date), or of bytes (anything else). */
export type ColumnShape =
  | { readonly kind: 'number'; /** Whether a percentile reads it: digests are kept for these only. */ readonly digest: boolean }
  | { readonly kind: 'bytes' };

/** The columns of a pipeline's timelines, fixed for its version. A `where` is folded into its column: null where not true. */
export interface TimelineShape {
  readonly columns: readonly ColumnShape[];
}

export interface TimelineRow {
  readonly eventTimeUs: number;
  /** S7: (input << 12 | partition) and offset; compared as a pair. */
  readonly orderSource: number;
  readonly orderOffset: number;
  /** When the log took it in; its event time for history (S22). */
  readonly knownUs: number;
  /** One for each column. Numbers are finite. */
  readonly values: readonly (number | Uint8Array | null)[];
}

/** Where pages lie: an overlay over a store, or a store. Keys and values are owned by the callee once put. */
export interface PageReader {
  get(key: Uint8Array): Uint8Array | undefined;
  /** Where a group's pages are kept decoded for whoever reads it next, in the state that `get` shows; absent where nothing is kept. */
  shelf?(headKey: Uint8Array): PageShelf | undefined;
}
export interface PageWriter extends PageReader {
  /** Room for a page that is put next, aligned and not zeroed; absent where pages bring their own. */
  allocate?(length: number): Uint8Array;
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
}

/** One question to a column of a timeline; `column` is absent for the count of all events. */
export type WindowQuestion =
  | { readonly kind: 'count'; readonly column?: number; readonly windowUs: number | null }
  | { readonly kind: 'sum' | 'avg' | 'min' | 'max'; readonly column: number; readonly windowUs: number | null }
  | { readonly kind: 'percentile'; readonly column: number; readonly windowUs: number | null; readonly pct: number }
  | { readonly kind: 'percentRank'; readonly column: number; readonly windowUs: number | null }
  | { readonly kind: 'lastK'; readonly column: number; readonly windowUs: number | null; readonly k: number; readonly dedup: boolean; readonly dropNull: boolean;
      /** A where's column (1 or null): rows that it rules out are no rows for this question. */ readonly whereColumn?: number };

/** A number, null for none, or for `lastK` the values newest first. */
export type WindowAnswer = number | null | readonly (number | Uint8Array | null)[];

export interface Instant {
  readonly asOfUs: number;
  /** Infinity for everything known. */
  readonly knownAtUs: number;
}
