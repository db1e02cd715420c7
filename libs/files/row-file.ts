// Files of rows, in the formats that people have them: what every reader here gives.
//
//   open-rows.ts     - finds the format and the compression, and opens the file
//   csv-rows.ts      - CSV and TSV (RFC 4180)
//   ndjson-rows.ts   - one JSON object a line
//   json-rows.ts     - a JSON array, or an object over several lines
//   parquet-rows.ts  - parquet, a row group at a time
//   arrow-rows.ts    - Arrow IPC files and streams, a record batch at a time
//   content-hash.ts  - what makes a file the same file
//
// Invariants:
//   F1. A value is the one that stands in the file, or its row is refused by name: nothing is rounded, replaced or guessed
//       (nanoseconds are, to the nearest microsecond, as S1 says).
//   F2. Rows come in the file's order, each with its line, counted from 1; where a file ends in an error, every row before it has come.
//   F3. Memory is bounded by a chunk, a row group or a record batch, never by the file.

export type FileFormat = 'csv' | 'ndjson' | 'json' | 'parquet' | 'arrow';

/**
 * A row as the file has it: numbers that a double cannot hold as `ExactNumber`, bytes as Uint8Array, times as RFC 3339,
 * all of CSV as text.
 */
export type RowValues = Readonly<Record<string, unknown>>;

export type FileRow =
  | { readonly kind: 'row'; readonly line: number; readonly row: RowValues; readonly origin?: RowOrigin }
  /** What stands there is no row, or holds what no record can; `text` is what is known of it, for people. */
  | { readonly kind: 'refused'; readonly line: number; readonly reason: string; readonly text: string; readonly row?: RowValues };

/** Where a row that was refused before comes from: as whose sequence it was pushed then (S13). */
export interface RowOrigin {
  readonly producerId: string;
  readonly sequence: number;
}

export interface RowFile {
  readonly format: FileFormat;
  /** What its rows are counted by: lines of text, or rows. */
  readonly unit: 'line' | 'row';
  /** Whether its values are text that is to be read by the types of the fields. */
  readonly isText: boolean;
  /** The columns of formats with a header or a schema, in their order. */
  readonly columns: readonly string[] | undefined;
  /** May be called once. Columns that are not wanted are not read, where the format allows. */
  rows(wanted?: ReadonlySet<string>): AsyncIterable<FileRow>;
}

/** The file as a whole, or from one line on, is not what it should be. The rows before that line have come (F2). */
export class FileError extends Error {
  override readonly name = 'FileError';

  constructor(
    readonly path: string,
    readonly reason: string,
    readonly line?: number,
    options?: ErrorOptions,
  ) {
    super(`${path}${line === undefined ? '' : `:${line}`}: ${reason}`, options);
  }
}

/** A value that no record can hold; the reader of the row names its column. */
export class ValueError extends Error {
  override readonly name = 'ValueError';

  constructor(
    message: string,
    /** What stands there, as a text that is refused too; absent where none says it. */
    readonly shown?: string,
  ) {
    super(message);
  }
}

/** Bytes of one row as text. A record has at most 1 MB; what is longer is passed over, not gathered. */
export const ROW_BYTES_MAX = 8 * 1_024 * 1_024;

/** Characters of a refused row's text that are kept. */
export const REFUSED_TEXT_LENGTH_MAX = 16_384;
