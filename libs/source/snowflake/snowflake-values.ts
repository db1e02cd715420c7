import type { ValueType } from '../../schema/value-type.js';
import { decodeJson, floatNumber, wholeNumber } from '../table/exact-text.js';
import { instantText } from '../table/instant-text.js';

/** What the driver gives for a value: numbers as text (`fetchAsString`), times as a Date that knows more than one. */
export type Cell = unknown;

/** A value that is not null, to what a push would send. */
export type DecodeCell = (cell: Cell) => unknown;

/** A Date of the driver's: whole seconds, and the nanoseconds behind them. */
interface ExactDate {
  getEpochSeconds(): number;
  getNanoSeconds(): number;
}

export interface SnowflakeColumn {
  /** As the system keeps it. */
  readonly name: string;
  /** As DESCRIBE TABLE says it: `NUMBER(38,0)`, `TIMESTAMP_NTZ(9)`. */
  readonly sqlType: string;
}

const KINDS: Readonly<Record<string, string>> = { TEXT: 'VARCHAR', STRING: 'VARCHAR', DOUBLE: 'FLOAT', REAL: 'FLOAT', DECIMAL: 'NUMBER' };
export const TIMES = ['TIMESTAMP_NTZ', 'TIMESTAMP_LTZ', 'TIMESTAMP_TZ'];
const DOCUMENTS = ['VARIANT', 'OBJECT', 'ARRAY'];

/** Without length, scale and collation. */
export function kindOf({ sqlType }: Pick<SnowflakeColumn, 'sqlType'>): string {
  const kind = /^\w+/.exec(sqlType.toUpperCase())?.[0] ?? '';
  return KINDS[kind] ?? kind;
}

/** How the column is asked for, so that its value comes whole whatever the session's formats are. */
export function selectedAs(column: SnowflakeColumn, reference: string): string {
  const kind = kindOf(column);
  if (DOCUMENTS.includes(kind)) return `TO_JSON(CAST(${reference} AS VARIANT))`;
  if (kind === 'BINARY') return `HEX_ENCODE(${reference})`;
  return kind === 'TIME' ? `TO_VARCHAR(${reference}, 'HH24:MI:SS.FF9')` : reference;
}

/** How a column fills a field of this type; undefined where it does not. Nothing is cast that could lose something. */
export function decoderOf(type: ValueType, column: SnowflakeColumn): DecodeCell | undefined {
  const kind = kindOf(column);
  switch (type.kind) {
    case 'string':
    case 'enum':
      return kind === 'VARCHAR' || kind === 'TIME' || DOCUMENTS.includes(kind) ? String : undefined;
    case 'int':
      return kind === 'NUMBER' ? (cell) => wholeNumber(String(cell)) : undefined;
    case 'float':
      return kind === 'FLOAT' || kind === 'NUMBER' ? (cell) => floatNumber(String(cell)) : undefined;
    case 'decimal':
      return kind === 'NUMBER' ? String : undefined;
    case 'bool':
      return kind === 'BOOLEAN' ? (cell) => cell === true : undefined;
    case 'bytes':
      return kind === 'BINARY' ? (cell) => Uint8Array.from(Buffer.from(String(cell), 'hex')) : undefined;
    case 'timestamp':
      return TIMES.includes(kind) ? (cell) => `${secondsAndFraction(cell)}Z` : kind === 'DATE' ? dateText : undefined;
    case 'date':
      return kind === 'DATE' ? dateText : undefined;
    case 'list':
    case 'struct':
      return DOCUMENTS.includes(kind) ? (cell) => decodeJson(String(cell), type) : undefined;
  }
}

/** A cell of cursor or key as text that a cast to its type gives the same value of. */
export function orderText(cell: Cell, column: SnowflakeColumn): string {
  const kind = kindOf(column);
  if (kind === 'DATE') return dateText(cell);
  if (kind === 'TIMESTAMP_NTZ') return secondsAndFraction(cell);
  return TIMES.includes(kind) ? `${secondsAndFraction(cell)}+00:00` : String(cell);
}

/** Rounded up, so that no part of it lies behind. */
export function cursorUs(cell: Cell): number {
  const exact = cell as ExactDate; // a cursor is a time
  return exact.getEpochSeconds() * 1e6 + Math.ceil(exact.getNanoSeconds() / 1_000);
}

function dateText(cell: Cell): string {
  return secondsAndFraction(cell).slice(0, -'T00:00:00'.length);
}

/** With nine digits of fraction only where it has more than six: no timestamp holds those, so they are refused by name. */
function secondsAndFraction(cell: Cell): string {
  const exact = cell as ExactDate; // the driver's own Date
  const whole = instantText(BigInt(exact.getEpochSeconds()) * 1_000_000n).replace(/(\.0+)?Z$/, '');
  const nanoseconds = exact.getNanoSeconds();
  if (nanoseconds === 0) return whole;
  const fraction = String(nanoseconds).padStart(9, '0');
  return `${whole}.${fraction.replace(/000$/, '')}`;
}
