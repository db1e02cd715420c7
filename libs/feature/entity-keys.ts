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
  readonly #isText: boolean;

  constructor(fields: readonly Field[], place: string) {
    this.fields = fields;
    this.#encode = compileKeyEncoder(fields, place);
    this.#isText = fields.length === 1 && fields[0]?.type.kind === 'string';
  }

  /** An id, for a composite key an object of the fields or a list in their order. INVALID_ARGUMENT names `place`. */
  read(input: unknown, place: string): EntityKey {
    return this.of(keyValuesFrom(this.fields, input, place));
  }

  /** The same for an id that may well be this entity's, of whose fields the kinds are not known: its key is then not made again. */
  readLike(entity: EntityKey, input: unknown, place: string): EntityKey {
    // Texts have one spelling in keys, numbers have one for each kind.
    return this.#isText && entity.values.length === 1 && typeof input === 'string' && entity.values[0] === input
      ? entity
      : this.read(input, place);
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
