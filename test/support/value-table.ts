import type { ScalarKind, Value, ValueType } from '../../libs/schema/value-type.js';

/** Those whose suites are given the whole table; `docs/sources.md` has a column for each, files and objects in one. */
export const VALUE_SYSTEMS = ['postgres', 'files', 's3', 'kafka', 'kinesis', 'iceberg', 'bigquery', 'snowflake'] as const;
export type ValueSystemName = (typeof VALUE_SYSTEMS)[number];

const scalar = (kind: ScalarKind): ValueType => ({ kind, optional: true });

/** The fields that are filled. A system has a column of its own for each; `wide` are decimals of 38 digits without a fraction. */
export const VALUE_COLUMNS = {
  int: scalar('int'),
  decimal: scalar('decimal'),
  wide: scalar('decimal'),
  float: scalar('float'),
  timestamp: scalar('timestamp'),
  date: scalar('date'),
  bool: scalar('bool'),
  bytes: scalar('bytes'),
  string: scalar('string'),
  list: { kind: 'list', of: scalar('int'), optional: true },
  struct: {
    kind: 'struct',
    fields: [
      { name: 'a', type: scalar('string') },
      { name: 'b', type: scalar('int') },
      { name: 'c', type: scalar('decimal') },
    ],
    optional: true,
  },
} as const satisfies Readonly<Record<string, ValueType>>;
export type ValueColumn = keyof typeof VALUE_COLUMNS;
export const VALUE_COLUMN_NAMES = Object.keys(VALUE_COLUMNS) as readonly ValueColumn[]; // its own keys

/** What a system is told, and what becomes of it: held as that, or a dead letter whose reason matches. */
export interface ValueCase {
  readonly column: ValueColumn;
  /** As people write it: times in RFC 3339, bytes in hexadecimal, lists and structs in JSON, NaN, Infinity; null for none. */
  readonly text: string | null;
  readonly held: Value | RegExp;
  /** For people, where the text is too long, or cannot be seen. */
  readonly shown?: string;
  /** The systems that have no such value, and why. */
  readonly without?: Readonly<Partial<Record<ValueSystemName, string>>>;
}

const INT = /whole number between/;
const FLOAT = /finite number/;
const TIME = /is no timestamp|is a time out of range/;
const LONG = /are over the limit of 65536/;

const IN_JSON = 'JSON has no word for it';
const NOT_IN_JSON = { files: IN_JSON, s3: IN_JSON, kafka: IN_JSON, kinesis: IN_JSON };
const NUL = { postgres: 'its texts hold no NUL' };
const NO_NAN = onlyPostgres('its decimals are numbers');
const NO_INFINITY = onlyPostgres('its times are instants');
/** Put to the connectors by answers of the services instead (test/integration/snowflake-answers.test.ts, bigquery-answers.test.ts). */
const WIDE = { snowflake: 'its emulator keeps NUMBER(38,0) in 64 bits: contract-tested' };
const ROUNDED = {
  bigquery: 'its emulator rounds decimals within records: contract-tested',
  snowflake: 'its emulator rounds decimals within documents: contract-tested',
};
const NO_NULLS = { bigquery: 'its arrays hold no nulls' };
const NO_NULL_LIST = { bigquery: 'it stores an array that is null as an empty one' };

/** A row each, put to every connector (test/support/value-suite.ts): what goes in comes out, or is refused by name. */
export const VALUE_TABLE: readonly ValueCase[] = [
  { column: 'int', text: '9007199254740991', held: 9_007_199_254_740_991 },
  { column: 'int', text: '-9007199254740991', held: -9_007_199_254_740_991 },
  { column: 'int', text: '0', held: 0 },
  { column: 'int', text: '9007199254740993', held: INT },
  { column: 'int', text: '9223372036854775807', held: INT },
  { column: 'int', text: '-9223372036854775808', held: INT },
  { column: 'int', text: null, held: null },
  { column: 'decimal', text: '12345678901234567.89', held: '12345678901234567.89' },
  { column: 'decimal', text: '99999999999999999999999999999.999999999', held: '99999999999999999999999999999.999999999' },
  { column: 'decimal', text: '-99999999999999999999999999999.999999999', held: '-99999999999999999999999999999.999999999' },
  { column: 'decimal', text: '-0.000000001', held: '-0.000000001' },
  { column: 'decimal', text: '1e-9', held: '0.000000001' },
  { column: 'decimal', text: '1.500', held: '1.5' },
  { column: 'decimal', text: '-0.0', held: '0' },
  { column: 'decimal', text: '9007199254740993', held: '9007199254740993' },
  { column: 'decimal', text: 'NaN', held: /decimal/, without: { ...NOT_IN_JSON, ...NO_NAN } },
  { column: 'decimal', text: null, held: null },
  { column: 'wide', text: '99999999999999999999999999999999999999', held: '99999999999999999999999999999999999999', without: WIDE },
  { column: 'wide', text: '-99999999999999999999999999999999999999', held: '-99999999999999999999999999999999999999', without: WIDE },
  { column: 'wide', text: '1e20', held: '100000000000000000000', without: WIDE },
  { column: 'wide', text: null, held: null },
  { column: 'float', text: '0.1', held: 0.1 },
  { column: 'float', text: '1.7976931348623157e308', held: Number.MAX_VALUE },
  { column: 'float', text: '1e-300', held: 1e-300 },
  { column: 'float', text: '5e-324', held: Number.MIN_VALUE },
  { column: 'float', text: '-0.0', held: 0 },
  { column: 'float', text: '9007199254740993', held: 9_007_199_254_740_992 },
  { column: 'float', text: 'NaN', held: FLOAT, without: NOT_IN_JSON },
  { column: 'float', text: 'Infinity', held: FLOAT, without: NOT_IN_JSON },
  { column: 'float', text: '-Infinity', held: FLOAT, without: NOT_IN_JSON },
  { column: 'float', text: null, held: null },
  { column: 'timestamp', text: '2026-01-01T01:02:03.123456Z', held: 1_767_229_323_123_456 },
  { column: 'timestamp', text: '2026-01-01T01:02:03.123457Z', held: 1_767_229_323_123_457 },
  { column: 'timestamp', text: '2026-01-01T01:02:03.000001+02:00', held: 1_767_222_123_000_001 },
  { column: 'timestamp', text: '2026-01-01T01:02:03.999999-11:30', held: 1_767_270_723_999_999 },
  { column: 'timestamp', text: '1970-01-01T00:00:00Z', held: 0 },
  { column: 'timestamp', text: '1969-12-31T23:59:59.500001Z', held: -499_999 },
  { column: 'timestamp', text: '1900-01-01T00:00:00.000001Z', held: -2_208_988_799_999_999 },
  { column: 'timestamp', text: '2255-01-01T00:00:00.000001Z', held: 8_993_721_600_000_001 },
  { column: 'timestamp', text: '1683-01-01T00:00:00Z', held: TIME },
  { column: 'timestamp', text: '9999-12-31T23:59:59.999999Z', held: TIME },
  { column: 'timestamp', text: 'infinity', held: TIME, without: { ...NOT_IN_JSON, ...NO_INFINITY } },
  { column: 'timestamp', text: null, held: null },
  { column: 'date', text: '2026-02-28', held: 20_512 },
  { column: 'date', text: '2024-02-29', held: 19_782 },
  { column: 'date', text: '1969-12-31', held: -1 },
  { column: 'date', text: '1582-10-10', held: -141_432 },
  { column: 'date', text: '0001-01-01', held: -719_162 },
  { column: 'date', text: '9999-12-31', held: 2_932_896 },
  { column: 'date', text: null, held: null },
  { column: 'bool', text: 'true', held: true },
  { column: 'bool', text: 'false', held: false },
  { column: 'bool', text: null, held: null },
  { column: 'bytes', text: '00ff7f', held: Uint8Array.of(0, 255, 127) },
  { column: 'bytes', text: '', held: new Uint8Array() },
  { column: 'bytes', text: 'a5'.repeat(65_536), shown: '65,536 bytes', held: new Uint8Array(65_536).fill(0xa5) },
  { column: 'bytes', text: 'a5'.repeat(65_537), shown: '65,537 bytes', held: LONG },
  { column: 'bytes', text: null, held: null },
  { column: 'string', text: 'é 😀 日本 "x"', held: 'é 😀 日本 "x"' },
  { column: 'string', text: 'e\u0301', shown: 'e with U+0301 behind it, which is not é', held: 'e\u0301' },
  { column: 'string', text: '👩‍👩‍👧', shown: '👩‍👩‍👧, five code points', held: '👩‍👩‍👧' },
  { column: 'string', text: " \t'\\\n ", shown: 'blanks, tab, quote, backslash, line break', held: " \t'\\\n " },
  { column: 'string', text: 'a\0b', shown: 'a NUL between two letters', held: 'a\0b', without: NUL },
  { column: 'string', text: 'NULL', held: 'NULL' },
  { column: 'string', text: '', held: '' },
  { column: 'string', text: null, held: null },
  { column: 'list', text: '[1,-9007199254740991]', held: [1, -9_007_199_254_740_991] },
  { column: 'list', text: '[]', held: [] },
  { column: 'list', text: '[9007199254740993]', held: INT },
  { column: 'list', text: '[1,null]', held: [1, null], without: NO_NULLS },
  { column: 'list', text: null, held: null, without: NO_NULL_LIST },
  { column: 'struct', text: '{"a":"é","b":1,"c":1.5}', held: ['é', 1, '1.5'] },
  { column: 'struct', text: '{"a":null,"b":null,"c":12345678901234567.89}', held: [null, null, '12345678901234567.89'], without: ROUNDED },
  { column: 'struct', text: '{"a":"","b":null,"c":null}', held: ['', null, null] },
  { column: 'struct', text: '{"a":null,"b":9007199254740993,"c":0}', held: INT },
  { column: 'struct', text: null, held: null },
];

/** Rows that the system has and its emulator has not: its suite of answers takes them. */
export function contractTested(system: ValueSystemName, column: ValueColumn): readonly ValueCase[] {
  return VALUE_TABLE.filter((one) => one.column === column && one.without?.[system]?.endsWith('contract-tested') === true);
}

function onlyPostgres(why: string): Readonly<Partial<Record<ValueSystemName, string>>> {
  return { iceberg: why, bigquery: why, snowflake: why };
}

/** As JSON has it, with every digit; bytes in base64. */
export function jsonText(column: ValueColumn, text: string | null): string {
  if (text === null) return 'null';
  switch (column) {
    case 'timestamp':
    case 'date':
    case 'string':
      return JSON.stringify(text);
    case 'bytes':
      return JSON.stringify(Buffer.from(text, 'hex').toString('base64'));
    default:
      return text;
  }
}
