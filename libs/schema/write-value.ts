import assert from 'node:assert';
import { formatTimestamp } from '../time/timestamp.js';
import { formatDate } from './calendar-date.js';
import type { Field, Row, Value, ValueType } from './value-type.js';

/** What JSON can say. */
export type JsonValue = null | string | number | boolean | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** A writer of rows as objects for JSON: timestamps as RFC 3339 (S1), dates as ISO text, bytes as base64, decimals as text. */
export function compileWriter(fields: readonly Field[]): (row: Row) => { readonly [name: string]: JsonValue } {
  const columns = fields.map((field) => ({ name: field.name, write: compileValueWriter(field.type) }));
  return (row) => {
    const object: Record<string, JsonValue> = {};
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i];
      if (column !== undefined) setOwn(object, column.name, column.write(row[i] ?? null));
    }
    return object;
  };
}

/** The same for one value. */
export function compileValueWriter(type: ValueType): (value: Value) => JsonValue {
  const write = compileRequired(type);
  return (value) => (value === null ? null : write(value));
}

/**
 * A writer of values as JSON text. Floats keep a point (`5.0`), ints have none (`5`): clients that
 * tell them apart, such as Python's, then read the declared type back (REST 11).
 */
export function compileJsonWriter(type: ValueType): (value: Value) => string {
  const write = compileJsonRequired(type);
  return (value) => (value === null ? 'null' : write(value));
}

/** `compileJsonWriter` for a value that comes alone. */
export function writeJsonValue(type: ValueType, value: Value): string {
  return compileJsonWriter(type)(value);
}

/** Assigns an own property whatever its name: plain assignment to `__proto__` would set the prototype. */
export function setOwn<T>(object: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
  else object[name] = value;
}

/** The members of a list or struct value. */
export function asRow(value: Value): Row {
  assert(typeof value === 'object' && value !== null && !(value instanceof Uint8Array));
  return value;
}

function compileRequired(type: ValueType): (value: Value) => JsonValue {
  switch (type.kind) {
    case 'timestamp':
      return (value) => formatTimestamp(asNumber(value));
    case 'date':
      return (value) => formatDate(asNumber(value));
    case 'bytes':
      return base64Of;
    case 'list': {
      const write = compileValueWriter(type.of);
      return (value) => asRow(value).map(write);
    }
    case 'struct': {
      const write = compileWriter(type.fields);
      return (value) => write(asRow(value));
    }
    default:
      return (value) => {
        assert(typeof value !== 'object');
        return value;
      };
  }
}

function compileJsonRequired(type: ValueType): (value: Value) => string {
  switch (type.kind) {
    case 'int':
      return (value) => String(asNumber(value));
    case 'float':
      return (value) => floatText(asNumber(value));
    case 'list': {
      const write = compileJsonWriter(type.of);
      return (value) => `[${asRow(value).map(write).join(',')}]`;
    }
    case 'struct': {
      const members = type.fields.map((field) => ({ label: `${JSON.stringify(field.name)}:`, write: compileJsonWriter(field.type) }));
      return (value) => {
        const values = asRow(value);
        return `{${members.map(({ label, write }, i) => label + write(values[i] ?? null)).join(',')}}`;
      };
    }
    default: {
      const write = compileRequired(type);
      return (value) => JSON.stringify(write(value));
    }
  }
}

export function asNumber(value: Value): number {
  assert(typeof value === 'number');
  return value;
}

function base64Of(value: Value): string {
  assert(value instanceof Uint8Array);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}

function floatText(value: number): string {
  // From 1e21 on the text has an exponent, which JSON's readers take for a float without a point.
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
}
