/** What a column holds. A cell comes in the form that JSON has: times as RFC 3339, dates as `YYYY-MM-DD`, bytes as base64. */
export type ColumnKind = 'bool' | 'int' | 'float' | 'timestamp' | 'date' | 'bytes' | 'text' | 'json';

export interface TableColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** The cells of a row, in the order of the columns; null where there is none. */
export type TableRow = readonly unknown[];

export interface TableOptions {
  readonly columns: readonly TableColumn[];
  /** Kept in the file, where its format has a place for that: parquet and Arrow. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Bytes of a format: those before the rows, of each batch, and behind all. */
export interface TableEncoder {
  start(): Uint8Array | string;
  batch(rows: readonly TableRow[]): Uint8Array | string;
  end(): Uint8Array | string;
}
