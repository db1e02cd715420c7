import { open, type FileHandle } from 'node:fs/promises';
import { compressionRegistry, CompressionType, RecordBatchReader, type RecordBatch } from 'apache-arrow';
import { decompressZstd } from 'hyparquet-compressors';
import { compileArrowValue } from './arrow-values.js';
import { checkColumns, rowOfColumns, type ColumnReader } from './column-rows.js';
import { decompressLz4Frame } from './lz4.js';
import { FileError, type FileRow, type RowFile } from './row-file.js';

compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: decompressLz4Frame });
// A copy: what the library gives may begin anywhere in its buffer, and columns of 64 bits need to be aligned.
compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => Uint8Array.from(decompressZstd(bytes)) });

/**
 * An Arrow IPC file (Feather V2) or stream, of which one record batch is in memory at a time. `localPath` is where it lies
 * uncompressed.
 */
export async function openArrow(localPath: string, path: string): Promise<RowFile> {
  const handle = await open(localPath);
  try {
    const reader = await opened(handle);
    const names = reader.schema.fields.map(({ name }) => String(name));
    checkColumns(names, path);
    return { format: 'arrow', unit: 'row', isText: false, columns: names, rows: (wanted) => arrowRows(reader, handle, path, wanted) };
  } catch (error) {
    await handle.close();
    throw error instanceof FileError ? error : arrowError(error, path);
  }
}

async function opened(handle: FileHandle): Promise<RecordBatchReader> {
  const reader = await RecordBatchReader.from(handle);
  // Else a batch read ahead of its consumer would close what the next is read from.
  await reader.open({ autoDestroy: false });
  return reader;
}

async function* arrowRows(
  reader: RecordBatchReader,
  handle: FileHandle,
  path: string,
  wanted: ReadonlySet<string> | undefined,
): AsyncIterable<FileRow> {
  let line = 1;
  try {
    for (;;) {
      const batch = await nextBatch(reader, path, line);
      if (batch === undefined) return;
      const columns = columnsOf(batch, wanted);
      for (let i = 0; i < batch.numRows; i++) yield rowOfColumns(columns, i, line++);
    }
  } finally {
    await reader.cancel();
    await handle.close();
  }
}

async function nextBatch(reader: RecordBatchReader, path: string, line: number): Promise<RecordBatch | undefined> {
  try {
    const next = (await reader.next()) as IteratorResult<RecordBatch, unknown>;
    return next.done === true ? undefined : next.value;
  } catch (error) {
    throw arrowError(error, path, line);
  }
}

function columnsOf(batch: RecordBatch, wanted: ReadonlySet<string> | undefined): readonly ColumnReader[] {
  return batch.schema.fields.flatMap(({ name }, i) => {
    const data = batch.data.children[i];
    return data === undefined || wanted?.has(String(name)) === false ? [] : [{ name: String(name), valueAt: compileArrowValue(data) }];
  });
}

function arrowError(error: unknown, path: string, line?: number): FileError {
  // The library's own checks throw errors with words; a TypeError is what its decoder runs into behind the end.
  const reason = error instanceof Error && !(error instanceof TypeError) ? error.message : 'it is damaged or cut off';
  return new FileError(path, `cannot be read as Arrow IPC: ${reason}`, line, { cause: error });
}
