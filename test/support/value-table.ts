import type { ScalarKind, Value, ValueType } from '../../libs/schema/value-type.js';

/** What a system is told, and what becomes of it: held as that, or a dead letter whose reason matches. */
export interface ValueCase {
  readonly kind: ScalarKind;
  /** As people write it: times in RFC 3339, bytes in hexadecimal, NaN, Infinity; null for none. */
  readonly text: string | null;
  readonly held: Value | RegExp;
}

const INT = /whole number between/;
const FLOAT = /finite number/;
const TIME = /is no timestamp/;

/** Put to every connector: what goes in comes out, or is refused by name. */
export const VALUE_TABLE: readonly ValueCase[] = [
  { kind: 'int', text: '9007199254740991', held: 9_007_199_254_740_991 },
  { kind: 'int', text: '-9007199254740991', held: -9_007_199_254_740_991 },
  { kind: 'int', text: '0', held: 0 },
  { kind: 'int', text: '9007199254740993', held: INT },
  { kind: 'int', text: '9223372036854775807', held: INT },
  { kind: 'int', text: null, held: null },
  { kind: 'decimal', text: '12345678901234567.89', held: '12345678901234567.89' },
  { kind: 'decimal', text: '-0.000000001', held: '-0.000000001' },
  { kind: 'decimal', text: '9007199254740993', held: '9007199254740993' },
  { kind: 'decimal', text: null, held: null },
  { kind: 'float', text: '0.1', held: 0.1 },
  { kind: 'float', text: '1.7976931348623157e308', held: Number.MAX_VALUE },
  { kind: 'float', text: 'NaN', held: FLOAT },
  { kind: 'float', text: 'Infinity', held: FLOAT },
  { kind: 'float', text: '-Infinity', held: FLOAT },
  { kind: 'float', text: null, held: null },
  { kind: 'timestamp', text: '2026-01-01T01:02:03.123456Z', held: 1_767_229_323_123_456 },
  { kind: 'timestamp', text: '2026-01-01T01:02:03.123457Z', held: 1_767_229_323_123_457 },
  { kind: 'timestamp', text: '2026-01-01T01:02:03.000001+02:00', held: 1_767_222_123_000_001 },
  { kind: 'timestamp', text: '1969-12-31T23:59:59.500001Z', held: -499_999 },
  { kind: 'timestamp', text: '9999-12-31T23:59:59.999999Z', held: TIME },
  { kind: 'timestamp', text: null, held: null },
  { kind: 'date', text: '2026-02-28', held: 20_512 },
  { kind: 'date', text: '1969-12-31', held: -1 },
  { kind: 'date', text: null, held: null },
  { kind: 'bool', text: 'true', held: true },
  { kind: 'bool', text: 'false', held: false },
  { kind: 'bool', text: null, held: null },
  { kind: 'bytes', text: '00ff7f', held: Uint8Array.of(0, 255, 127) },
  { kind: 'bytes', text: null, held: null },
  { kind: 'string', text: 'é 😀 日本 "x"', held: 'é 😀 日本 "x"' },
  { kind: 'string', text: 'NULL', held: 'NULL' },
  { kind: 'string', text: '', held: '' },
  { kind: 'string', text: null, held: null },
];

export const VALUE_KINDS: readonly ScalarKind[] = [...new Set(VALUE_TABLE.map(({ kind }) => kind))];

export function valueType(kind: ScalarKind): ValueType {
  return { kind, optional: true };
}
