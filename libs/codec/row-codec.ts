// The bytes of a row, after the header of the record that holds it: the record has the version.
//
//   row   = | count varint | present bitmap, ceil(count / 8) bytes | the present fields |
//   field = string, enum, decimal    length varint | UTF-8
//           int, float, timestamp    f64: an int is a safe integer, which a double holds exactly
//           date                     i32
//           bool                     u8
//           bytes                    length varint | bytes
//           list                     length varint | present bitmap | the present elements
//           struct                   a row
//
// Numbers are little-endian; bit i of a bitmap is bit (i mod 8) of byte (i div 8), 0 for null.
// Numbers have a fixed width since varints cost twenty times as much to encode (TIMELINE.md).
//
// `count` lets fields be added in place (S19): a row written before has fewer, and those it lacks
// are null; a row written after has more, which come last and are passed over. So fields are added
// at the end only, and keep their order.

import assert from 'node:assert';
import { LIST_LENGTH_MAX } from '../schema/limits.js';
import { checkDepth } from '../schema/read-value.js';
import type { Field, Row, Value, ValueType } from '../schema/value-type.js';
import { ByteReader } from './byte-reader.js';
import { corruptBytes, type ByteWriter } from './byte-writer.js';

export interface RowCodec {
  /** Appends the row, which has a value for each field, in order. */
  encode(row: Row, into: ByteWriter): void;
  /** The row at `offset`, a value for each field. It shares no memory with `bytes`. */
  decode(bytes: Uint8Array, offset: number): Row;
  /** The row where the reader stands. */
  read(from: ByteReader): Row;
}

/** Fields that are not `wanted` are decoded as null: a reader of one column does not pay for the others. */
export function compileRowCodec(fields: readonly Field[], wanted?: ReadonlySet<string>): RowCodec {
  for (const field of fields) checkDepth(field.type, field.name);
  const codec = compileFields(fields, wanted);
  return {
    encode: (row, into) => codec.encode(row, into),
    decode: (bytes, offset) => codec.decode(new ByteReader(bytes, offset)),
    read: (from) => codec.decode(from),
  };
}

interface Codec<T> {
  encode(value: T, into: ByteWriter): void;
  decode(from: ByteReader): T;
  /** Passes over a value. */
  skip(from: ByteReader): void;
}

function compileFields(fields: readonly Field[], wanted?: ReadonlySet<string>): Codec<Row> {
  const codecs = fields.map(({ name, type }) =>
    wanted === undefined || wanted.has(name) ? compileValue(type) : passedOver(compileValue(type)),
  );
  const decode = (from: ByteReader): Row => {
    const written = from.varint();
    const present = from.bits(written);
    const row = new Array<Value>(codecs.length); // of its size: one that grows begins with room for seventeen
    for (let i = 0; i < codecs.length; i++) {
      const codec = codecs[i];
      row[i] = i < written && codec !== undefined && from.bit(present, i) ? codec.decode(from) : null;
    }
    return row;
  };
  return {
    decode,
    skip: decode,
    encode(row, into) {
      assert(row.length === codecs.length);
      into.varint(codecs.length);
      encodePresent(row, codecs.length, into, (i) => codecs[i]);
    },
  };
}

/** A field whose value nobody asks for. */
function passedOver(codec: Codec<Value>): Codec<Value> {
  return {
    ...codec,
    decode(from) {
      codec.skip(from);
      return null;
    },
  };
}

function encodePresent(values: Row, length: number, into: ByteWriter, codecOf: (index: number) => Codec<Value> | undefined): void {
  const present = into.zeros((length + 7) >>> 3);
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    into.setBit(present, i);
    codecOf(i)?.encode(value, into);
  }
}

function compileValue(type: ValueType): Codec<Value> {
  switch (type.kind) {
    case 'string':
    case 'enum':
    case 'decimal':
      return textCodec;
    case 'int':
    case 'float':
    case 'timestamp':
      return numberCodec;
    case 'date':
      return dateCodec;
    case 'bool':
      return boolCodec;
    case 'bytes':
      return bytesCodec;
    case 'list':
      return compileList(compileValue(type.of));
    case 'struct':
      return compileStruct(compileFields(type.fields));
  }
}

const textCodec: Codec<Value> = {
  encode(value, into) {
    assert(typeof value === 'string');
    into.text(value);
  },
  decode: (from) => from.text(),
  skip: (from) => from.skip(from.varint()),
};

const numberCodec: Codec<Value> = {
  encode(value, into) {
    assert(typeof value === 'number');
    into.f64(value);
  },
  decode: (from) => from.f64(),
  skip: (from) => from.skip(8),
};

const dateCodec: Codec<Value> = {
  encode(value, into) {
    assert(typeof value === 'number');
    into.i32(value);
  },
  decode: (from) => from.i32(),
  skip: (from) => from.skip(4),
};

const boolCodec: Codec<Value> = {
  encode(value, into) {
    assert(typeof value === 'boolean');
    into.u8(value ? 1 : 0);
  },
  decode: (from) => from.u8() === 1,
  skip: (from) => from.skip(1),
};

const bytesCodec: Codec<Value> = {
  encode(value, into) {
    assert(value instanceof Uint8Array);
    into.bytes(value);
  },
  decode: (from) => from.bytes(),
  skip: (from) => from.skip(from.varint()),
};

function compileList(element: Codec<Value>): Codec<Value> {
  const decode = (from: ByteReader): Value => {
    const length = from.varint();
    // Damaged bytes must not ask for gigabytes.
    if (length < 0 || length > LIST_LENGTH_MAX) throw corruptBytes('a list');
    const present = from.bits(length);
    const values: Value[] = [];
    for (let i = 0; i < length; i++) values.push(from.bit(present, i) ? element.decode(from) : null);
    return values;
  };
  return {
    decode,
    skip: decode,
    encode(value, into) {
      assert(isMembers(value));
      into.varint(value.length);
      encodePresent(value, value.length, into, () => element);
    },
  };
}

function compileStruct(members: Codec<Row>): Codec<Value> {
  return {
    encode(value, into) {
      assert(isMembers(value));
      members.encode(value, into);
    },
    decode: (from) => members.decode(from),
    skip: (from) => members.skip(from),
  };
}

function isMembers(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
