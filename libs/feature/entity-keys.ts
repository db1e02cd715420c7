import { keyValuesFrom } from '../codec/entity-id.js';
import { compileKeyEncoder } from '../codec/entity-key.js';
import { slotOf } from '../codec/slot.js';
import type { DatasetDefinition } from '../definition/definitions.js';
import type { Field, Row } from '../schema/value-type.js';
import type { EntityKey } from './state-access.js';

/** Reads entity ids of requests and of authors' lookups, and makes the key that state is kept under. */
export class EntityKeys {
  readonly fields: readonly Field[];
  readonly #encode: (values: Row) => Uint8Array;

  constructor(fields: readonly Field[], place: string) {
    this.fields = fields;
    this.#encode = compileKeyEncoder(fields, place);
  }

  /** An id, for a composite key an object of the fields or a list in their order. INVALID_ARGUMENT names `place`. */
  read(input: unknown, place: string): EntityKey {
    return this.of(keyValuesFrom(this.fields, input, place));
  }

  of(values: Row): EntityKey {
    const bytes = this.#encode(values);
    return { values, bytes, slot: slotOf(bytes) };
  }
}

/** The key fields of a dataset, in the order declared. */
export function keyFieldsOf(dataset: DatasetDefinition): readonly Field[] {
  return dataset.keys.flatMap((key) => dataset.fields.filter((field) => field.name === key));
}
