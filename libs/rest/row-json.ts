import { formatDate } from '../schema/calendar-date.js';
import type { Field, Row, Value, ValueType } from '../schema/value-type.js';
import { formatTimestamp } from '../time/timestamp.js';
import { encodeFloat, encodeText } from './json-text.js';

/** Writes a row of certain columns as one JSON object. */
export type RowJson = (row: Row) => string;

/** A writer of a value that is there, as JSON text. */
type Write = (value: Exclude<Value, null>) => string;

/** By the list of columns itself: a plan has one for as long as its revision serves. */
const WRITERS = new WeakMap<readonly Field[], RowJson>();

/**
 * The writer for rows of these columns, made once for the list: names are escaped then, and what a type needs is known. It gives
 * byte for byte what `encodeJson` makes of the same values as messages (value-json.ts), without making them: floats with a
 * point (REST 11), timestamps as RFC 3339 (S1), dates as `YYYY-MM-DD`, bytes as base64, decimals as text.
 */
export function rowJsonOf(columns: readonly Field[]): RowJson {
  let write = WRITERS.get(columns);
  if (write === undefined) {
    write = compileRow(columns);
    WRITERS.set(columns, write);
  }
  return write;
}

function compileRow(columns: readonly Field[]): RowJson {
  const members = columns.map(({ name, type }, i) => ({ label: `${i === 0 ? '{' : ','}${encodeText(name)}:`, write: compileValue(type) }));
  if (members.length === 0) return () => '{}';
  return (row) => {
    let text = '';
    for (let i = 0; i < members.length; i++) {
      const member = members[i];
      const value = row[i] ?? null;
      if (member !== undefined) text += member.label + (value === null ? 'null' : member.write(value));
    }
    return `${text}}`;
  };
}

/* The casts below are what `Value`'s contract says: a value of type `string` is held as a string, and so on. */
function compileValue(type: ValueType): Write {
  switch (type.kind) {
    case 'string':
    case 'enum':
    case 'decimal':
      return encodeText as Write;
    case 'int':
    case 'bool':
      return String;
    case 'float':
      return encodeFloat as Write;
    case 'bytes':
      return base64Of as Write;
    case 'timestamp':
      return (value) => encodeText(formatTimestamp(value as number));
    case 'date':
      return (value) => encodeText(formatDate(value as number));
    case 'list':
      return compileList(compileValue(type.of)) as Write;
    case 'struct':
      return compileRow(type.fields) as Write;
  }
}

function compileList(write: Write): (list: readonly Value[]) => string {
  return (list) => {
    let elements = '';
    for (let i = 0; i < list.length; i++) {
      const element = list[i] ?? null;
      elements += (i === 0 ? '' : ',') + (element === null ? 'null' : write(element));
    }
    return `[${elements}]`;
  };
}

function base64Of(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"`;
}
