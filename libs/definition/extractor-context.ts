import type { Class, Name, Row } from './names.js';
import type { Looked } from './stream.js';

/** An entity: its key, or for a composite key, and for one that is an instant, an object of the key's fields. */
export type EntityKey<R> = string | number | boolean | { readonly [K in Name<R>]?: R[K] };

/** What an extractor is given besides its inputs. `lookup` may be taken apart from it. */
export interface ExtractorContext {
  /** S3: the instant T of the query. */
  readonly asOf: Date;
  /** The dataset's row for the entity as of T: of an aggregated dataset its windows, of any other its newest row, or null (S5). */
  readonly lookup: <C extends Class>(dataset: C, key: EntityKey<Row<C>>) => Looked<C>;
}
