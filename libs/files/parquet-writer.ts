import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { cellValue } from './cell-values.js';
import type { ColumnKind, TableColumn, TableEncoder, TableOptions } from './table.js';

/** Snappy-compressed, a row group for each batch; the metadata is the file's key-value metadata. */
export function parquetEncoder({ columns, metadata }: TableOptions): TableEncoder {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: [{ name: 'root', num_children: columns.length }, ...columns.map(elementOf)],
    kvMetadata: [...metadata].map(([key, value]) => ({ key, value })),
    createdBy: 'thyme',
  });
  const take = (): Uint8Array => {
    const bytes = Uint8Array.from(new Uint8Array(writer.buffer, 0, writer.index));
    writer.index = 0; // and not `offset`, which is the place in the file
    return bytes;
  };
  return {
    start: take,
    batch(rows) {
      const columnData = columns.map((column, i) => ({
        name: column.name,
        data: rows.map((row) => cellValue(column, row[i])),
        offsetIndex: false,
      }));
      void parquet.write({ columnData, rowGroupSize: rows.length }); // this writer never waits
      return take();
    },
    end() {
      void parquet.finish();
      return take();
    },
  };
}

const ELEMENTS: Readonly<Record<ColumnKind, Partial<SchemaElement>>> = {
  bool: { type: 'BOOLEAN' },
  int: { type: 'INT64' },
  float: { type: 'DOUBLE' },
  timestamp: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
  },
  date: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
  bytes: { type: 'BYTE_ARRAY' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  json: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
};

function elementOf({ name, kind }: TableColumn): SchemaElement {
  return { name, repetition_type: 'OPTIONAL', ...ELEMENTS[kind] };
}
