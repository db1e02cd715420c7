import type { Aggregation } from './aggregation-words.js';
import type { Columns, Expr, Where } from './column.js';
import type { Class, Name, Names, Plain, Row } from './names.js';
import type { Fields, Struct } from './type-words.js';

// The types of what a pipeline's method is given and gives. recorded-stream.ts is what runs.

declare const gives: unique symbol;
declare const reads: unique symbol;
declare const keyed: unique symbol;

/** A dataset's records on their way. R is the row as it is at this step. */
export interface Stream<in out R> {
  readonly [gives]: R;
  readonly [reads]: (row: R) => void;
  /** Keeps the rows for which `where` is true (S6). */
  filter(where: Where<R> | ((row: Columns<R>) => Where<R>)): Stream<R>;
  /** Adds or replaces columns; all of them see the row as it was before. */
  assign<const A extends Record<string, Expr<R, unknown>>>(
    columns: A | ((row: Columns<R>) => A),
  ): Stream<Plain<Omit<R, keyof A> & { [K in keyof A]: A[K] extends Expr<never, infer V> ? V : never }>>;
  /** Adds or replaces columns by a function of the author's. It must give the same for the same row. */
  transform<const F extends Fields>(adds: F, compute: (row: R) => Struct<F>): Stream<Plain<Omit<R, keyof F> & Struct<F>>>;
  select<const N extends Names<R>>(...names: N[]): Stream<Plain<Pick<R, N & Name<R>>>>;
  rename<const N extends Names<R>, const M extends string>(from: N, to: M): Stream<Plain<Omit<R, N> & Record<M, R[N & Name<R>]>>>;
  /** S24: adds the other dataset's columns as of the row's own time. `on` is exactly its key. */
  join<C extends Class, const N extends Names<R> & Name<Row<C>>, const H extends 'left' | 'inner' = 'left'>(
    other: C,
    o: { readonly on: readonly N[]; readonly how?: H },
  ): Stream<Plain<R & { [K in Exclude<Name<Row<C>>, Name<R>>]: H extends 'inner' ? Row<C>[K] : Row<C>[K] | null }>>;
  groupBy<const N extends Names<R>>(...names: N[]): Grouped<R, N & Name<R>>;
}

/** A stream by groups: what `groupBy` gives, and `aggregate` ends. */
export interface Grouped<in out R, K extends Name<R>> {
  aggregate<const A extends Record<string, Aggregation<R, unknown>>>(
    by: A,
  ): Aggregated<{ [N in K]: R[N] }, { [N in keyof A]: A[N] extends Aggregation<never, infer V> ? V : never }>;
}

/** What a pipeline that aggregates returns: K are the group's fields, V the aggregations by the dataset's fields that they fill. */
export interface Aggregated<out K, out V> {
  readonly [keyed]: K;
  readonly [gives]: V;
}

/** Whether a pipeline aggregates into the class: such a dataset always has a row (S5). */
export type IsDerived<C> = true extends {
  [K in keyof C]: C[K] extends (...a: never) => Aggregated<unknown, unknown> ? true : never;
}[keyof C]
  ? true
  : false;

/** What a lookup gives. */
export type Looked<C> = IsDerived<C> extends true ? Row<C> : Row<C> | null;
