import type { ExtractorContext } from './extractor-context.js';
import type { Say } from './field-fit.js';
import type { AnyMethod, IsAny, Name, Row } from './names.js';
import type { Aggregated, Stream } from './stream.js';

// What a decorated method or class must take and give: `never` where nothing is wrong, else a
// sentence, which the compiler prints. The cheap conditions are tested first.

/** X itself where nothing is wrong. */
export type Unless<P, X> = [P] extends [never] ? X : P;

type Streams<D> = { -readonly [I in keyof D]: Stream<Row<D[I]>> };
type IsUnion<U, W = U> = U extends unknown ? ([W] extends [U] ? false : true) : never;
type Dates<I> = { [K in Name<I>]: [I[K]] extends [Date] ? K : never }[Name<I>];

/** One Date may be missing: the @timestamp, which the event brings. */
type Unfilled<I, V> =
  Exclude<Name<I>, keyof V> extends infer M
    ? [M] extends [never]
      ? never
      : Exclude<M, Dates<I>> extends never
        ? IsUnion<M> extends true
          ? M
          : never
        : Exclude<M, Dates<I>>
    : never;

type Problems<I, V> = [I] extends [never]
  ? 'the method must be static'
  : | (Unfilled<I, V> extends infer M extends string ? `the pipeline does not fill '${M}'` : never)
    | (Exclude<Name<V>, Name<I>> extends infer M extends string ? `the pipeline fills '${M}', which is not a field of the dataset` : never)
    | {
        [K in Name<V> & Name<I>]: [V[K]] extends [I[K]] ? never : `'${K}' is declared ${Say<I[K]>}, but the pipeline gives ${Say<V[K]>}`;
      }[Name<V> & Name<I>];

type Fills<I, R> =
  R extends Aggregated<infer K, infer V>
    ? Problems<I, K & V>
    : R extends Stream<infer S>
      ? Problems<I, S>
      : 'return the stream, or what .aggregate(...) gives';

/** A pipeline's method: a Stream of each of D in, the fields of the dataset I out. */
export type Piped<D extends readonly unknown[], I, F> = F extends (...streams: Streams<D>) => infer R
  ? Parameters<F>['length'] extends D['length']
    ? Fills<I, R>
    : 'the method must take one Stream for each of `inputs`'
  : 'the method must take a Stream of each of `inputs`, in that order';

type Takes<I, In extends string, P> = unknown extends P
  ? never
  : [Name<I>] extends [In]
    ? never
    : [Exclude<keyof P, In>] extends [never]
      ? [Exclude<In, keyof P>] extends [never]
        ? [Pick<I, In & keyof I>] extends [P]
          ? never
          : 'the method takes an input with another type than declared'
        : `\`inputs\` names '${Exclude<In, keyof P>}', which the method does not take`
      : `the method takes '${Exclude<Name<P>, In>}', which is not in \`inputs\``;

type Returns<I, Out extends string, R> = [Name<I>] extends [Out]
  ? never
  : [Exclude<Out, keyof R>] extends [never]
    ? [Exclude<keyof R, Out>] extends [never]
      ? [R] extends [Pick<I, Out & keyof I>]
        ? never
        : {
            [K in Out & keyof I & keyof R]: [R[K]] extends [I[K]]
              ? never
              : `'${K}' is declared ${Say<I[K]>}, but the method returns ${Say<R[K]>}`;
          }[Out & keyof I & keyof R]
      : `the method returns '${Exclude<Name<R>, Out>}', which is not in \`outputs\``
    : `the method does not return '${Exclude<Out, keyof R>}', which is in \`outputs\``;

/** An extractor's method: exactly the inputs in, exactly the outputs out, at once or as a promise. */
export type Extracts<I, In extends string, Out extends string, F> = [I] extends [never]
  ? 'the method must be static'
  : F extends (context: ExtractorContext, inputs: infer P) => infer R
    ? Takes<I, In, P> | Returns<I, Out, Awaited<R>>
    : 'an extractor takes (context: ExtractorContext, inputs: Pick<Featureset, ...>)';

/** A dataset's class has fields only, and a Date to be its timestamp. */
export type NotData<I> =
  | { [K in Name<I>]: I[K] extends AnyMethod ? `'${K}' is a method: a dataset has only fields` : never }[Name<I>]
  | ([Dates<I>] extends [never] ? 'a dataset needs a field `@timestamp() at!: Date`' : never);

/** What `upgrade` gives is a whole record of the class. */
export type NotUpgraded<I, O> = O extends { readonly upgrade: (old: any) => infer R }
  ? IsAny<R> extends true
    ? never
    : [Exclude<Name<I>, keyof R>] extends [never]
      ? {
          [K in Name<I> & keyof R]: [R[K]] extends [I[K]] ? never : `'${K}' is declared ${Say<I[K]>}, but upgrade gives ${Say<R[K]>}`;
        }[Name<I> & keyof R]
      : string extends keyof R
        ? never
        : `upgrade does not give '${Exclude<Name<I>, keyof R>}'`
  : never;
