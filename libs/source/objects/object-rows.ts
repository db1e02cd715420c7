import { ExactNumber } from '../../codec/exact-json.js';
import { compileFieldValue } from '../../files/field-values.js';
import { openRows } from '../../files/open-rows.js';
import { FileError, type FileRow, type RowFile } from '../../files/row-file.js';
import type { Field, ValueType } from '../../schema/value-type.js';
import { UnreadableRow } from '../connector.js';
import { SourceError } from '../source-error.js';
import type { ObjectStore, StoredObject } from './object-store.js';

export interface ObjectRow {
  /** As a push would send it; or what could not be read as a row. */
  readonly input: unknown;
  /** Within the object: `line 7`, `row 7`. */
  readonly place: string;
}

/**
 * The rows of an object, by its ending and first bytes, in its order. An object that cannot be opened stops the source; one that breaks off
 * in its middle gives one unreadable row there, and ends.
 */
export async function* openObjectRows(
  store: ObjectStore,
  object: StoredObject,
  fields: readonly Field[],
  signal: AbortSignal,
): AsyncGenerator<ObjectRow> {
  const local = await store.fetch(object, signal);
  try {
    const file = await openRows(local.path).catch((error: unknown) => Promise.reject(notReadable(object, error)));
    const inputOf = compileInput(file, fields);
    const wanted = new Set(fields.map(({ name }) => name));
    try {
      for await (const row of file.rows(wanted)) yield { input: inputOf(row), place: `${file.unit} ${row.line}` };
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const place = error.line === undefined ? 'its rest' : `from ${file.unit} ${error.line} on`;
      yield { input: new UnreadableRow('', `${object.key} breaks off: it ${error.reason}`), place };
    }
    await local.verify();
  } finally {
    await local.release();
  }
}

function notReadable({ key }: StoredObject, error: unknown): unknown {
  if (!(error instanceof FileError)) return error;
  return new SourceError('stop', 'THYME_SOURCE_OBJECT_UNREADABLE', `${key} ${error.reason}; or take it away, and resume the source`, {
    cause: error,
  });
}

function compileInput(file: RowFile, fields: readonly Field[]): (row: FileRow) => unknown {
  const readers = new Map(fields.map(({ name, type }) => [name, { type, read: compileFieldValue(type.kind, file.isText) }]));
  return (row) => {
    if (row.kind === 'refused') return new UnreadableRow(row.text, row.reason);
    const input: Record<string, unknown> = {};
    for (const [column, value] of Object.entries(row.row)) {
      const field = readers.get(column);
      const read = field === undefined ? value : plain(field.read(value), field.type);
      if (column === '__proto__') Object.defineProperty(input, column, { value: read, enumerable: true });
      else input[column] = read;
    }
    return input;
  };
}

/**
 * Numbers that a double cannot hold, as the door takes them: text of decimals, integers of any size, and doubles where
 * floats are asked for.
 */
export function plain(value: unknown, type: ValueType): unknown {
  if (value instanceof ExactNumber) {
    if (type.kind === 'decimal' || type.kind === 'string') return value.text;
    return type.kind === 'int' && /^-?\d+$/.test(value.text) ? BigInt(value.text) : Number(value.text);
  }
  if (type.kind === 'list' && Array.isArray(value)) return value.map((one) => plain(one, type.of));
  if (type.kind !== 'struct' || typeof value !== 'object' || value === null) return value;
  const types = new Map(type.fields.map((field) => [field.name, field.type]));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const of = types.get(name);
      return [name, of === undefined ? member : plain(member, of)];
    }),
  );
}
