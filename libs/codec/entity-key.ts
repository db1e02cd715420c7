// The bytes of an entity's key: the key of its records in every topic, the group in every store key,
// and what slots are made of. One key has one spelling, for ever: the vectors in its test are the contract.
//
//   key  = one part for each key field, in the order declared
//   part = string, enum      | 0x01 | length u16 | UTF-8 |
//          int               | 0x02 | value + 2^63 as u64 |      in numeric order
//          bool              | 0x03 | 0 or 1, u8 |
//          timestamp         | 0x04 | µs + 2^63 as u64 |         in order of time
//          date              | 0x05 | days + 2^63 as u64 |       in order of time
//
// All big-endian. At most KEY_BYTES_MAX. A text is not empty (S12). Floats, decimals, bytes, lists and
// structs are no keys: what looks equal there need not be, and TypeScript could not check them.

import assert from 'node:assert';
import { invalidArgument } from '../errors/errors.js';
import type { Field, Value, ValueType } from '../schema/value-type.js';
import { corruptBytes } from './byte-writer.js';

export const KEY_BYTES_MAX = 1_024;
const SHORT_TEXT_LENGTH = 48;

const TEXT = 0x01;
const TAG_OF: Readonly<Partial<Record<ValueType['kind'], number>>> = {
  string: TEXT,
  enum: TEXT,
  int: 0x02,
  bool: 0x03,
  timestamp: 0x04,
  date: 0x05,
};
const TAG_MAX = 0x05;

/** Refuses a type that no key field can have. */
export function checkKeyType(type: ValueType, place: string): void {
  if (TAG_OF[type.kind] === undefined)
    throw invalidArgument(place, `a ${type.kind} cannot be a key: use a string, an int, an enum, a bool, a date or a timestamp`);
  if (type.optional) throw invalidArgument(place, 'a key cannot be optional: remove .optional');
}

/** An encoder of the values of these key fields, in their order. It throws INVALID_ARGUMENT naming `<place>.<field>`. */
export function compileKeyEncoder(fields: readonly Field[], place: string): (values: readonly Value[]) => Uint8Array {
  for (const field of fields) checkKeyType(field.type, `${place}.${field.name}`);
  const tags = fields.map((field) => TAG_OF[field.type.kind] ?? 0);
  const scratch = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);
  return (values) => {
    assert(values.length === tags.length);
    let length = 0;
    for (let i = 0; i < tags.length; i++) {
      const end = writePart(scratch, length, tags[i] ?? 0, values[i] ?? null);
      if (typeof end === 'string') throw invalidArgument(`${place}.${fields[i]?.name ?? ''}`, end);
      length = end;
    }
    const key = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) key[i] = scratch[i]!; // keys are short: a view, or a call into native code, costs more
    return key;
  };
}

/** The values that `compileKeyEncoder` took. */
export function decodeKey(key: Uint8Array): readonly Value[] {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  const values: Value[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    const end = partEnd(bytes, at, tag);
    if (end > bytes.length) throw corruptBytes('an entity key');
    values.push(readPart(bytes, at + 1, end, tag));
    at = end;
  }
  return values;
}

/** The offset after the part, or what is wrong with the value. */
function writePart(into: Buffer, at: number, tag: number, value: Value): number | string {
  if (value === null) return 'required, since it is part of the key: send a value';
  if (tag === TEXT) return writeText(into, at, value);
  if (at + 9 > KEY_BYTES_MAX) return tooLong(at + 9);
  into[at] = tag;
  if (typeof value === 'boolean') {
    into[at + 1] = value ? 1 : 0;
    return at + 2;
  }
  assert(Number.isSafeInteger(value));
  const number = Number(value);
  const high = Math.floor(number / 2 ** 32);
  into.writeUInt32BE((high ^ 0x8000_0000) >>> 0, at + 1);
  into.writeUInt32BE(number - high * 2 ** 32, at + 5);
  return at + 9;
}

function writeText(into: Buffer, at: number, value: Value): number | string {
  assert(typeof value === 'string');
  if (value === '') return 'empty, but it is part of the key: send a text';
  const start = at + 3;
  const byteLength = value.length * 3 <= KEY_BYTES_MAX - start ? -1 : Buffer.byteLength(value); // only where it might not fit
  if (start + byteLength > KEY_BYTES_MAX) return tooLong(start + byteLength);
  const written = writeAscii(into, start, value) ?? into.write(value, start, 'utf8');
  into[at] = TEXT;
  into.writeUInt16BE(written, at + 1);
  return start + written;
}

/** A call into native code costs more than this loop does for keys; undefined for a text that is long, or not of ASCII alone. */
function writeAscii(into: Buffer, at: number, text: string): number | undefined {
  if (text.length > SHORT_TEXT_LENGTH) return undefined;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return undefined;
    into[at + i] = unit;
  }
  return text.length;
}

function tooLong(length: number): string {
  return `the key would have ${length} bytes, over the limit of ${KEY_BYTES_MAX}: send a shorter one`;
}

function partEnd(bytes: Buffer, at: number, tag: number): number {
  if (tag === TEXT) return at + 3 + (bytes[at + 1] ?? 0) * 256 + (bytes[at + 2] ?? 0);
  if (tag > TAG_MAX || tag === 0) throw corruptBytes('an entity key');
  return tag === TAG_OF.bool ? at + 2 : at + 9;
}

function readPart(bytes: Buffer, start: number, end: number, tag: number): Value {
  if (tag === TEXT) return bytes.toString('utf8', start + 2, end);
  if (tag === TAG_OF.bool) return bytes[start] === 1;
  const high = (bytes.readUInt32BE(start) ^ 0x8000_0000) | 0; // back to the signed half
  const number = high * 2 ** 32 + bytes.readUInt32BE(start + 4);
  if (!Number.isSafeInteger(number)) throw corruptBytes('an entity key');
  return number;
}
