// Files of typed columns, written a batch of rows at a time.
//
//   table.ts          - columns, rows, and what a format's encoder is
//   table-writer.ts   - chooses the format, and puts the file in its place once it is whole
//   cell-values.ts    - a cell in the form that binary formats want
//   text-writers.ts   - CSV (RFC 4180) and NDJSON
//   parquet-writer.ts - parquet, a row group for each batch
//   arrow-writer.ts   - Arrow IPC files and streams, a record batch for each batch
//
// Invariants:
//   O1. Under the file's name there is a whole file or what was there before: it is written beside, and renamed.
//   O2. The same columns, metadata and batches give the same bytes.
//   O3. Memory is bounded by a batch.
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { arrowEncoder } from './arrow-writer.js';
import { parquetEncoder } from './parquet-writer.js';
import type { TableEncoder, TableOptions, TableRow } from './table.js';
import { csvEncoder, ndjsonEncoder } from './text-writers.js';

export type TableFormat = 'csv' | 'ndjson' | 'parquet' | 'arrow' | 'arrow-stream';

/** By the endings of names; what is compressed as a whole is none of them. */
const FORMATS: ReadonlyMap<string, TableFormat> = new Map([
  ['csv', 'csv'],
  ['jsonl', 'ndjson'],
  ['ndjson', 'ndjson'],
  ['parquet', 'parquet'],
  ['pq', 'parquet'],
  ['arrow', 'arrow'],
  ['feather', 'arrow'],
  ['ipc', 'arrow'],
  ['arrows', 'arrow-stream'],
]);

export const TABLE_ENDINGS: readonly string[] = [...FORMATS.keys()];

/** Undefined where the name has none of the endings. */
export function tableFormatOf(path: string): TableFormat | undefined {
  return FORMATS.get(/\.([^./]+)$/.exec(path.toLowerCase())?.[1] ?? '');
}

export class TableFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #encoder: TableEncoder;

  private constructor(path: string, handle: FileHandle, encoder: TableEncoder) {
    this.#path = path;
    this.#handle = handle;
    this.#encoder = encoder;
  }

  /** Rejects where the folder cannot be written. */
  static async create(path: string, format: TableFormat, options: TableOptions): Promise<TableFile> {
    const encoder = encoderOf(format, options);
    const handle = await open(besideOf(path), 'w');
    const file = new TableFile(path, handle, encoder);
    await file.#put(encoder.start());
    return file;
  }

  async write(rows: readonly TableRow[]): Promise<void> {
    if (rows.length > 0) await this.#put(this.#encoder.batch(rows));
  }

  /** O1: only now is there a file of that name. */
  async end(): Promise<void> {
    await this.#put(this.#encoder.end());
    await this.#handle.sync();
    await this.#handle.close();
    await rename(besideOf(this.#path), this.#path);
  }

  /** Leaves nothing. */
  async abort(): Promise<void> {
    await this.#handle.close();
    await rm(besideOf(this.#path), { force: true });
  }

  async #put(bytes: Uint8Array | string): Promise<void> {
    if (bytes.length > 0) await this.#handle.writeFile(bytes);
  }
}

function besideOf(path: string): string {
  return `${path}.writing`;
}

function encoderOf(format: TableFormat, options: TableOptions): TableEncoder {
  switch (format) {
    case 'csv':
      return csvEncoder(options);
    case 'ndjson':
      return ndjsonEncoder(options);
    case 'parquet':
      return parquetEncoder(options);
    case 'arrow':
    case 'arrow-stream':
      return arrowEncoder(options, format);
  }
}
