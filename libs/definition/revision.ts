import type { Expression } from '../expression/expression.js';
import type { ValueType } from '../schema/value-type.js';
import type { DatasetDefinition, Definitions } from './definitions.js';

/** One commit, as the registry numbered it: what owner and replicas switch to at one seq (DESIGN 4). */
export interface Revision {
  /** 1, 2, 3, ... */
  readonly number: number;
  readonly createdUs: number;
  readonly definitions: Definitions;
  /** The module's functions as one CommonJS text; empty sha256 and code where there are none. */
  readonly bundle: { readonly sha256: string; readonly code: string };
  readonly timelines: readonly TimelineIdentity[];
  /** Absent where no dataset was ever upgraded. None is ever dropped: what still comes to an old version is carried as well. */
  readonly carryOvers?: readonly CarryOver[];
}

/** A dataset version that was begun with the records of the one before (S19a). */
export interface CarryOver {
  /** The id of its reader, from the same count as ids of timelines. */
  readonly id: number;
  /** The dataset as it was when its records began to be carried. */
  readonly from: DatasetDefinition;
  readonly toVersion: number;
  /** The revision whose definitions and bundle say how. */
  readonly revision: number;
}

/** The numeric identity of a pipeline's or an index's version, never reused: it leads store keys. */
export interface TimelineIdentity {
  /** `<pipeline>`, or `index:<dataset>` for a dataset with `index: true` that no pipeline aggregates. */
  readonly name: string;
  readonly version: number;
  readonly id: number;
  readonly measures: readonly Measure[];
  /**
   * The dataset versions that its rows come from, the driving one first; absent in revisions before they were told
   * (timeline-topics.ts).
   */
  readonly inputs?: readonly string[];
  /** The dataset version that its pipeline publishes to; absent where it publishes nothing. */
  readonly output?: string;
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
