import { ParquetFile, type ParquetColumn } from '../../files/parquet-file.js';
import { FileError } from '../../files/row-file.js';
import { openAvro } from './avro-file.js';
import { icebergError } from './iceberg-error.js';
import type { TableFileEntry } from './manifests.js';
import type { TableFiles } from './table-files.js';
import type { TableMetadata } from './table-metadata.js';
import type { IcebergField } from './table-schema.js';
import { avroLeaf, compileAvroColumn, compileParquetColumn, findAvroField, findParquetColumn, type ReadValue } from './value-readers.js';

/** Rows of a file, by columns: `columns[c](i)` is the value of the c-th field that was asked for in row `rowStart + i`. */
export interface RowGroup {
  readonly rowStart: number;
  readonly length: number;
  /** Throw ValueError for a value that no record can hold. */
  readonly columns: readonly ((index: number) => unknown)[];
}

export interface TableReading {
  readonly table: Pick<TableMetadata, 'specs' | 'nameMapping'>;
  readonly files: TableFiles;
  readonly signal: AbortSignal;
}

/** Records of Avro that are made into a group: rows are gathered by 2,000 in a batch. */
const AVRO_GROUP_LENGTH = 2_000;

/**
 * The rows of a file from `fromRow` on, with the values of `fields`, found by their ids (rule 9). Parquet: the wanted columns of
 * one row group are in memory at a time. Throws a SourceError that names the file.
 */
export async function* readDataFile(
  file: TableFileEntry,
  fields: readonly IcebergField[],
  reading: TableReading,
  fromRow = 0,
): AsyncGenerator<RowGroup> {
  try {
    yield* file.format === 'avro' ? readAvro(file, fields, reading, fromRow) : readParquet(file, fields, reading, fromRow);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw icebergError('TABLE', `${file.path} ${error.reason}`, error);
  }
}

async function* readParquet(
  file: TableFileEntry,
  fields: readonly IcebergField[],
  { table, files, signal }: TableReading,
  fromRow: number,
): AsyncGenerator<RowGroup> {
  const parquet = await ParquetFile.open(await files.open(file.path, file.sizeBytes, signal), file.path);
  const mapping = parquet.columns.some(hasId) ? undefined : (table.nameMapping ?? noMapping(file));
  const names: string[] = [];
  const readers = fields.map((field): { readonly at: number; readonly read: ReadValue } => {
    const column = findParquetColumn(field.id, parquet.columns, mapping);
    if (column === undefined) return { at: -1, read: constantOf(field, file, table) };
    const { name } = column.element;
    const fieldsOf = mapping?.find(({ names: known }) => known.includes(name))?.fields;
    if (!names.includes(name)) names.push(name);
    return { at: names.indexOf(name), read: compileParquetColumn(field, column, mapping === undefined ? undefined : (fieldsOf ?? [])) };
  });
  for (const range of parquet.groups) {
    if (range.rowEnd <= fromRow) continue;
    signal.throwIfAborted();
    const raw = await parquet.readGroup(names, range);
    const columns = readers.map(({ at, read }) => {
      const values = raw[at];
      return values === undefined ? () => read(undefined) : (index: number) => read(values[index]);
    });
    yield after({ rowStart: range.rowStart, length: range.rowEnd - range.rowStart, columns }, fromRow);
  }
}

async function* readAvro(
  file: TableFileEntry,
  fields: readonly IcebergField[],
  { table, files, signal }: TableReading,
  fromRow: number,
): AsyncGenerator<RowGroup> {
  const avro = await openAvro(await files.open(file.path, file.sizeBytes, signal), file.path);
  const readers = fields.map((field) => {
    const found = findAvroField(field.id, avro.schema);
    return found === undefined
      ? { name: '', read: constantOf(field, file, table) }
      : { name: found.name, read: compileAvroColumn(field, found.type) };
  });
  let records: Readonly<Record<string, unknown>>[] = [];
  let rowStart = 0;
  const take = (): RowGroup => {
    const taken = records;
    const group = {
      rowStart,
      length: taken.length,
      columns: readers.map(
        ({ name, read }) =>
          (index: number) =>
            read(taken[index]?.[name]),
      ),
    };
    rowStart += taken.length;
    records = [];
    return group;
  };
  for await (const record of avro.records) {
    records.push(record);
    if (records.length < AVRO_GROUP_LENGTH) continue;
    signal.throwIfAborted();
    const group = take();
    if (group.rowStart + group.length > fromRow) yield after(group, fromRow);
  }
  if (rowStart + records.length > fromRow) yield after(take(), fromRow);
}

/** Without the rows before `fromRow`. */
function after(group: RowGroup, fromRow: number): RowGroup {
  const skipped = Math.max(0, fromRow - group.rowStart);
  if (skipped === 0) return group;
  return {
    rowStart: group.rowStart + skipped,
    length: group.length - skipped,
    columns: group.columns.map((column) => (index: number) => column(index + skipped)),
  };
}

/** A column that the file lacks: what its partition says where that is by the column's own value, else null. */
function constantOf({ id, type }: IcebergField, { specId, partition }: TableFileEntry, { specs }: TableReading['table']): ReadValue {
  const at = specs.get(specId)?.findIndex(({ sourceId, transform }) => sourceId === id && transform === 'identity') ?? -1;
  const value = partition[at];
  if (value === null || value === undefined || type.kind !== 'primitive') return () => null;
  const read = avroLeaf(type.name);
  return () => read(value);
}

function hasId({ element, children }: ParquetColumn): boolean {
  return element.field_id !== undefined || children.some(hasId);
}

function noMapping({ path }: TableFileEntry): never {
  throw icebergError(
    'TABLE',
    `${path} has no ids of its columns, and the table no schema.name-mapping.default that says which they are: set that property`,
  );
}
