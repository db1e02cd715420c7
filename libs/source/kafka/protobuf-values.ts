// Protobuf as JSON can say it, by the schema's own names: integers of 64 bits exact, times as text, what is not there left out.
//
// The payload begins with the place of its message in the schema's file, as zigzag varints: | count | index ... |; a count of 0
// is the first message. The registry's library takes every message for the first one.
import { instantValue, integerValue } from '../../files/exact-values.js';

/** What is used of protobufjs. */
export interface Protobuf {
  readonly parse: { readonly defaults: { keepCase?: boolean } };
  readonly common: { get(file: string): { readonly nested: object } | null };
}

interface ProtoNamespace {
  readonly nestedArray?: readonly object[];
}

interface ProtoRoot extends ProtoNamespace {
  lookup(path: string): object | null;
  addJSON(nested: object): void;
  resolveAll(): void;
}

interface ProtoField {
  readonly name: string;
  readonly type: string;
  readonly repeated: boolean;
  readonly map: boolean;
  /** Of what is no message: whether an absent one is told from its default. */
  readonly hasPresence: unknown;
  readonly resolvedType: ProtoMessage | { readonly valuesById: Readonly<Record<number, string>> } | null;
}

interface ProtoMessage extends ProtoNamespace {
  readonly fullName: string;
  readonly fieldsArray: readonly ProtoField[];
  readonly parent: ProtoNamespace;
  readonly root: ProtoRoot;
  decode(bytes: Uint8Array): Message;
}

type Message = Readonly<Record<string, unknown>>;

const WELL_KNOWN = ['any', 'duration', 'empty', 'field_mask', 'struct', 'timestamp', 'wrappers'];
const WIDE = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);
const INDEXES_MAX = 32;

/** Decodes the messages of a schema's file. `first` is its first message. */
export function compileProtobuf(first: unknown, protobuf: Protobuf): (payload: Buffer) => unknown {
  const message = first as ProtoMessage; // as the registry's library made it
  const { root } = message;
  // Registries do not keep the files that every compiler has.
  if (root.lookup('google.protobuf.Timestamp') === null)
    for (const file of WELL_KNOWN) root.addJSON(protobuf.common.get(`google/protobuf/${file}.proto`)?.nested ?? {});
  root.resolveAll();
  return (payload) => {
    const { indexes, length } = readIndexes(payload);
    const type = messageAt(message.parent, indexes);
    return plainMessage(type, type.decode(payload.subarray(length)));
  };
}

function readIndexes(payload: Buffer): { readonly indexes: readonly number[]; readonly length: number } {
  let length = 0;
  const varint = (): number => {
    let raw = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = payload.readUInt8(length++);
      raw += (byte & 0x7f) * factor;
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
    }
  };
  const count = varint();
  if (count < 0 || count > INDEXES_MAX) throw new Error(`names its message by ${count} indexes: it is no Protobuf of a schema registry`);
  return { indexes: count === 0 ? [0] : Array.from({ length: count }, varint), length };
}

function messageAt(file: ProtoNamespace, indexes: readonly number[]): ProtoMessage {
  let found: ProtoNamespace = file;
  for (const index of indexes) {
    const next = (found.nestedArray ?? []).filter(isMessage)[index];
    if (next === undefined) throw new Error(`names message ${indexes.join('.')}, which its schema has not`);
    found = next;
  }
  return found as ProtoMessage; // there is one index at least
}

function isMessage(one: object): one is ProtoMessage {
  return 'fieldsArray' in one;
}

function plainMessage(type: ProtoMessage, message: Message): unknown {
  const known = wellKnown(type.fullName, message);
  if (known !== undefined) return known.value;
  const plain: Record<string, unknown> = {};
  for (const field of type.fieldsArray) {
    const { name } = field;
    const value = message[name];
    if (field.map) plain[name] = Object.fromEntries(Object.entries(value ?? {}).map(([key, one]) => [key, plainValue(field, one)]));
    else if (field.repeated) plain[name] = ((value ?? []) as readonly unknown[]).map((one) => plainValue(field, one));
    else if (Object.hasOwn(message, name) || !isTold(field)) plain[name] = plainValue(field, value);
  }
  return plain;
}

/** Whether an absent one is left out; others are what their default is. */
function isTold({ hasPresence, resolvedType }: ProtoField): boolean {
  return Boolean(hasPresence) || (resolvedType !== null && 'fieldsArray' in resolvedType);
}

function plainValue({ type, resolvedType }: ProtoField, value: unknown): unknown {
  if (resolvedType !== null) {
    if ('valuesById' in resolvedType) return resolvedType.valuesById[Number(value)] ?? value;
    return plainMessage(resolvedType, value as Message); // as its type was decoded
  }
  if (WIDE.has(type)) return integerValue(BigInt(String(value)));
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64') : value;
}

/** The messages that JSON has a word for; undefined for others. */
function wellKnown(fullName: string, message: Message): { readonly value: unknown } | undefined {
  if (fullName === '.google.protobuf.Timestamp')
    return { value: instantValue(BigInt(String(message['seconds'])) * 1_000_000_000n + BigInt(String(message['nanos'])), 'nanosecond') };
  if (!/^\.google\.protobuf\.\w+Value$/.test(fullName) || fullName === '.google.protobuf.ListValue') return undefined;
  const value = message['value'];
  return {
    value: /U?Int64Value$/.test(fullName)
      ? integerValue(BigInt(String(value)))
      : value instanceof Uint8Array
        ? Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
        : value,
  };
}
