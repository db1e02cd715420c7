import type { EntityKey } from '../../libs/definition/extractor-context.js';
import type { Class, Row } from '../../libs/definition/names.js';
import type { Answered, QueryOptions } from '../../libs/definition/query-types.js';

/** A client with the types that the face gives it. */
export declare class ThymeClient {
  query<C extends Class>(featureset: C, entityId: EntityKey<Row<C>>, ...o: QueryOptions<C, { readonly timestamp?: Date }>): Promise<{ readonly features: Answered<C>; readonly queryRunId: string }>;
  lookup<C extends Class>(dataset: C, key: EntityKey<Row<C>>, o?: { readonly timestamp?: Date }): Promise<Row<C> | null>;
  log<C extends Class>(dataset: C, rows: readonly Row<C>[]): Promise<void>;
}
