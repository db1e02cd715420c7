import type { Expression } from '../expression/expression.js';
import type { ValueType } from '../schema/value-type.js';
import type { Definitions } from './definitions.js';

/** One commit, as the registry numbered it: what owner and replicas switch to at one seq (DESIGN 4). */
export interface Revision {
  /** 1, 2, 3, ... */
  readonly number: number;
  readonly createdUs: number;
  readonly definitions: Definitions;
  /** The module's functions as one CommonJS text; empty sha256 and code where there are none. */
  readonly bundle: { readonly sha256: string; readonly code: string };
  readonly timelines: readonly TimelineIdentity[];
}

/** The numeric identity of a pipeline's or an index's version, never reused: it leads store keys. */
export interface TimelineIdentity {
  /** `<pipeline>`, or `index:<dataset>` for a dataset with `index: true` that no pipeline aggregates. */
  readonly name: string;
  readonly version: number;
  readonly id: number;
  readonly measures: readonly Measure[];
}

/**
 * A column of a timeline: the values of the column `of` where `where` is true, else null (S6).
 * Without `of`, 1 where `where` is true. An index holds one measure without either: the whole
 * record as bytes of its row codec.
 */
export interface Measure {
  readonly of?: string;
  readonly where?: Expression;
  /** Read by a percentile. */
  readonly digest: boolean;
  /** The column's type; int for those without `of`, bytes for an index. */
  readonly type: ValueType;
}
