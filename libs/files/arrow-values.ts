import {
  DataType,
  DateUnit,
  Precision,
  TimeUnit as ArrowTimeUnit,
  type Data,
  type Date_,
  type Decimal,
  type Float,
  type Timestamp,
} from 'apache-arrow';
import { dateValue, decimalValue, floatValue, halfFloat, instantValue, integerValue, textValue, type TimeUnit } from './exact-values.js';
import { ValueError } from './row-file.js';

/** What stands at an index of a column of one record batch; null where nothing does. Throws ValueError. */
export type ValueAt = (index: number) => unknown;

/** From the column's own buffers: the library's getters make doubles of timestamps and put U+FFFD into text. */
export function compileArrowValue(data: Data): ValueAt {
  const read = compilePresent(data);
  return data.nullCount === 0 ? read : (index) => (data.getValid(index) ? read(index) : null);
}

function compilePresent(data: Data): ValueAt {
  const { type } = data;
  const values = data.values as ArrayLike<number | bigint>;
  if (DataType.isNull(type)) return () => null;
  if (DataType.isBool(type)) return (index) => bitAt(data, index);
  if (DataType.isInt(type)) return (index) => integerValue(values[index] ?? 0);
  if (DataType.isFloat(type)) return compileFloat(type, values);
  if (DataType.isDecimal(type)) return compileDecimal(type, data);
  if (DataType.isDate(type)) return compileDate(type, values);
  if (DataType.isTimestamp(type)) return compileTimestamp(type, values);
  if (DataType.isDictionary(type)) return compileDictionary(data);
  return compileBytes(data) ?? compileNested(data) ?? unsupported(type);
}

function compileBytes(data: Data): ValueAt | undefined {
  const { type } = data;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return (index) => textValue(bytesAt(data, index));
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) return (index) => Uint8Array.from(bytesAt(data, index));
  if (DataType.isUtf8View(type)) return (index) => textValue(viewAt(data, index));
  if (DataType.isBinaryView(type)) return (index) => Uint8Array.from(viewAt(data, index));
  if (!DataType.isFixedSizeBinary(type)) return undefined;
  const width = type.byteWidth;
  return (index) => Uint8Array.from((data.values as Uint8Array).subarray(index * width, (index + 1) * width));
}

function compileNested(data: Data): ValueAt | undefined {
  const { type, children } = data;
  if (DataType.isStruct(type)) {
    const members = type.children.flatMap(({ name }, i) =>
      children[i] === undefined ? [] : [{ name, at: compileArrowValue(children[i]) }],
    );
    return (index) => Object.fromEntries(members.map(({ name, at }) => [name, at(index)]));
  }
  const [child] = children;
  if (child === undefined) return undefined;
  if (DataType.isMap(type)) return compileMap(data, child);
  const at = compileArrowValue(child);
  if (DataType.isFixedSizeList(type)) {
    const { listSize } = type;
    return (index) => Array.from({ length: listSize }, (_, i) => at(index * listSize + i));
  }
  if (!DataType.isList(type) && !DataType.isLargeList(type)) return undefined;
  return (index) => {
    const { start, end } = rangeAt(data, index);
    return Array.from({ length: end - start }, (_, i) => at(start + i));
  };
}

/** Keys of text only: JSON has no others. */
function compileMap(data: Data, entries: Data): ValueAt {
  const [keys, values] = entries.children;
  if (keys === undefined || values === undefined) return unsupported(data.type);
  const [keyAt, valueAt] = [compileArrowValue(keys), compileArrowValue(values)];
  return (index) => {
    const { start, end } = rangeAt(data, index);
    return Object.fromEntries(Array.from({ length: end - start }, (_, i) => [String(keyAt(start + i)), valueAt(start + i)]));
  };
}

function compileFloat(type: Float, values: ArrayLike<number | bigint>): ValueAt {
  const isHalf = type.precision === Precision.HALF;
  return (index) => {
    const value = Number(values[index] ?? 0);
    return floatValue(isHalf ? halfFloat(value) : value);
  };
}

function compileDecimal(type: Decimal, data: Data): ValueAt {
  const { bitWidth, scale } = type;
  const bytes = bytesOf(data.values as ArrayBufferView);
  const width = bitWidth / 8;
  return (index) => {
    let unscaled = 0n;
    for (let i = (index + 1) * width - 1; i >= index * width; i--) unscaled = (unscaled << 8n) | BigInt(bytes[i] ?? 0);
    return decimalValue(BigInt.asIntN(bitWidth, unscaled), scale);
  };
}

function compileDate(type: Date_, values: ArrayLike<number | bigint>): ValueAt {
  if (type.unit === DateUnit.DAY) return (index) => dateValue(values[index] ?? 0);
  return (index) => instantValue(BigInt(values[index] ?? 0), 'millisecond').slice(0, 10);
}

const UNITS: Readonly<Record<ArrowTimeUnit, TimeUnit>> = {
  [ArrowTimeUnit.SECOND]: 'second',
  [ArrowTimeUnit.MILLISECOND]: 'millisecond',
  [ArrowTimeUnit.MICROSECOND]: 'microsecond',
  [ArrowTimeUnit.NANOSECOND]: 'nanosecond',
};

function compileTimestamp(type: Timestamp, values: ArrayLike<number | bigint>): ValueAt {
  const unit = UNITS[type.unit];
  return (index) => instantValue(BigInt(values[index] ?? 0), unit);
}

function compileDictionary(data: Data): ValueAt {
  const chunks = (data.dictionary?.data ?? []).map((chunk: Data) => ({ length: chunk.length, at: compileArrowValue(chunk) }));
  const indices = data.values as ArrayLike<number | bigint>;
  return (index) => {
    let place = Number(indices[index] ?? 0);
    for (const { length, at } of chunks) {
      if (place < length) return at(place);
      place -= length;
    }
    throw new ValueError('has an index that is not in its dictionary');
  };
}

function bitAt(data: Data, index: number): boolean {
  const bit = data.offset + index;
  return (((data.values as Uint8Array)[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
}

function bytesAt(data: Data, index: number): Uint8Array {
  const { start, end } = rangeAt(data, index);
  return (data.values as Uint8Array).subarray(start, end);
}

function rangeAt(data: Data, index: number): { readonly start: number; readonly end: number } {
  const offsets = data.valueOffsets as ArrayLike<number | bigint>;
  return { start: Number(offsets[index] ?? 0), end: Number(offsets[index + 1] ?? 0) };
}

const VIEW_BYTES = 16;
const VIEW_INLINE_BYTES = 12;

/** A view: | length i32 | the bytes, up to 12 of them; else 4 bytes of prefix, buffer i32, offset i32 | */
function viewAt(data: Data, index: number): Uint8Array {
  const views = bytesOf(data.values as ArrayBufferView);
  const view = new DataView(views.buffer, views.byteOffset + index * VIEW_BYTES, VIEW_BYTES);
  const length = view.getInt32(0, true);
  if (length <= VIEW_INLINE_BYTES) return views.subarray(index * VIEW_BYTES + 4, index * VIEW_BYTES + 4 + length);
  const offset = view.getInt32(12, true);
  return data.variadicBuffers[view.getInt32(8, true)]?.subarray(offset, offset + length) ?? new Uint8Array();
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function unsupported(type: DataType): ValueAt {
  return () => {
    throw new ValueError(`is of the type ${String(type)}, which no field holds: cast it in the file`);
  };
}
