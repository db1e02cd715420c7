import { type About, type Member, memberName, methodName } from './dataset-decorators.js';
import type { FeatureFits, InputFits, Same, Sent } from './field-fit.js';
import { marksOf, type Method } from './marks.js';
import type { Extracts, Unless } from './method-fit.js';
import type { AnyMethod, Class, Name, Names, Row } from './names.js';
import type { IsDerived } from './stream.js';
import { type AnyType, valueTypeOf } from './type-words.js';

// The words of a featureset's class.

/** The fields of dataset C that a feature declared V can be taken from. */
type Referable<C, V> = [C] extends [never]
  ? never
  : { [K in Name<Row<C>>]: Same<NonNullable<Row<C>[K]>, NonNullable<V>> extends true ? K : never }[Name<Row<C>>];
/** The features of featureset D that a feature declared V can be taken from. */
type Takeable<D, V> = [D] extends [never]
  ? never
  : { [K in Name<Row<D>>]: Same<NonNullable<Sent<Row<D>[K]>>, NonNullable<V>> extends true ? K : never }[Name<Row<D>>];
type NullIn<C, K> = K extends keyof Row<C> ? (null extends Row<C>[K] ? true : false) : false;
/** S5: an aggregated dataset always has a row, any other may have none. */
type RefMayBeNull<C, K> = IsDerived<C> extends true ? NullIn<C, K> : true;
type NeedsDefault<V, C, K, D, L> = null extends V
  ? false
  : [C] extends [never]
    ? [D] extends [never]
      ? false
      : NullIn<D, L>
    : RefMayBeNull<C, K>;
type Defaulted<V, C, K, D, L> = NeedsDefault<V, C, K, D, L> extends true ? { readonly default: V } : unknown;

/** Named features that models query, computed by extractors. */
export const featureset =
  <C extends Class>(
    options: {
      /** The feature that is the entity's key; a list for a composite key, in the order of the datasets' keys. */
      readonly entity: Names<Row<NoInfer<C>>> | readonly [Names<Row<NoInfer<C>>>, ...Names<Row<NoInfer<C>>>[]];
    } & About,
  ) =>
  (_value: C, context: ClassDecoratorContext<C>): void => {
    const marks = marksOf(context, 'featureset');
    const { entity, ...about } = options as { readonly entity: string | readonly string[] } & About; // spelled out above for the editor only
    marks.name = context.name ?? '';
    marks.featureset = { ...about, entity: Array.isArray(entity) ? (entity as readonly string[]) : [entity as string] };
  };

/**
 * A feature: of `ref`, a dataset's field; of `from`, another featureset's feature; or what an
 * extractor gives. Its `id` is unique in the featureset and never reused (S19).
 */
export const feature =
  <
    V,
    const X extends AnyType,
    C extends Class = never,
    const K extends Referable<C, V> = never,
    D extends Class = never,
    const L extends Takeable<D, V> = never,
  >(
    type: FeatureFits<X, NoInfer<V>>,
    options: {
      readonly id: number;
      readonly ref?: readonly [C, K];
      readonly from?: readonly [D, L];
      /** Stands for any null (S5). */
      readonly default?: NoInfer<V>;
    } & About &
      Defaulted<NoInfer<V>, C, K, D, L>,
  ): Member<V> =>
  (_value, context) => {
    const marks = marksOf(context, 'feature');
    // The class that an own class refers to before it is made is undefined: collect.ts says so.
    const { ref, from, ...rest } = options as FeatureOptions;
    marks.features.push({
      ...rest,
      ...(ref === undefined ? {} : { ref }),
      ...(from === undefined ? {} : { from }),
      name: memberName(marks, context, 'feature'),
      type: valueTypeOf(type),
      input: false,
    });
  };

/** A feature that the caller sends with the query. */
export const input =
  <V, const X extends AnyType>(type: InputFits<X, NoInfer<V>>, options: { readonly id: number } & About): Member<V> =>
  (_value, context) => {
    const marks = marksOf(context, 'input');
    marks.features.push({ ...options, name: memberName(marks, context, 'input'), type: valueTypeOf(type), input: true });
  };

/** Computes the features `outputs` from the features `inputs`, at once or asynchronously. */
export const extractor =
  <C, const I extends Names<Row<C>>, const O extends Names<Row<C>>>(options: {
    readonly inputs: readonly I[];
    readonly outputs: readonly [O, ...O[]];
  }) =>
  <F extends AnyMethod>(value: Unless<Extracts<Row<C>, I, O, F>, F>, context: ClassMethodDecoratorContext<C, F>): void => {
    const marks = marksOf(context, 'extractor');
    marks.extractors.push({
      name: methodName(marks, context, 'extractor'),
      inputs: [...options.inputs],
      outputs: [...options.outputs],
      method: value as Method,
    });
  };

interface FeatureOptions extends About {
  readonly id: number;
  readonly ref?: readonly [object, string];
  readonly from?: readonly [object, string];
  readonly default?: unknown;
}
