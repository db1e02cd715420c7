import { Binary, Bool, DateDay, Float64, Int64, TimestampMicrosecond, Utf8, makeData, type Data, type DataType } from 'apache-arrow';
import type { Value } from '../../gen/thyme/v1/values_pb.js';
import { describeType, type ValueType } from '../schema/value-type.js';
import { encodeJson } from './json-text.js';
import { valueToJson } from './value-json.js';

/** A column by its declaration; values play no part in its Arrow type (REST 5). */
export interface ArrowColumn {
  readonly name: string;
  readonly type: ValueType;
}

/** Plain utf8 for text, no dictionary (REST 5). Lists and structs travel as their JSON. */
export function arrowTypeOf(type: ValueType): DataType {
  switch (type.kind) {
    case 'int':
      return new Int64();
    case 'float':
      return new Float64();
    case 'bool':
      return new Bool();
    case 'timestamp':
      return new TimestampMicrosecond('UTC');
    case 'date':
      return new DateDay();
    case 'bytes':
      return new Binary();
    case 'string':
    case 'enum':
    case 'decimal':
    case 'list':
    case 'struct':
      return new Utf8();
  }
}

/** The column's buffers, made by hand: the library's builders go through milliseconds and would round timestamps. */
export function buildColumn(column: ArrowColumn, type: DataType, values: readonly (Value | undefined)[]): Data {
  const length = values.length;
  const { nullBitmap, nullCount } = validity(values);
  const shared = { length, nullCount, nullBitmap };
  switch (column.type.kind) {
    case 'int':
      return makeData({ type: type as Int64, ...shared, data: fill(new BigInt64Array(length), values, (value) => int64Of(value, column)) });
    case 'timestamp':
      return makeData({
        type: type as TimestampMicrosecond,
        ...shared,
        data: fill(new BigInt64Array(length), values, (value) => int64Of(value, column)),
      });
    case 'float':
      return makeData({
        type: type as Float64,
        ...shared,
        data: fill(new Float64Array(length), values, (value) => numberOf(value, column)),
      });
    case 'date':
      return makeData({ type: type as DateDay, ...shared, data: fill(new Int32Array(length), values, (value) => numberOf(value, column)) });
    case 'bool':
      return makeData({
        type: type as Bool,
        ...shared,
        data: bits(values, (value) => value.kind.case === 'boolValue' && value.kind.value),
      });
    case 'bytes':
      return makeData({ type: type as Binary, ...shared, ...concatenated(values, (value) => bytesOf(value, column)) });
    default:
      return makeData({ type: type as Utf8, ...shared, ...concatenatedTexts(values) });
  }
  // The casts above: `type` is what arrowTypeOf made of the very kind that each case names.
}

function isNull(value: Value | undefined): value is undefined {
  return value?.kind.case === undefined;
}

function validity(values: readonly (Value | undefined)[]): { readonly nullBitmap: Uint8Array; readonly nullCount: number } {
  return { nullBitmap: bits(values, () => true), nullCount: values.filter(isNull).length };
}

/** One bit a row, least significant first; rows that are null have none. */
function bits(values: readonly (Value | undefined)[], isSet: (value: Value) => boolean): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(values.length / 64) * 8); // Arrow pads buffers to 8 bytes
  values.forEach((value, i) => {
    if (!isNull(value) && isSet(value)) bitmap[i >> 3] = (bitmap[i >> 3] ?? 0) | (1 << (i & 7));
  });
  return bitmap;
}

function fill<Item, Items extends { [index: number]: Item }>(
  items: Items,
  values: readonly (Value | undefined)[],
  itemOf: (value: Value) => Item,
): Items {
  values.forEach((value, i) => {
    if (!isNull(value)) items[i] = itemOf(value);
  });
  return items;
}

function concatenated(
  values: readonly (Value | undefined)[],
  pieceOf: (value: Value) => Uint8Array,
): { readonly valueOffsets: Int32Array; readonly data: Uint8Array } {
  const pieces = values.map((value) => (isNull(value) ? new Uint8Array() : pieceOf(value)));
  const valueOffsets = new Int32Array(values.length + 1);
  pieces.forEach((piece, i) => {
    valueOffsets[i + 1] = (valueOffsets[i] ?? 0) + piece.length;
  });
  return { valueOffsets, data: Buffer.concat(pieces) };
}

/** Bytes of UTF-8 that a UTF-16 unit takes at most. */
const UTF8_BYTES_MAX = 3;

/** Written into one piece of memory: a buffer for each text costs more than its bytes. */
function concatenatedTexts(values: readonly (Value | undefined)[]): { readonly valueOffsets: Int32Array; readonly data: Uint8Array } {
  const texts = values.map((value) => (isNull(value) ? '' : textOf(value)));
  const room = Buffer.allocUnsafe(texts.reduce((sum, { length }) => sum + UTF8_BYTES_MAX * length, 0));
  const valueOffsets = new Int32Array(values.length + 1);
  let end = 0;
  for (let i = 0; i < texts.length; i++) {
    end += room.write(texts[i] ?? '', end);
    valueOffsets[i + 1] = end;
  }
  return { valueOffsets, data: Uint8Array.from(room.subarray(0, end)) };
}

function int64Of({ kind }: Value, column: ArrowColumn): bigint {
  if (kind.case === 'intValue' || kind.case === 'timestampUs') return kind.value;
  throw mismatch(column, kind.case);
}

function numberOf({ kind }: Value, column: ArrowColumn): number {
  if (kind.case === 'floatValue' || kind.case === 'dateDays') return kind.value;
  if (kind.case === 'intValue') return Number(kind.value);
  throw mismatch(column, kind.case);
}

function bytesOf({ kind }: Value, column: ArrowColumn): Uint8Array {
  if (kind.case === 'bytesValue') return kind.value;
  throw mismatch(column, kind.case);
}

function textOf(value: Value): string {
  if (value.kind.case === 'stringValue' || value.kind.case === 'decimalValue') return value.kind.value;
  return encodeJson(valueToJson(value));
}

/** Our own fault: the query service answers in the declared types. */
function mismatch({ name, type }: ArrowColumn, found: string | undefined): Error {
  return new Error(`column ${name} is declared as ${describeType(type)} and holds a ${found ?? 'null'}`);
}
