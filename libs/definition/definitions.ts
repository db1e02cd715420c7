import type { Expression } from '../expression/expression.js';
import type { Field, Value, ValueType } from '../schema/value-type.js';

// A module of definitions as plain data: what decorators collect, what `commit` sends and what
// every service compiles from. One to one with the protobuf `Definitions`. Durations are in µs.

export interface Metadata {
  readonly description?: string;
  readonly owner?: string;
  readonly tags?: readonly string[];
  readonly deprecated?: boolean;
}

export interface Definitions {
  readonly datasets: readonly DatasetDefinition[];
  readonly sources: readonly SourceDefinition[];
  readonly pipelines: readonly PipelineDefinition[];
  readonly featuresets: readonly FeaturesetDefinition[];
}

export interface DatasetDefinition extends Metadata {
  readonly name: string;
  readonly version: number;
  /** Every field in the order declared: keys and the timestamp too. */
  readonly fields: readonly Field[];
  readonly keys: readonly string[];
  readonly timestamp: string;
  /** Kept by key and event time for lookups and joins. */
  readonly index: boolean;
  /** Its rows go to its topic, so that pipelines can be chained on it (S25). */
  readonly publish: boolean;
  readonly historyUs?: number;
  readonly maxLatenessUs?: number;
  readonly maxFutureUs: number;
  readonly expectations: readonly Expectation[];
  /** S17: each record is a change of a row; absent: each is an event of its own. */
  readonly cdc?: ChangeCapture;
  /** What becomes of the records of the version before (S19a). */
  readonly upgrade?: Upgrade;
}

/** How changes come, and the fields that name the row which one changes: its topic is partitioned by them. */
export interface ChangeCapture {
  readonly mode: 'upsert' | 'debezium';
  readonly rowKey: readonly string[];
}

/** `function` names the author's function in the bundle: from an object of the version before it makes one of this version. */
export type Upgrade = { readonly kind: 'empty' } | { readonly kind: 'function'; readonly function: string };

/** Counted and shown, never dropping a record. `mostly` is the share that must hold, 0–1. */
export type Expectation =
  | { readonly kind: 'between'; readonly field: string; readonly min?: number; readonly max?: number; readonly mostly: number }
  | { readonly kind: 'notNull'; readonly field: string; readonly mostly: number };

export type ConfigValue = string | number | boolean | { readonly secret: string };

export interface SourceDefinition {
  readonly dataset: string;
  readonly connector: string;
  readonly config: Readonly<Record<string, ConfigValue>>;
  readonly cursor?: string;
  readonly everyUs?: number;
  readonly maxLatenessUs?: number;
  readonly maxFutureUs?: number;
  readonly cdc: 'append' | 'upsert' | 'debezium';
}

export interface PipelineDefinition extends Metadata {
  /** `<output dataset>.<method>`. */
  readonly name: string;
  readonly version: number;
  readonly output: string;
  readonly inputs: readonly string[];
  readonly steps: readonly Step[];
  /** Absent where the method returns the stream itself: its rows are then the output dataset's records. */
  readonly aggregate?: Aggregate;
}

export type Step =
  | { readonly kind: 'filter'; readonly where: Expression }
  | { readonly kind: 'assign'; readonly columns: readonly { readonly name: string; readonly value: Expression }[] }
  /** `function` names the author's function in the bundle; it takes and returns objects by field name. */
  | { readonly kind: 'transform'; readonly adds: readonly Field[]; readonly function: string }
  | { readonly kind: 'select'; readonly names: readonly string[] }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'join'; readonly dataset: string; readonly on: readonly string[]; readonly how: 'left' | 'inner' };

export interface Aggregate {
  readonly groupBy: readonly string[];
  readonly aggregations: readonly Aggregation[];
}

export type Operator = 'sum' | 'count' | 'avg' | 'min' | 'max' | 'percentile' | 'percentRank' | 'last' | 'lastK';

export interface Aggregation {
  /** The field of the output dataset that it fills. */
  readonly field: string;
  readonly operator: Operator;
  /** The column it reads; absent only for `count`. */
  readonly of?: string;
  /** Null for all events with t ≤ T. */
  readonly windowUs: number | null;
  readonly where?: Expression;
  /** `percentile`: 0–100. */
  readonly pct?: number;
  /** `lastK`: how many, newest first. */
  readonly k?: number;
  readonly dedup?: boolean;
  readonly dropNull?: boolean;
}

export interface FeaturesetDefinition extends Metadata {
  readonly name: string;
  /** The features that are the entity's key, in key order. */
  readonly entity: readonly string[];
  readonly features: readonly FeatureDefinition[];
  readonly extractors: readonly ExtractorDefinition[];
}

export interface FeatureDefinition extends Metadata {
  readonly name: string;
  /** Unique in its featureset and never reused (S19). */
  readonly id: number;
  readonly type: ValueType;
  /** Brought by the request. */
  readonly input: boolean;
  readonly ref?: { readonly dataset: string; readonly field: string };
  readonly from?: { readonly featureset: string; readonly feature: string };
  readonly default?: Value;
}

export interface ExtractorDefinition {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The author's function in the bundle. */
  readonly function: string;
}
