import type { Decimal } from './decimal.js';
import type { IsAny, Scalar } from './names.js';
import type { Type } from './type-words.js';

// Does a field declared V hold what its type of `t` says? If not, the types here become a
// sentence, which the compiler prints. The cheap question comes first; sentences are built on
// failure only, since they cost the compiler most.

declare const request: unique symbol;

/** A feature that the caller sends with the query. */
export type Input<T> = (NonNullable<T> & { readonly [request]: T }) | Extract<T, null>;
/** What the caller sends for it; other types are as they are. */
export type Sent<V> = [NonNullable<V>] extends [{ readonly [request]: infer T }] ? T : V;
/** Whether V is declared `Input<...>`. */
export type IsInput<V> = [NonNullable<V>] extends [{ readonly [request]: unknown }] ? true : false;

type Frozen<T> = T extends Scalar | null
  ? T
  : T extends readonly (infer E)[]
    ? readonly Frozen<E>[]
    : { readonly [K in keyof T]: Frozen<T[K]> };

/** Whether V and T hold the same; V may be read-only in depth. */
export type Same<V, T> = IsAny<V> extends true ? false : [T] extends [V] ? ([V] extends [Frozen<T>] ? true : false) : false;

type One<V> = V extends string
  ? 'string'
  : V extends number
    ? 'number'
    : V extends bigint
      ? 'bigint'
      : V extends boolean
        ? 'boolean'
        : V extends Date
          ? 'Date'
          : V extends Decimal
            ? 'Decimal'
            : V extends Uint8Array
              ? 'Uint8Array'
              : V extends readonly (infer E)[]
                ? null extends E
                  ? `(${One<NonNullable<E>>} | null)[]`
                  : `${One<E>}[]`
                : 'object';

/** A type in words. */
export type Say<V> =
  IsAny<V> extends true
    ? 'any'
    : unknown extends V
      ? 'unknown'
      : [V] extends [null]
        ? 'null'
        : null extends V
          ? `${One<NonNullable<V>>} | null`
          : undefined extends V
            ? `${One<Exclude<V, undefined>>} | undefined: write \`!: T | null\` and .optional`
            : One<V>;

export type Fits<X, V> =
  X extends Type<infer T, infer K>
    ? Same<V, T> extends true
      ? X
      : Say<V> extends Say<T>
        ? Type<V, K>
        : `t.${K} holds ${Say<T>}, but the field is declared ${Say<V>}`
    : never;
export type KeyFits<X, V> = [V] extends [string | number | boolean | Date]
  ? Fits<X, V>
  : 'a key is declared string, number, boolean or Date, never null';
export type FeatureFits<X, V> = IsInput<V> extends true ? 'declared Input<...>: use @input' : Fits<X, V>;
export type InputFits<X, V> = [NonNullable<V>] extends [{ readonly [request]: infer T }] ? Fits<X, T> : 'an @input is declared Input<...>';
