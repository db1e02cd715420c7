import type { SchemaElement, SchemaTree } from 'hyparquet';
import {
  bigEndianInteger,
  dateValue,
  decimalValue,
  floatValue,
  halfFloat,
  instantValue,
  integerValue,
  textValue,
  type TimeUnit,
} from './exact-values.js';
import { ValueError } from './row-file.js';

/** What stands in a column, as the library gives it without conversions, made into what a row holds. Throws ValueError. */
export type ReadValue = (raw: unknown) => unknown;

/**
 * The schema as the library is given it: without what says that a column is more than integers, floats and bytes, so that it
 * converts nothing. Its own conversions make doubles of decimals and drop microseconds. Text keeps its mark, since it may be
 * the key of a map.
 */
export function unconverted(element: SchemaElement): SchemaElement {
  const { converted_type: converted, logical_type: logical, ...rest } = element;
  if (element.type === undefined) {
    // Lists and maps are told by the older mark alone, which newer writers leave out.
    const kind = converted ?? (logical?.type === 'LIST' || logical?.type === 'MAP' ? logical.type : undefined);
    return { ...rest, ...(kind === undefined ? {} : { converted_type: kind }) };
  }
  return isText(element) ? { ...rest, converted_type: 'UTF8' } : rest;
}

/** For a column of the file's own schema. */
export function compileParquetValue(tree: SchemaTree): ReadValue {
  const read = tree.children.length > 0 ? compileGroup(tree) : compileLeaf(tree.element);
  const readPresent: ReadValue = (raw) => (raw === null || raw === undefined ? null : read(raw));
  if (tree.element.repetition_type !== 'REPEATED') return readPresent;
  // A repeated column without a list around it: an older way to write one.
  return (raw) => (Array.isArray(raw) ? raw.map(readPresent) : readPresent(raw));
}

function compileGroup({ element, children }: SchemaTree): ReadValue {
  const kind = element.logical_type?.type ?? element.converted_type;
  const [only] = children;
  if (kind === 'LIST' && children.length === 1 && only !== undefined) {
    // Where there are three levels, the middle one is the list's own; where there are two, the repeated one is the element.
    const readElement = compileParquetValue(
      only.children.length === 1 && only.children[0] !== undefined ? only.children[0] : required(only),
    );
    return (raw) => (Array.isArray(raw) ? raw.map(readElement) : unreadable('a list'));
  }
  if (kind === 'MAP' || kind === 'MAP_KEY_VALUE') {
    const value = only?.children[1];
    const readValue = value === undefined ? unsupported('a map without values') : compileParquetValue(value);
    return (raw) => (isObject(raw) ? members(Object.entries(raw).map(([name, member]) => [name, readValue(member)])) : unreadable('a map'));
  }
  if (kind === 'VARIANT') return unsupported('a variant');
  const fields = children.map((child) => ({ name: child.element.name, read: compileParquetValue(child) }));
  return (raw) => (isObject(raw) ? members(fields.map(({ name, read }) => [name, read(raw[name])])) : unreadable('a struct'));
}

function compileLeaf(element: SchemaElement): ReadValue {
  const kind = element.logical_type?.type ?? element.converted_type;
  if (kind === 'DECIMAL') {
    const scale = element.scale ?? (element.logical_type?.type === 'DECIMAL' ? element.logical_type.scale : 0);
    return (raw) => decimalValue(unscaledOf(raw), scale);
  }
  if (kind === 'NULL') return () => null;
  if (kind === 'INTERVAL') return unsupported('an interval');
  if (kind?.startsWith('TIME_') === true || kind === 'TIME') return unsupported('a time of day');
  switch (element.type) {
    case 'BOOLEAN':
      return (raw) => raw;
    case 'INT32':
      return compileInt32(element);
    case 'INT64':
      return compileInt64(element);
    case 'INT96':
      return (raw) => instantValue(bigintOf(raw), 'nanosecond');
    case 'FLOAT':
    case 'DOUBLE':
      return (raw) => floatValue(Number(raw));
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY':
      return compileBytes(element);
    default:
      return unsupported(`of the type ${String(element.type)}`);
  }
}

function compileInt32(element: SchemaElement): ReadValue {
  const { logical_type: logical, converted_type: converted } = element;
  if (logical?.type === 'DATE' || converted === 'DATE') return (raw) => dateValue(Number(raw));
  return isUnsigned(element) ? (raw) => Number(raw) >>> 0 : (raw) => Number(raw);
}

function compileInt64(element: SchemaElement): ReadValue {
  const unit = unitOf(element);
  if (unit !== undefined) return (raw) => instantValue(bigintOf(raw), unit);
  return isUnsigned(element) ? (raw) => integerValue(BigInt.asUintN(64, bigintOf(raw))) : (raw) => integerValue(bigintOf(raw));
}

function compileBytes(element: SchemaElement): ReadValue {
  switch (element.logical_type?.type ?? element.converted_type) {
    case 'UTF8':
    case 'STRING':
      return (raw) => (raw instanceof BrokenText ? raw.refuse() : raw);
    case 'ENUM':
    case 'JSON':
      return (raw) => textValue(bytesOf(raw));
    case 'UUID':
      return (raw) => uuidText(bytesOf(raw));
    case 'FLOAT16':
      return (raw) => floatValue(halfFloat((bytesOf(raw)[0] ?? 0) | ((bytesOf(raw)[1] ?? 0) << 8)));
    case 'BSON':
      return unsupported('BSON');
    default:
      return (raw) => Uint8Array.from(bytesOf(raw));
  }
}

/** Text that is not UTF-8, until the reader of its row meets it: to throw would end the whole file. */
export class BrokenText {
  refuse(): never {
    throw new ValueError('is text that is not UTF-8');
  }
}

/** For the library, which calls it for columns of text, and for the keys of maps. */
export function textOrBroken(bytes: Uint8Array | undefined): string | BrokenText | undefined {
  try {
    return bytes && textValue(bytes);
  } catch {
    return new BrokenText();
  }
}

function isText({ type, logical_type: logical, converted_type: converted }: SchemaElement): boolean {
  return type === 'BYTE_ARRAY' && (logical?.type === 'STRING' || (logical === undefined && converted === 'UTF8'));
}

function isUnsigned({ logical_type: logical, converted_type: converted }: SchemaElement): boolean {
  return converted?.startsWith('UINT_') === true || (logical?.type === 'INTEGER' && !logical.isSigned);
}

function unitOf({ logical_type: logical, converted_type: converted }: SchemaElement): TimeUnit | undefined {
  if (logical?.type === 'TIMESTAMP') return ({ MILLIS: 'millisecond', MICROS: 'microsecond', NANOS: 'nanosecond' } as const)[logical.unit];
  if (converted === 'TIMESTAMP_MILLIS') return 'millisecond';
  return converted === 'TIMESTAMP_MICROS' ? 'microsecond' : undefined;
}

function required(tree: SchemaTree): SchemaTree {
  return { ...tree, element: { ...tree.element, repetition_type: 'REQUIRED' } };
}

function unscaledOf(raw: unknown): bigint {
  return raw instanceof Uint8Array ? bigEndianInteger(raw) : bigintOf(raw);
}

function bigintOf(raw: unknown): bigint {
  return typeof raw === 'bigint' ? raw : BigInt(Number(raw));
}

function bytesOf(raw: unknown): Uint8Array {
  return raw instanceof Uint8Array ? raw : unreadable('bytes');
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function unsupported(what: string): ReadValue {
  return () => {
    throw new ValueError(`is ${what}, which no field holds: cast it in the file`);
  };
}

function unreadable(what: string): never {
  throw new ValueError(`cannot be read as ${what}`);
}

function isObject(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

/** An object of these members, whatever their names are. */
function members(entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(entries);
}
