import { ExactNumber } from '../codec/exact-json.js';
import { FileError, REFUSED_TEXT_LENGTH_MAX, ValueError, type FileRow } from './row-file.js';

/** A column of a file that is kept by columns. */
export interface ColumnReader {
  readonly name: string;
  /** Null where there is none. Throws ValueError for one that no record can hold. */
  valueAt(index: number): unknown;
}

/** The row at an index of its columns; refused, by the name of the column, where a value cannot be held. */
export function rowOfColumns(columns: readonly ColumnReader[], index: number, line: number): FileRow {
  const row: Record<string, unknown> = {};
  let reason: string | undefined;
  let isWhole = true;
  for (const column of columns) {
    try {
      const value = column.valueAt(index);
      if (value !== null && value !== undefined) define(row, column.name, value);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      reason ??= `${column.name}: ${error.message}`;
      // Without it the row would be taken, with a null there, when somebody pushes it again as it is.
      if (error.shown === undefined) isWhole = false;
      else define(row, column.name, error.shown);
    }
  }
  if (reason === undefined) return { kind: 'row', line, row };
  return { kind: 'refused', line, reason, text: describe(row), ...(isWhole ? { row } : {}) };
}

export function checkColumns(names: readonly string[], path: string): void {
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new FileError(path, `names the column '${twice}' twice: rename one of them`);
}

function define(row: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(row, name, { value, enumerable: true });
  else row[name] = value;
}

function describe(row: object): string {
  const text = JSON.stringify(row, (_name, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value instanceof ExactNumber ? value.text : value,
  );
  return text.slice(0, REFUSED_TEXT_LENGTH_MAX);
}
