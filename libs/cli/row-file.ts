import { openRows } from '../files/open-rows.js';
import { FileError, type RowValues } from '../files/row-file.js';
import { UsageError } from './command.js';

export type FileRow = RowValues;

export interface NumberedRow {
  readonly row: FileRow;
  /** `pairs.csv:7`, a line, or of parquet and Arrow `pairs.parquet: row 6`, counted from 1. */
  readonly place: string;
}

/** The rows of a file, for commands that take it whole or not at all. Throws UsageError, with its line, for a row that is none. */
export async function* readRows(path: string): AsyncIterable<FileRow> {
  for await (const { row } of readNumberedRows(path)) yield row;
}

/** The same, each with its place. */
export async function* readNumberedRows(path: string): AsyncIterable<NumberedRow> {
  try {
    const file = await openRows(path);
    for await (const row of file.rows()) {
      if (row.kind === 'refused') throw new FileError(path, row.reason, row.line);
      yield { row: row.row, place: file.unit === 'line' ? `${path}:${row.line}` : `${path}: row ${row.line}` };
    }
  } catch (error) {
    if (error instanceof FileError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
