import type { Decimal } from './decimal.js';

// Types about classes and the names of their fields, which the words of the face share.

/** A class of a definition, as a value: `Order`. I is what its instances hold. */
export type Class<I = object> = abstract new () => I;

/** What an instance of the class holds: a dataset's record, a featureset's features. */
export type Row<C> = C extends abstract new (...args: never) => infer I ? I : never;

export type Name<R> = keyof R & string;
/** Spelled out, so that messages and completions show the names. */
export type Names<R> = unknown extends R ? string : { [K in Name<R>]: K }[Name<R>];
export type NamesOf<R, V> = unknown extends R ? string : { [K in Name<R>]: [NonNullable<R[K]>] extends [V] ? K : never }[Name<R>];

export type Scalar = string | number | bigint | boolean | Date | Decimal | Uint8Array;
export type IsAny<V> = 0 extends 1 & V ? true : false;
export type Plain<T> = { [K in keyof T]: T[K] };

/** S2: an integer and s, m, h, d or w. That it is positive is checked at commit. */
export type Duration = `${bigint}${'s' | 'm' | 'h' | 'd' | 'w'}`;

// `any`: a method is only asked for its parameters and result, and `never` would lose the latter's inference.
export type AnyMethod = (...a: any) => unknown;
