import { encodeExactJson, ExactNumber } from '../codec/exact-json.js';
import { parseDate } from '../schema/calendar-date.js';
import { parseTimestamp } from '../time/timestamp.js';
import type { TableColumn } from './table.js';

const INT64_MAX = 2n ** 63n - 1n;

/** A cell as a column of this kind has it in memory, by the kind: a bool, a bigint, a number, µs, days, bytes or text. */
export interface CellOf {
  readonly bool: boolean;
  readonly int: bigint;
  readonly float: number;
  readonly timestamp: bigint;
  readonly date: number;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly json: string;
}

/** Throws RangeError, with the column's name, for a cell that is not of the column's kind. */
export function cellValue<K extends keyof CellOf>(column: TableColumn & { readonly kind: K }, cell: unknown): CellOf[K] | null {
  if (cell === null || cell === undefined) return null;
  return READERS[column.kind](cell, column.name);
}

/** Of text, as CSV and columns of text have it. */
export function cellText(cell: unknown): string {
  return typeof cell === 'string' ? cell : encodeExactJson(cell);
}

const READERS: { readonly [K in keyof CellOf]: (cell: unknown, name: string) => CellOf[K] } = {
  bool: (cell, name) => (typeof cell === 'boolean' ? cell : misfit(cell, name, 'a bool')),
  int: intOf,
  float: (cell, name) => {
    const number = cell instanceof ExactNumber ? Number(cell.text) : cell;
    return typeof number === 'number' ? number : misfit(cell, name, 'a number');
  },
  timestamp: (cell, name) => {
    try {
      return BigInt(parseTimestamp(cell instanceof ExactNumber ? cell.text : cell));
    } catch {
      return misfit(cell, name, 'an instant');
    }
  },
  date: (cell, name) => (typeof cell === 'string' ? parseDate(cell) : undefined) ?? misfit(cell, name, 'a date'),
  bytes: (cell, name) => {
    if (cell instanceof Uint8Array) return cell;
    return typeof cell === 'string' ? Buffer.from(cell, 'base64') : misfit(cell, name, 'bytes');
  },
  text: cellText,
  json: cellText,
};

function intOf(cell: unknown, name: string): bigint {
  const text = cell instanceof ExactNumber ? cell.text : typeof cell === 'number' && Number.isInteger(cell) ? String(cell) : '';
  const int = /^-?\d+$/.test(text) ? BigInt(text) : misfit(cell, name, 'an integer');
  return int > INT64_MAX || int < -INT64_MAX - 1n ? misfit(cell, name, 'an integer of 64 bits') : int;
}

function misfit(cell: unknown, name: string, expected: string): never {
  throw new RangeError(`column ${name}: ${cellText(cell).slice(0, 64)} is not ${expected}`);
}
