import type { Decimal } from './decimal.js';
import type { IsAny, Name, Scalar } from './names.js';
import type { Type } from './type-words.js';

// The types of expressions: R is the row that they read, V what they give, C the constants that a
// predicate compares its columns with. recorded-expression.ts is what runs.

declare const reads: unique symbol;
declare const gives: unique symbol;
declare const compares: unique symbol;

/** An expression: R is the row that it reads, V what it gives. Columns, calculations and predicates are such. */
export interface Expr<in R, out V> {
  readonly [reads]: (row: R) => void;
  readonly [gives]: V;
}

/** True, false or, over a null, unknown, which filters as false (S6). */
export interface Predicate<in R, out C = object> extends Expr<R, boolean> {
  readonly [compares]: C;
  and<R2, C2>(other: Predicate<R2, C2>): Predicate<R & R2, C & C2>;
  or<R2, C2>(other: Predicate<R2, C2>): Predicate<R & R2, C & C2>;
  not(): Predicate<R, C>;
}

type Wide<X> = X extends string ? string : X extends number ? number : X extends boolean ? boolean : X;
type Operand<V> = IsAny<V> extends true ? Exclude<Scalar, Uint8Array | bigint> : NonNullable<V>;
/** What another expression reads; nothing, if X is a constant. */
type ReadBy<X> = X extends Expr<infer R, unknown> ? R : unknown;
// `any`: the column's own type is not asked for, it is asked to be a number.
type NumbersReadBy<X> = X extends Column<infer N, any> ? Record<N, number> : ReadBy<X>;
type Jsonable = 'string' | 'int' | 'float' | 'bool';

type Compare<N extends string, V> = <const X extends Operand<V> | Expr<never, Operand<V> | null>>(
  x: X,
) => Predicate<X extends Expr<infer R, unknown> ? Record<N, V> & R : Record<N, Wide<X> | null>>;
type Equal<N extends string, V> = <const X extends Operand<V> | Expr<never, Operand<V> | null>>(
  x: X,
) => Predicate<
  X extends Expr<infer R, unknown> ? Record<N, V> & R : Record<N, Wide<X> | null>,
  X extends Expr<never, unknown> ? object : Record<N, X>
>;
type Arithmetic<N extends string, V = number> = <const X extends number | Expr<never, number>>(
  other: X,
) => Computed<Record<N, number> & NumbersReadBy<X>, V>;
type Filled<V, X> = X extends Expr<never, infer V2> ? NonNullable<V> | V2 : IsAny<V> extends true ? Wide<X> : NonNullable<V>;

/** A column of the row, by name. V is `any` where only the name is known, as in `col('amount')`. */
export interface Column<N extends string, V = any> extends Expr<Record<N, V>, V> {
  readonly eq: Equal<N, V>;
  readonly ne: Equal<N, V>;
  readonly gt: Compare<N, V>;
  readonly gte: Compare<N, V>;
  readonly lt: Compare<N, V>;
  readonly lte: Compare<N, V>;
  isNull(): Predicate<Record<N, unknown>>;
  fillNull<const X extends Operand<V> | Expr<never, Operand<V> | null>>(
    fallback: X,
  ): Computed<(IsAny<V> extends true ? Record<N, Wide<X> | null> : Record<N, V>) & ReadBy<X>, Filled<V, X>>;
  readonly add: Arithmetic<N>;
  readonly sub: Arithmetic<N>;
  readonly mul: Arithmetic<N>;
  /** A float, or null where the other is 0. */
  readonly div: Arithmetic<N, number | null>;
  /** The member at `path` (`'device.os'`, or a list of names) of a JSON text; null where there is none of that type. */
  jsonExtract<T>(path: string | readonly string[], as: Type<T, Jsonable>): Computed<Record<N, string | null>, T | null>;
}

/** What a calculation gives; it goes on like a column. */
export interface Computed<in R, out V> extends Expr<R, V> {
  eq<const X extends Operand<V> | Expr<never, Operand<V> | null>>(x: X): Predicate<R & ReadBy<X>>;
  ne<const X extends Operand<V> | Expr<never, Operand<V> | null>>(x: X): Predicate<R & ReadBy<X>>;
  gt<const X extends Operand<V> | Expr<never, Operand<V> | null>>(x: X): Predicate<R & ReadBy<X>>;
  gte<const X extends Operand<V> | Expr<never, Operand<V> | null>>(x: X): Predicate<R & ReadBy<X>>;
  lt<const X extends Operand<V> | Expr<never, Operand<V> | null>>(x: X): Predicate<R & ReadBy<X>>;
  lte<const X extends Operand<V> | Expr<never, Operand<V> | null>>(x: X): Predicate<R & ReadBy<X>>;
  isNull(): Predicate<R>;
  fillNull<const X extends Operand<V> | Expr<never, Operand<V> | null>>(fallback: X): Computed<R & ReadBy<X>, Filled<V, X>>;
  add<const X extends number | Expr<never, number>>(this: Expr<R, number>, other: X): Computed<R & NumbersReadBy<X>, number>;
  sub<const X extends number | Expr<never, number>>(this: Expr<R, number>, other: X): Computed<R & NumbersReadBy<X>, number>;
  mul<const X extends number | Expr<never, number>>(this: Expr<R, number>, other: X): Computed<R & NumbersReadBy<X>, number>;
  div<const X extends number | Expr<never, number>>(this: Expr<R, number>, other: X): Computed<R & NumbersReadBy<X>, number | null>;
}

/** A row as the callbacks of `filter` and `assign` see it: each field is a column. */
export type Columns<R> = { readonly [K in Name<R>]: Column<K, R[K]> };

/** A predicate over R whose constants its columns can hold. */
export type Where<R> = Predicate<R, { [K in keyof R]?: NonNullable<R[K]> }>;

/** Constants that `lit` takes. */
export type Constant = string | number | boolean | Date | Decimal;
export type Literally<X> = Computed<unknown, Wide<X>>;
