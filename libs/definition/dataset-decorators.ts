import type { Fits, KeyFits, Same, Say } from './field-fit.js';
import { type DatasetOptions, type FieldMark, type Marks, marksOf, type Method } from './marks.js';
import type { NotData, NotUpgraded, Piped, Unless } from './method-fit.js';
import type { AnyMethod, Class, Duration, NamesOf, Row } from './names.js';
import type { Connector, ConnectorMode } from './sources.js';
import { t, type AnyType, valueTypeOf } from './type-words.js';
import type { Decimal } from './decimal.js';
import type { RowExpectation } from './expect.js';

// The words of a dataset's class. Standard TC39 decorators: `C` and `V` are learned from the
// class or field below, so that options are checked, and completed, at the literal.

// `any`: a field's decorator is not told its class.
export type Member<V> = (value: undefined, context: ClassFieldDecoratorContext<any, V>) => void;

/** What any definition may say about itself. */
export interface About {
  readonly description?: string;
  readonly owner?: string;
  readonly tags?: readonly string[];
  readonly deprecated?: boolean;
}

interface DatasetWords extends About {
  /** Raised for a change that S19 does not allow in place. */
  readonly version: number;
  /** Kept by key and event time, for lookups, refs and joins. */
  readonly index?: boolean;
  /** S25: its rows go to its topic, so that pipelines can be chained on it. */
  readonly publish?: boolean;
  /** S20: how much history is kept; all of it where nothing is said. */
  readonly history?: Duration;
  /** S10, S12: for records that are pushed. A source has its own. */
  readonly maxLateness?: Duration;
  readonly maxFuture?: Duration;
  /** S19a: makes a record of this version from one of the version before; `'empty'` begins without them. */
  readonly upgrade?: ((old: any) => object) | 'empty';
  /** S17: what a push is. An event of its own ('append', as where nothing is said), or a change of the row that `rowKey` names. */
  readonly cdc?: 'append' | 'upsert' | 'debezium';
  /** The fields that name a row: for `cdc` only. */
  readonly rowKey?: readonly string[];
}

interface PushOptions {
  readonly maxLateness?: Duration;
  readonly maxFuture?: Duration;
  /** S17. */
  readonly cdc?: 'append' | 'upsert' | 'debezium';
}
interface PollOptions<C> {
  /** The column that only grows: the source is read in its order. */
  readonly cursor: NamesOf<Row<NoInfer<C>>, number | Decimal | Date | string>;
  readonly every: Duration;
  readonly maxLateness?: Duration;
  readonly maxFuture?: Duration;
  readonly cdc?: 'append' | 'upsert';
}

/** What sources of files, objects and snapshots take, which have an order of their own. */
interface ObjectOptions {
  readonly every: Duration;
  readonly maxLateness?: Duration;
  readonly maxFuture?: Duration;
  readonly cdc?: 'append' | 'upsert';
}

type SourceOptions<C, M extends ConnectorMode> = M extends 'poll'
  ? [options: PollOptions<C>]
  : M extends 'objects'
    ? [options: ObjectOptions]
    : [options?: PushOptions];

/** A typed, keyed, timestamped stream of records. */
export const dataset =
  <const O extends DatasetWords>(options: O) =>
  <C extends Class>(_value: Unless<NotData<Row<C>> | NotUpgraded<Row<C>, O>, C>, context: ClassDecoratorContext<C>): void => {
    const marks = marksOf(context, 'dataset');
    marks.name = context.name ?? '';
    marks.dataset = options satisfies DatasetOptions;
  };

/** A connector that feeds the dataset. */
export const source =
  <C extends Class, M extends ConnectorMode>(connector: Connector<M>, ...[options]: SourceOptions<C, M>) =>
  (_value: C, context: ClassDecoratorContext<C>): void => {
    if (typeof connector !== 'object' || (connector as unknown) === null || !('connector' in connector))
      throw new TypeError("@source takes a connector first, such as kafka({ topic: 'orders' })");
    const { connector: name, config } = connector;
    marksOf(context, 'source').sources.push({ connector: name, config, ...options });
  };

/** A field of the record, of this type. */
export const field = <V, const X extends AnyType>(type: Fits<X, NoInfer<V>>): Member<V> => fieldMark('field', type);

/** The key, by which records belong to an entity. Several of them are a composite key, in the order declared. */
export const key = <V, const X extends AnyType>(type: KeyFits<X, NoInfer<V>>): Member<V> => fieldMark('key', type);

/** The event time (S1). */
export const timestamp = (): (<V>(
  value: Same<V, Date> extends true ? undefined : `@timestamp() must be declared Date, not ${Say<V>}`,
  context: ClassFieldDecoratorContext<any, V>,
) => void) => fieldMark('timestamp', t.timestamp);

/** A windowed aggregation, or a chain of steps, from datasets into this one. */
export const pipeline =
  <const D extends readonly Class[]>(options: { readonly version: number; readonly inputs: D } & About) =>
  <C, F extends AnyMethod>(value: Unless<Piped<D, Row<C>, F>, F>, context: ClassMethodDecoratorContext<C, F>): void => {
    const marks = marksOf(context, 'pipeline');
    const name = methodName(marks, context, 'pipeline');
    marks.pipelines.push({ ...options, name, method: value as Method });
  };

/** What should hold of the records. Counted and shown, never dropping one. */
export const expectations =
  () =>
  <C>(value: () => readonly RowExpectation<Row<C>>[], context: ClassMethodDecoratorContext<C>): void => {
    const marks = marksOf(context, 'expectations');
    marks.expectations.push({ name: methodName(marks, context, 'expectations'), method: value });
  };

/** What is asked of a member's decorator context. */
interface Placed {
  readonly name: string | symbol;
  readonly static: boolean;
  readonly private: boolean;
}

/** The method's name; one that is not static is remembered as misplaced. */
export function methodName(marks: Marks, context: Placed, word: string): string {
  const name = String(context.name);
  if (!context.static || context.private)
    marks.misplaced.push({ member: name, message: `@${word} is on a method that is not static`, fix: `write \`static ${name}(...)\`` });
  return name;
}

/** The field's name; a static or private one is remembered as misplaced. */
export function memberName(marks: Marks, context: Placed, word: string): string {
  const name = String(context.name);
  if (context.static || context.private)
    marks.misplaced.push({ member: name, message: `@${word} is on a static or private field`, fix: `write \`${name}!: ...\`` });
  return name;
}

function fieldMark(role: FieldMark['role'], type: unknown): (value: unknown, context: ClassFieldDecoratorContext) => void {
  return (_value, context) => {
    const marks = marksOf(context, role);
    marks.fields.push({ role, name: memberName(marks, context, role), type: valueTypeOf(type) });
  };
}
