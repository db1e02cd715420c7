import { open } from 'node:fs/promises';
import { FileError, type FileFormat } from './row-file.js';

export type Compression = 'gzip' | 'deflate' | 'brotli' | 'zstd';

export interface FileKind {
  readonly format: FileFormat;
  readonly compression: Compression | undefined;
  /** Between the fields of CSV. */
  readonly delimiter: ',' | '\t';
  /** Its rows were refused once, and stand beside the reason. */
  readonly isRejected: boolean;
}

const COMPRESSIONS: ReadonlyMap<string, Compression> = new Map([
  ['gz', 'gzip'],
  ['gzip', 'gzip'],
  ['zz', 'deflate'],
  ['br', 'brotli'],
  ['zst', 'zstd'],
]);
const FORMATS: ReadonlyMap<string, FileFormat> = new Map([
  ['csv', 'csv'],
  ['tsv', 'csv'],
  ['tab', 'csv'],
  ['json', 'json'],
  ['parquet', 'parquet'],
  ['parq', 'parquet'],
  ['pq', 'parquet'],
  ['arrow', 'arrow'],
  ['arrows', 'arrow'],
  ['feather', 'arrow'],
  ['ipc', 'arrow'],
]);
/** What the formats begin with, whatever the file is called. */
const MAGIC: readonly (readonly [string, FileFormat])[] = [
  ['PAR1', 'parquet'],
  ['PARE', 'parquet'],
  ['ARROW1', 'arrow'],
];
const COMPRESSED: readonly (readonly [string, Compression])[] = [
  ['\u001f\u008b', 'gzip'],
  ['\u0028\u00b5\u002f\u00fd', 'zstd'],
];
/** Files that are none of ours, by what they begin with, and what to do instead. */
const STRANGERS: readonly (readonly [string, string])[] = [
  ['FEA1', 'is Feather V1: write it as Feather V2'],
  ['PK\u0003\u0004', 'is a zip archive or a spreadsheet: take the file out of it, or save it as CSV'],
  ['SQLite format 3', 'is an SQLite database: export the table as CSV'],
  ['Obj\u0001', 'is Avro: convert it to parquet or NDJSON'],
  ['ORC', 'is ORC: convert it to parquet'],
];
const MAGIC_LENGTH = 16;

/** By its endings, in any case; NDJSON by default. The names of refused rows end in `.rejected.ndjson`. */
export function kindOfName(path: string): FileKind {
  const parts = path.toLowerCase().split('/').at(-1)?.split('.') ?? [];
  const compression = parts.length > 1 ? COMPRESSIONS.get(parts.at(-1) ?? '') : undefined;
  if (compression !== undefined) parts.pop();
  const ending = parts.length > 1 ? (parts.at(-1) ?? '') : '';
  return {
    format: FORMATS.get(ending) ?? 'ndjson',
    compression,
    delimiter: ending === 'tsv' || ending === 'tab' ? '\t' : ',',
    isRejected: ending === 'ndjson' && parts.at(-2) === 'rejected',
  };
}

/** The same, corrected by what the file begins with: nobody means NDJSON by a parquet file without its ending. */
export async function kindOfFile(path: string): Promise<FileKind> {
  const named = kindOfName(path);
  const start = await startOf(path);
  const compression = named.compression ?? COMPRESSED.find(([magic]) => start.startsWith(magic))?.[1];
  if (compression !== undefined) return { ...named, compression };
  const stranger = STRANGERS.find(([magic]) => start.startsWith(magic));
  if (stranger !== undefined) throw new FileError(path, stranger[1]);
  const format = MAGIC.find(([magic]) => start.startsWith(magic))?.[1] ?? named.format;
  return { ...named, format };
}

async function startOf(path: string): Promise<string> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAGIC_LENGTH), 0, MAGIC_LENGTH, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
