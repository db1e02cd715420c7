import { parse as parseArray } from 'postgres-array';
import type { ValueType } from '../../schema/value-type.js';
import { decodeJson } from '../table/exact-text.js';

/** The text of a value as the server sends it, to what a push would send. */
export type DecodeText = (text: string) => unknown;

const asIs: DecodeText = (text) => text;
/** Beyond 2^53 as a BigInt, which the door refuses by name rather than round it. */
const whole: DecodeText = (text) => {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
};
const hexBytes: DecodeText = (text) => Uint8Array.from(Buffer.from(text.slice(2), 'hex'));

/** `2026-01-31 12:00:00.123456+00`, or without a zone, which is UTC; `infinity` and years B.C. stay what they are, and are refused. */
const instant: DecodeText = (text) => text.replace(/\+00$/, 'Z');

const NUMBERS = ['int2', 'int4', 'int8', 'oid'];
const FLOATS = ['float4', 'float8'];
const TEXTS = [
  'text',
  'varchar',
  'bpchar',
  'name',
  'uuid',
  'citext',
  'inet',
  'cidr',
  'macaddr',
  'interval',
  'time',
  'timetz',
  'money',
  'xml',
  'bit',
  'varbit',
];

/** A type as its catalog has it; of arrays the element's. */
export interface ColumnType {
  readonly type: string;
  readonly isEnum: boolean;
  readonly isArray: boolean;
}

/**
 * How a column of that type fills a field of this one; undefined where it does not. Nothing is cast that could lose something:
 * a number becomes a float only where the author says so.
 */
export function decoderOf(type: ValueType, column: ColumnType): DecodeText | undefined {
  if (column.isArray) return type.kind === 'list' ? arrayDecoder(type.of, { ...column, isArray: false }) : undefined;
  const { type: name } = column;
  switch (type.kind) {
    case 'string':
    case 'enum':
      return TEXTS.includes(name) || column.isEnum || name === 'json' || name === 'jsonb' ? asIs : undefined;
    case 'int':
      return NUMBERS.includes(name) || name === 'numeric' ? wholeOf(name) : undefined;
    case 'float':
      return NUMBERS.includes(name) || FLOATS.includes(name) || name === 'numeric' ? Number : undefined;
    case 'decimal':
      return NUMBERS.includes(name) || name === 'numeric' ? asIs : undefined;
    case 'bool':
      return name === 'bool' ? (text) => text === 't' || text === 'true' : undefined;
    case 'bytes':
      return name === 'bytea' ? hexBytes : undefined;
    case 'timestamp':
      return name === 'timestamptz' || name === 'timestamp' || name === 'date' ? instant : undefined;
    case 'date':
      return name === 'date' ? asIs : undefined;
    case 'list':
    case 'struct':
      return name === 'json' || name === 'jsonb' ? (text) => decodeJson(text, type) : undefined;
  }
}

/** A numeric with a fraction is no int: it stays text, and is refused by name. */
function wholeOf(name: string): DecodeText {
  return name === 'numeric' ? (text) => (/^-?\d+$/.test(text) ? whole(text) : text) : whole;
}

function arrayDecoder(of: ValueType, element: ColumnType): DecodeText | undefined {
  const decode = decoderOf(of, element);
  if (decode === undefined) return undefined;
  return (text) => parseArray(text, (entry: string) => decode(entry));
}
