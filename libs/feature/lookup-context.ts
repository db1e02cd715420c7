import { compileToAuthor, type DecimalClass } from '../schema/author-value.js';
import type { Row } from '../schema/value-type.js';
import type { ExtractorContext } from './bound-extractor.js';
import type { DatasetPlan } from './dataset-plan.js';
import type { EntityKey, ReadContext } from './state-access.js';

interface LookupParts {
  dataset(name: string): DatasetPlan;
  datasetNameOf(datasetClass: unknown): string;
  readonly decimal: DecimalClass;
}

/**
 * What extractors are given: lookups read at the query's instant from the query's own tick (S15), so
 * they see what its refs see. Of an aggregated dataset the windows, without defaults; of any other
 * the newest row or null (S5).
 */
export class LookupContext implements ExtractorContext {
  /** An arrow, since authors take it apart: `({ lookup }, inputs) => ...`. */
  readonly lookup = (datasetClass: unknown, key: unknown): unknown => {
    const plan = this.#parts.dataset(this.#parts.datasetNameOf(datasetClass));
    const row = plan.row(plan.keys.readLike(this.#entity, key, `lookup(${plan.dataset.name})`), this.#context);
    return row === null ? null : toAuthor(plan, this.#parts.decimal)(row);
  };
  readonly #entity: EntityKey;
  readonly #context: ReadContext;
  readonly #parts: LookupParts;

  /** `entity` is the row's: extractors look up little else. */
  constructor(entity: EntityKey, context: ReadContext, parts: LookupParts) {
    this.#entity = entity;
    this.#context = context;
    this.#parts = parts;
  }

  /** A Date of its own for whoever asks: authors may change it. It holds milliseconds; T has microseconds. */
  get asOf(): Date {
    return new Date(Math.floor(this.#context.instant.asOfUs / 1_000));
  }
}

const authorRows = new WeakMap<DatasetPlan, (row: Row) => Record<string, unknown>>();

/** Compiled once for a dataset of a revision: its plans, and so the classes it is read with, are never shared. */
function toAuthor(plan: DatasetPlan, decimal: DecimalClass): (row: Row) => Record<string, unknown> {
  let convert = authorRows.get(plan);
  if (convert === undefined) {
    convert = compileToAuthor(plan.dataset.fields, decimal);
    authorRows.set(plan, convert);
  }
  return convert;
}
