import { asyncBufferFromFile } from 'hyparquet';
import { checkColumns, rowOfColumns } from './column-rows.js';
import { ParquetFile } from './parquet-file.js';
import { compileParquetValue } from './parquet-values.js';
import type { FileRow, RowFile } from './row-file.js';

/** A parquet file, of which one row group's wanted columns are in memory at a time. `localPath` is where it lies uncompressed. */
export async function openParquet(localPath: string, path: string): Promise<RowFile> {
  const file = await ParquetFile.open(await asyncBufferFromFile(localPath), path);
  const names = file.columns.map(({ element }) => element.name);
  checkColumns(names, path);
  return { format: 'parquet', unit: 'row', isText: false, columns: names, rows: (wanted) => parquetRows(file, wanted) };
}

async function* parquetRows(file: ParquetFile, wanted: ReadonlySet<string> | undefined): AsyncIterable<FileRow> {
  const chosen = file.columns.filter(({ element }) => wanted?.has(element.name) ?? true);
  const readers = chosen.map((tree) => ({ name: tree.element.name, read: compileParquetValue(tree) }));
  const names = readers.map(({ name }) => name);
  for (const range of file.groups) {
    const raw = await file.readGroup(names, range);
    const columns = readers.map(({ name, read }, i) => ({ name, valueAt: (index: number) => read(raw[i]?.[index]) }));
    for (let i = 0; i < range.rowEnd - range.rowStart; i++) yield rowOfColumns(columns, i, range.rowStart + i + 1);
  }
}
