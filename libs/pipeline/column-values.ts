import assert from 'node:assert';
import { ByteWriter } from '../codec/byte-writer.js';
import { compileRowCodec } from '../codec/row-codec.js';
import type { Value, ValueType } from '../schema/value-type.js';
import { isNumber } from './measures.js';

// A value as a timeline's column holds it, and back: numbers as numbers, texts as UTF-8, anything else
// by the row codec. A bool is 0 or 1.

export type ColumnValue = number | Uint8Array | null;

export function compileToColumn(type: ValueType): (value: Value) => ColumnValue {
  const encode = compileEncode(type);
  return (value) => (value === null ? null : encode(value));
}

export function compileFromColumn(type: ValueType): (value: ColumnValue) => Value {
  const decode = compileDecode(type);
  return (value) => (value === null ? null : decode(value));
}

function compileEncode(type: ValueType): (value: Exclude<Value, null>) => ColumnValue {
  if (type.kind === 'bool') return (value) => (value === true ? 1 : 0);
  if (isNumber(type)) return Number;
  if (isText(type)) return (value) => Buffer.from(String(value), 'utf8');
  if (type.kind === 'bytes') return (value) => (value instanceof Uint8Array ? value : null);
  const codec = compileRowCodec([{ name: 'value', type }]);
  const writer = new ByteWriter();
  return (value) => {
    writer.clear();
    codec.encode([value], writer);
    return writer.copy();
  };
}

function compileDecode(type: ValueType): (value: number | Uint8Array) => Value {
  if (type.kind === 'bool') return (value) => value === 1;
  if (isNumber(type)) return (value) => value; // the column's shape says so
  if (isText(type)) return (value) => asBuffer(value).toString('utf8');
  if (type.kind === 'bytes') return (value) => Uint8Array.from(asBuffer(value));
  const codec = compileRowCodec([{ name: 'value', type }]);
  return (value) => codec.decode(asBuffer(value), 0)[0] ?? null;
}

function isText(type: ValueType): boolean {
  return type.kind === 'string' || type.kind === 'enum' || type.kind === 'decimal';
}

function asBuffer(value: number | Uint8Array): Buffer {
  assert(value instanceof Uint8Array);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
