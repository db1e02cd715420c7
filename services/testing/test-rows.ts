import { keyFields, keyText, partCodec } from '../../libs/client/class-codec.js';
import { Decimal } from '../../libs/definition/decimal.js';
import { datasetNameOf, marksOfClass } from '../../libs/definition/marks.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { compileToAuthor } from '../../libs/schema/author-value.js';
import type { Field, Row } from '../../libs/schema/value-type.js';
import type { JsonValue } from '../../libs/schema/write-value.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';

/** Pushes of rows whose dataset is `cdc: 'upsert'` may say when the source changed them (S17). */
export function changeOf(row: JsonValue, op: 'upsert' | 'delete', changedAtUs: number | undefined): unknown {
  return { ...(row as object), op, ...(changedAtUs === undefined ? {} : { op_time: formatTimestamp(changedAtUs) }) };
}

/** The rowKey of a row as JSON; INVALID_ARGUMENT where the dataset's rows cannot be deleted one by one. */
export function deletedRow(dataset: object, key: unknown): JsonValue {
  const options = marksOfClass(dataset)?.dataset;
  const rowKey = options?.rowKey ?? [];
  if (options?.cdc !== 'upsert')
    throw invalidArgument(
      datasetNameOf(dataset),
      options?.cdc === 'debezium'
        ? "its deletes are envelopes: push one with op 'd'"
        : "its rows are events, which are not taken back: declare cdc: 'upsert' and a rowKey",
    );
  return partCodec(dataset, rowKey).write(key);
}

/** Whether rows of the dataset replace earlier ones by pushes of rows. */
export function isUpserted(dataset: object): boolean {
  return marksOfClass(dataset)?.dataset?.cdc === 'upsert';
}

/** An entity as a request says it. */
export function entityInput(entity: string | number | boolean | object): unknown {
  return keyFields(entity) ?? keyText(entity);
}

/** An answer's row as the class declares it. */
export function answeredRow(columns: readonly Field[], row: Row): Record<string, unknown> {
  return compileToAuthor(columns, Decimal)(row);
}
