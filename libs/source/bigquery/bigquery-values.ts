import type { ValueType } from '../../schema/value-type.js';
import { decodeJson, floatNumber, wholeNumber } from '../table/exact-text.js';
import { instantText } from '../table/instant-text.js';

/** A column as the service describes it; its type has two names, and this is the one of SQL. */
export interface WireField {
  readonly name: string;
  readonly type: string;
  readonly mode?: string;
  readonly fields?: readonly WireField[];
  readonly collation?: string;
  /** 12 where a TIMESTAMP has picoseconds. */
  readonly timestampPrecision?: string | number;
}

/** A value as the service sends it: text; a list of `{ v }`; or the values of a record, `{ f: [{ v }, ...] }`. */
export type WireValue = unknown;
export interface WireRow {
  readonly f: readonly { readonly v: WireValue }[];
}

/** A value that is not null, to what a push would send. */
export type DecodeWire = (value: WireValue) => unknown;

const SQL_NAMES: Readonly<Record<string, string>> = { INTEGER: 'INT64', FLOAT: 'FLOAT64', BOOLEAN: 'BOOL', RECORD: 'STRUCT' };

export function sqlTypeOf({ type }: Pick<WireField, 'type'>): string {
  return SQL_NAMES[type.toUpperCase()] ?? type.toUpperCase();
}

export function describeColumn(field: WireField): string {
  const nested = field.fields === undefined ? '' : `<${field.fields.map((one) => `${one.name} ${describeColumn(one)}`).join(', ')}>`;
  const type = `${sqlTypeOf(field)}${isPicosecond(field) ? '(12)' : ''}${nested}`;
  return field.mode === 'REPEATED' ? `ARRAY<${type}>` : type;
}

const TEXTS = ['STRING', 'JSON', 'TIME', 'GEOGRAPHY', 'INTERVAL'];
const NUMBERS = ['INT64', 'NUMERIC', 'BIGNUMERIC'];

/** How a column fills a field of this type; undefined where it does not. Nothing is cast that could lose something. */
export function decoderOf(type: ValueType, field: WireField): DecodeWire | undefined {
  if (field.mode === 'REPEATED') return type.kind === 'list' ? listDecoder(type.of, { ...field, mode: 'NULLABLE' }) : undefined;
  const sqlType = sqlTypeOf(field);
  if (sqlType === 'STRUCT') return type.kind === 'struct' ? structDecoder(type, field.fields ?? []) : undefined;
  const decode = textDecoder(type, isPicosecond(field) ? '' : sqlType);
  return decode === undefined ? undefined : (value) => decode(String(value));
}

function textDecoder(type: ValueType, sqlType: string): ((text: string) => unknown) | undefined {
  switch (type.kind) {
    case 'string':
    case 'enum':
      return TEXTS.includes(sqlType) ? asIs : undefined;
    case 'int':
      return NUMBERS.includes(sqlType) ? wholeNumber : undefined;
    case 'float':
      return sqlType === 'FLOAT64' || NUMBERS.includes(sqlType) ? floatNumber : undefined;
    case 'decimal':
      return NUMBERS.includes(sqlType) ? asIs : undefined;
    case 'bool':
      return sqlType === 'BOOL' ? (text) => text.toLowerCase() === 'true' : undefined;
    case 'bytes':
      return sqlType === 'BYTES' ? asIs : undefined; // base64, as pushes send it
    case 'timestamp':
      return ['TIMESTAMP', 'DATETIME', 'DATE'].includes(sqlType) ? (text) => timeText(text, sqlType) : undefined;
    case 'date':
      return sqlType === 'DATE' ? asIs : undefined;
    case 'list':
    case 'struct':
      return sqlType === 'JSON' ? (text) => decodeJson(text, type) : undefined;
  }
}

/** As a parameter of that type takes it, and as a push sends it. TIMESTAMP comes as microseconds since the epoch. */
export function timeText(text: string, sqlType: string): string {
  switch (sqlType) {
    case 'TIMESTAMP':
      return instantText(BigInt(text));
    default:
      return text; // a DATETIME without a zone is UTC
  }
}

function asIs(text: string): string {
  return text;
}

function isPicosecond({ timestampPrecision }: WireField): boolean {
  return Number(timestampPrecision ?? 6) > 6;
}

/** An array has no nulls. */
function listDecoder(of: ValueType, element: WireField): DecodeWire | undefined {
  const decode = decoderOf(of, element);
  return decode === undefined ? undefined : (value) => (value as readonly { readonly v: WireValue }[]).map(({ v }) => decode(v)); // WireValue
}

function structDecoder({ fields }: Extract<ValueType, { readonly kind: 'struct' }>, columns: readonly WireField[]): DecodeWire | undefined {
  const members: { readonly name: string; readonly at: number; readonly decode: DecodeWire }[] = [];
  for (const { name, type } of fields) {
    const at = columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase());
    const column = columns[at];
    if (column === undefined && type.optional) continue;
    const decode = column === undefined ? undefined : decoderOf(type, column);
    if (decode === undefined) return undefined;
    members.push({ name, at, decode });
  }
  return (value) => {
    const { f } = value as WireRow; // WireValue
    return Object.fromEntries(members.map(({ name, at, decode }) => [name, nullOr(f[at]?.v, decode)]));
  };
}

export function nullOr(value: WireValue, decode: DecodeWire): unknown {
  return value === null || value === undefined ? null : decode(value);
}

/** Roughly, in memory. */
export function wireBytes(value: WireValue): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 4;
  return Object.values(value).reduce((total: number, one) => total + wireBytes(one), 8);
}
