import type { ValueType } from '../schema/value-type.js';

/** What a comparison of two definitions has to be told besides them. */
export interface ComparisonContext {
  /** Ids of functions whose code is not what it was: a transform's needs a new version (S19). */
  readonly changedFunctions?: ReadonlySet<string>;
  /** Features of all earlier revisions that are gone: their ids are never reused (S19). */
  readonly retiredFeatures?: readonly RetiredFeature[];
  /** How many records the version before holds, of datasets that are raised with an upgrade (S19a). */
  readonly recordCounts?: ReadonlyMap<string, number>;
  /** Dataset versions, such as `Order.v2`, that were begun with the records of the one before. */
  readonly carried?: ReadonlySet<string>;
}

export interface RetiredFeature {
  readonly featureset: string;
  readonly id: number;
  readonly name: string;
  readonly type: ValueType;
}
