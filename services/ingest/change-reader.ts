import type { ChangeCapture, DatasetDefinition } from '../../libs/definition/definitions.js';
import { invalidArgument } from '../../libs/errors/errors.js';
import { compileReader, compileValueReader } from '../../libs/schema/read-value.js';
import type { Row, Value } from '../../libs/schema/value-type.js';
import { compileColumnUnits } from './debezium-columns.js';
import { readEnvelope, unwrapped } from './debezium-envelope.js';

/** A pushed record of a dataset whose records are changes of rows (S17). */
export interface ReadChange {
  readonly deleted: boolean;
  /** The row; where it is deleted, its rowKey alone, and the other fields are null. */
  readonly row: Row;
  /** When its source changed it; undefined where it does not say. */
  readonly timeUs: number | undefined;
  /** It belongs to a snapshot: never late, and known at its event time. */
  readonly historical: boolean;
  /** Fields that the schema does not have (S12). */
  readonly ignored: number;
}

export type ChangeReader = (input: unknown) => ReadChange;

/**
 * Reads what a push may be: with `upsert` a row, beside whose fields `op` may be 'upsert' or 'delete' and `op_time` say when;
 * with `debezium` an envelope; with both a tombstone, `{ "key": { rowKey }, "value": null }`. Throws INVALID_ARGUMENT with the
 * reason.
 */
export function compileChangeReader(dataset: DatasetDefinition, { mode, rowKey }: ChangeCapture): ChangeReader {
  const rows = compileRowReaders(dataset, rowKey);
  const read = mode === 'upsert' ? compileUpserts(dataset.name, rows) : compileEnvelopes(dataset, rowKey, rows);
  // An envelope is told by its `op`, whatever its table's columns are called.
  const hasValue = mode === 'upsert' && dataset.fields.some(({ name }) => name === 'value');
  const units = compileColumnUnits(dataset.fields, dataset.name);
  const keyOf = (key: unknown): unknown => {
    const { schema, payload } = unwrapped(key);
    return mode === 'debezium' ? units(payload, schema) : key;
  };
  return (input) =>
    !hasValue && isTombstone(input) ? { ...rows.deleted(keyOf(input.key)), timeUs: undefined, historical: false } : read(input);
}

interface RowReaders {
  whole(input: unknown): Omit<ReadChange, 'timeUs' | 'historical'>;
  deleted(input: unknown): Omit<ReadChange, 'timeUs' | 'historical'>;
}

function compileRowReaders({ name, fields }: DatasetDefinition, rowKey: readonly string[]): RowReaders {
  const readWhole = compileReader(fields, name);
  const keyFields = fields.filter((field) => rowKey.includes(field.name));
  const readKey = compileReader(keyFields, name);
  const placeOf = fields.map((field) => keyFields.indexOf(field));
  return {
    whole: (input) => ({ deleted: false, ...readWhole(input) }),
    deleted: (input) => {
      const { row } = readKey(input);
      return { deleted: true, row: placeOf.map((place): Value => (place < 0 ? null : (row[place] ?? null))), ignored: 0 };
    },
  };
}

function compileUpserts(place: string, rows: RowReaders): ChangeReader {
  const readTime = compileValueReader({ kind: 'timestamp', optional: false }, `${place}.op_time`);
  return (input) => {
    const op = memberOf(input, 'op');
    const time = memberOf(input, 'op_time');
    if (op !== undefined && op !== 'upsert' && op !== 'delete')
      throw invalidArgument(
        `${place}.op`,
        `${JSON.stringify(op)} is no operation: send 'upsert' or 'delete', or leave it out for 'upsert'`,
      );
    const timeUs = time === undefined ? undefined : Number(readTime(time));
    const read = op === 'delete' ? rows.deleted(input) : rows.whole(input);
    const members = (op === undefined ? 0 : 1) + (time === undefined ? 0 : 1);
    return { ...read, ignored: Math.max(0, read.ignored - members), timeUs, historical: false };
  };
}

function compileEnvelopes({ name: place, fields }: DatasetDefinition, rowKey: readonly string[], rows: RowReaders): ChangeReader {
  const units = compileColumnUnits(fields, place);
  return (input) => {
    const { timeUs, historical, deleted, ...envelope } = readEnvelope(input, place);
    const row = units(envelope.row, envelope.rowSchema);
    const before = units(envelope.before, envelope.beforeSchema);
    const read = deleted ? rows.deleted(row) : rows.whole(row);
    for (const field of rowKey) {
      const was = memberOf(before, field);
      if (was !== undefined && was !== null && was !== memberOf(row, field))
        throw invalidArgument(`${place}.${field}`, 'an update cannot change the rowKey: send a delete of the old row, and the new one');
    }
    return { ...read, timeUs, historical };
  };
}

function isTombstone(input: unknown): input is { readonly key: unknown; readonly value: null } {
  if (typeof input !== 'object' || input === null || Object.keys(input).length !== 2) return false;
  return typeof memberOf(input, 'key') === 'object' && memberOf(input, 'value') === null;
}

function memberOf(input: unknown, name: string): unknown {
  return typeof input === 'object' && input !== null && Object.hasOwn(input, name)
    ? (input as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
