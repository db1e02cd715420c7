import type { Value, ValueType } from '../schema/value-type.js';
import type { MessageWriter } from './message-writer.js';

/** Writes the members of a thyme.v1.Value, without its own tag and length; nothing for null. */
export type WriteValue = (writer: MessageWriter, value: Value) => void;

type WritePresent = (writer: MessageWriter, value: Exclude<Value, null>) => void;

/* Fields of values.proto as tags: number << 3, and how it is written (test/property/answer-bytes.test.ts). */
const STRING = 0x0a;
const INT = 0x10;
const FLOAT = 0x19;
const BOOL = 0x20;
const BYTES = 0x2a;
const TIMESTAMP_US = 0x30;
const DATE_DAYS = 0x38;
const DECIMAL = 0x42;
const LIST = 0x4a;
const STRUCT = 0x52;
/** Of a ListValue's values and a StructValue's fields. */
const MEMBERS = 0x0a;
/** Of an entry of a map. */
const KEY = 0x0a;
const VALUE = 0x12;

/** A writer of values of this type: byte for byte what `toBinary` makes of `valueToProto`. */
export function compileValueBytes(type: ValueType): WriteValue {
  const write = compilePresent(type);
  return (writer, value) => {
    if (value !== null) write(writer, value);
  };
}

/* The casts below are what `Value`'s contract says: a value of type `string` is held as a string, and so on. */
function compilePresent(type: ValueType): WritePresent {
  switch (type.kind) {
    case 'string':
    case 'enum':
      return (writer, value) => writer.text(STRING, value as string);
    case 'int':
      return (writer, value) => writer.integer(INT, value as number);
    case 'float':
      return (writer, value) => writer.double(FLOAT, value as number);
    case 'bool':
      return (writer, value) => writer.integer(BOOL, value === true ? 1 : 0);
    case 'bytes':
      return (writer, value) => writer.bytes(BYTES, value as Uint8Array);
    case 'timestamp':
      return (writer, value) => writer.integer(TIMESTAMP_US, value as number);
    case 'date':
      return (writer, value) => writer.integer(DATE_DAYS, value as number);
    case 'decimal':
      return (writer, value) => writer.text(DECIMAL, value as string);
    case 'list':
      return compileList(compileValueBytes(type.of));
    case 'struct':
      return compileStruct(type);
  }
}

function compileList(write: WriteValue): WritePresent {
  return (writer, value) => {
    const list = writer.openAt(LIST);
    for (const element of value as readonly Value[]) {
      const start = writer.openAt(MEMBERS);
      write(writer, element);
      writer.closeAt(start);
    }
    writer.closeAt(list);
  };
}

function compileStruct(type: ValueType & { readonly kind: 'struct' }): WritePresent {
  const members = type.fields.map((field) => ({ name: field.name, write: compileValueBytes(field.type) }));
  return (writer, value) => {
    const struct = writer.openAt(STRUCT);
    for (const [i, { name, write }] of members.entries()) {
      const entry = writer.openAt(MEMBERS);
      writer.text(KEY, name);
      const start = writer.openAt(VALUE);
      write(writer, (value as readonly Value[])[i] ?? null);
      writer.closeAt(start);
      writer.closeAt(entry);
    }
    writer.closeAt(struct);
  };
}
