import {
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type AsyncBuffer,
  type FileMetaData,
  type ParquetParsers,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { decompressLz4, decompressLz4Block } from './lz4.js';
import { textOrBroken, unconverted } from './parquet-values.js';
import { FileError } from './row-file.js';

/** A column, or a part of a nested one, as the file's own schema has it. */
export type ParquetColumn = SchemaTree;

/** Bytes of a file, wherever it lies: [start, end), to the file's end where no end is given. */
export interface RangeReader {
  readonly byteLength: number;
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>;
}

/** Rows [rowStart, rowEnd) of the file. */
export interface RowRange {
  readonly rowStart: number;
  readonly rowEnd: number;
}

/** Nothing is converted by the library (see `unconverted`); text is, so that the keys of maps are text. */
const PARSERS: ParquetParsers = {
  timestampFromMilliseconds: (count) => count,
  timestampFromMicroseconds: (count) => count,
  timestampFromNanoseconds: (count) => count,
  dateFromDays: (days) => days,
  stringFromBytes: textOrBroken,
  jsonFromBytes: (bytes) => bytes,
  geometryFromBytes: (bytes) => bytes,
  geographyFromBytes: (bytes) => bytes,
  uuidFromBytes: (bytes) => bytes,
};

const CODECS = { ...compressors, LZ4: decompressLz4, LZ4_RAW: decompressLz4Block };

/** A parquet file, read by row groups: the columns that are asked for of one group are in memory at a time. */
export class ParquetFile {
  readonly columns: readonly ParquetColumn[];
  readonly groups: readonly RowRange[];
  readonly #file: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #path: string;

  private constructor(file: AsyncBuffer, metadata: FileMetaData, path: string) {
    this.columns = parquetSchema(metadata).children;
    let rowStart = 0;
    this.groups = metadata.row_groups.map(({ num_rows: rows }) => ({ rowStart, rowEnd: (rowStart += Number(rows)) }));
    this.#file = file;
    this.#metadata = { ...metadata, schema: metadata.schema.map(unconverted) };
    this.#path = path;
  }

  /** `path` is how it is called in errors. Throws FileError where it is no parquet file. */
  static async open(reader: RangeReader, path: string): Promise<ParquetFile> {
    const metadata = await parquetMetadataAsync(reader, { parsers: PARSERS, geoparquet: false }).catch((error: unknown) => {
      throw parquetError(error, path);
    });
    return new ParquetFile(reader, metadata, path);
  }

  /** The raw values of one group's columns, in the order of `names`, for readers made by `compileParquetValue`. */
  async readGroup(names: readonly string[], { rowStart, rowEnd }: RowRange): Promise<readonly ArrayLike<unknown>[]> {
    if (rowEnd === rowStart || names.length === 0) return names.map(() => []);
    try {
      // A scan keeps the columns that it read last, so each group has one of its own.
      const scan = await parquetScan({
        file: this.#file,
        metadata: this.#metadata,
        columns: [...names],
        compressors: CODECS,
        parsers: PARSERS,
        utf8: false,
        geoparquet: false,
      });
      const columns: ArrayLike<unknown>[] = [];
      for (const column of names) columns.push(await scan.readColumn({ column, rowStart, rowEnd }));
      return columns;
    } catch (error) {
      throw parquetError(error, this.#path, rowStart + 1);
    }
  }
}

/** What a reader of ranges throws by a name of its own is no fault of the file. */
function parquetError(error: unknown, path: string, line?: number): unknown {
  if (error instanceof Error && 'disposition' in error) return error;
  return new FileError(path, `cannot be read as parquet: ${error instanceof Error ? error.message : String(error)}`, line, {
    cause: error,
  });
}
