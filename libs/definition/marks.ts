import type { Metadata } from './definitions.js';
import type { ConfigValue } from './definitions.js';
import type { ValueType } from '../schema/value-type.js';

// What the decorators leave on a class: plain data on its metadata, read by collect.ts. Nothing of
// the user's runs before that.

export type Method = (...args: readonly unknown[]) => unknown;

export interface FieldMark {
  readonly role: 'key' | 'field' | 'timestamp';
  readonly name: string;
  readonly type: ValueType;
}

export interface DatasetOptions extends Metadata {
  readonly version: number;
  readonly index?: boolean;
  readonly publish?: boolean;
  readonly history?: string;
  readonly maxLateness?: string;
  readonly maxFuture?: string;
  readonly upgrade?: Method | 'empty';
  readonly cdc?: 'append' | 'upsert' | 'debezium';
  readonly rowKey?: readonly string[];
}

export interface SourceMark {
  readonly connector: string;
  readonly config: Readonly<Record<string, ConfigValue>>;
  readonly cursor?: string;
  readonly every?: string;
  readonly maxLateness?: string;
  readonly maxFuture?: string;
  readonly cdc?: 'append' | 'upsert' | 'debezium';
}

export interface PipelineMark extends Metadata {
  readonly name: string;
  readonly version: number;
  readonly inputs: readonly object[];
  readonly method: Method;
}

export interface FeatureMark extends Metadata {
  readonly name: string;
  readonly id: number;
  readonly type: ValueType;
  readonly input: boolean;
  readonly ref?: readonly [object, string];
  readonly from?: readonly [object, string];
  /** As the face holds it; absent is undefined, and null is no default. */
  readonly default?: unknown;
}

export interface ExtractorMark {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly method: Method;
}

export interface Marks {
  /** Set by @dataset or @featureset. The name as written: a bundler may rename the class itself. */
  name?: string;
  dataset?: DatasetOptions;
  featureset?: { readonly entity: readonly string[] } & Metadata;
  readonly fields: FieldMark[];
  readonly sources: SourceMark[];
  readonly pipelines: PipelineMark[];
  readonly expectations: { readonly name: string; readonly method: Method }[];
  readonly features: FeatureMark[];
  readonly extractors: ExtractorMark[];
  /** Members that cannot be what their decorator says, with the reason. */
  readonly misplaced: { readonly member: string; readonly message: string; readonly fix: string }[];
}

// Registered, so that a bundle that brought its own copy of this module is understood too.
const MARKS: unique symbol = Symbol.for('thyme.marks') as never;
type Holder = { [MARKS]?: Marks };

/** The marks of the class being decorated. Throws, with the fix, where decorators are not the standard ones. */
export function marksOf(context: unknown, word: string): Marks {
  if (typeof context !== 'object' || context === null || !('kind' in context)) {
    throw new TypeError(`@${word}: these are not standard decorators: remove "experimentalDecorators" from tsconfig.json`);
  }
  const { metadata } = context as { readonly metadata?: Holder };
  if (metadata === undefined) {
    throw new TypeError(
      `@${word}: Symbol.metadata was missing when the class was compiled: import 'thyme' before any decorated class, or run a TypeScript of 5.2 or later`,
    );
  }
  // A subclass's metadata inherits from its parent's: each class has marks of its own.
  if (!Object.hasOwn(metadata, MARKS)) metadata[MARKS] = emptyMarks();
  return metadata[MARKS] as Marks;
}

/** The marks of a class, its parents' fields and features first; undefined where it is no decorated class. */
export function marksOfClass(value: unknown): Marks | undefined {
  if (typeof value !== 'function') return undefined;
  const symbol = (Symbol as { readonly metadata?: symbol }).metadata ?? Symbol.for('Symbol.metadata');
  let metadata: unknown = Object.hasOwn(value, symbol) ? (value as unknown as Record<symbol, unknown>)[symbol] : undefined;
  const chain: Marks[] = [];
  for (; typeof metadata === 'object' && metadata !== null; metadata = Object.getPrototypeOf(metadata)) {
    if (Object.hasOwn(metadata, MARKS)) chain.push((metadata as Holder)[MARKS] as Marks);
  }
  const [own] = chain;
  if (own === undefined || chain.length === 1) return own;
  const inherited = chain.reverse();
  return { ...own, fields: inherited.flatMap((marks) => marks.fields), features: inherited.flatMap((marks) => marks.features) };
}

/** The name of a dataset's class, as lookups and joins need it. */
export function datasetNameOf(dataset: unknown): string {
  const marks = marksOfClass(dataset);
  if (marks?.dataset === undefined || marks.name === undefined)
    throw new TypeError(`${classNameOf(dataset)} is no dataset: its class needs @dataset({ version: 1 })`);
  return marks.name;
}

export function featuresetNameOf(featureset: unknown): string {
  const marks = marksOfClass(featureset);
  if (marks?.featureset === undefined || marks.name === undefined)
    throw new TypeError(`${classNameOf(featureset)} is no featureset: its class needs @featureset({ entity: ... })`);
  return marks.name;
}

/** A class's name for messages, whatever it is. */
export function classNameOf(value: unknown): string {
  return marksOfClass(value)?.name ?? (typeof value === 'function' && value.name !== '' ? value.name : String(value));
}

function emptyMarks(): Marks {
  return { fields: [], sources: [], pipelines: [], expectations: [], features: [], extractors: [], misplaced: [] };
}
