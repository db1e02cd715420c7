import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { openArrow } from './arrow-rows.js';
import { openCsv } from './csv-rows.js';
import { kindOfFile, kindOfName, type Compression, type FileKind } from './file-format.js';
import { openJson } from './json-rows.js';
import { openNdjson } from './ndjson-rows.js';
import { openParquet } from './parquet-rows.js';
import { FileError, type RowFile } from './row-file.js';
import { createZstdDecompressor } from './zstd-stream.js';

/** Standard input, as a path. */
export const STANDARD_INPUT = '-';

export interface OpenOptions {
  /** An ending such as `csv.gz`, in place of the file's own; standard input has none, and is NDJSON without. */
  readonly format?: string | undefined;
}

/**
 * Opens a file of rows; what it is, its endings and first bytes say. Throws FileError for one that cannot be read as
 * that, and the system's error for none.
 */
export async function openRows(path: string, { format }: OpenOptions = {}): Promise<RowFile> {
  const kind = await kindOf(path, format);
  if (kind.format !== 'parquet' && kind.format !== 'arrow') return openText(bytesOf(path, kind.compression), path, kind);
  if (path === STANDARD_INPUT || kind.compression !== undefined) return openCopy(path, kind);
  return openBinary(kind, path, path);
}

/** Whether the path names a file that can be read again, and not a pipe. */
export async function isRegularFile(path: string): Promise<boolean> {
  return path !== STANDARD_INPUT && (await stat(path)).isFile();
}

async function kindOf(path: string, format: string | undefined): Promise<FileKind> {
  const asked = format === undefined ? undefined : kindOfName(`.${format}`);
  if (path === STANDARD_INPUT) return asked ?? kindOfName(path);
  const status = await stat(path);
  if (status.isDirectory()) throw new FileError(path, 'is a directory: name one of its files');
  if (asked !== undefined) return asked;
  return status.isFile() ? kindOfFile(path) : kindOfName(path); // what is read from a pipe is gone
}

function openText(bytes: AsyncIterable<Uint8Array>, path: string, { format, delimiter, isRejected }: FileKind): Promise<RowFile> {
  if (format === 'json') return openJson(bytes, path);
  return format === 'csv' ? openCsv(bytes, path, delimiter) : Promise.resolve(openNdjson(bytes, path, isRejected));
}

function openBinary({ format }: FileKind, localPath: string, path: string): Promise<RowFile> {
  return format === 'parquet' ? openParquet(localPath, path) : openArrow(localPath, path);
}

/** These formats are read from their end: what comes compressed, or by a pipe, is written to a temporary file first. */
async function openCopy(path: string, kind: FileKind): Promise<RowFile> {
  const folder = await mkdtemp(join(tmpdir(), 'thyme-rows-'));
  const end = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const copy = join(folder, 'rows');
    await pipeline(Readable.from(bytesOf(path, kind.compression)), createWriteStream(copy));
    const file = await openBinary(kind, copy, path);
    return {
      ...file,
      async *rows(wanted) {
        try {
          yield* file.rows(wanted);
        } finally {
          await end();
        }
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function* bytesOf(path: string, compression: Compression | undefined): AsyncGenerator<Uint8Array> {
  const source = path === STANDARD_INPUT ? process.stdin : createReadStream(path);
  if (compression === undefined) {
    yield* source as AsyncIterable<Uint8Array>;
    return;
  }
  const decompressor = decompressorOf(compression);
  // What either of them ends in is met by who reads the bytes.
  const done = pipeline(source, decompressor).catch(() => undefined);
  try {
    yield* decompressor as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new FileError(
      path,
      `cannot be decompressed (${compression}): ${error instanceof Error ? error.message : String(error)}`,
      undefined,
      { cause: error },
    );
  } finally {
    source.destroy();
    await done;
  }
}

function decompressorOf(compression: Compression): NodeJS.ReadWriteStream {
  switch (compression) {
    case 'gzip':
      return zlib.createGunzip();
    case 'deflate':
      return zlib.createInflate();
    case 'brotli':
      return zlib.createBrotliDecompress();
    case 'zstd':
      return createZstdDecompressor();
  }
}
