import {
  Binary,
  Bool,
  DateDay,
  Field,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  Utf8,
  type Data,
  type TypeMap,
} from 'apache-arrow';
import { ChunkCollector } from '../rest/arrow.js';
import { cellValue } from './cell-values.js';
import type { ColumnKind, TableColumn, TableEncoder, TableOptions, TableRow } from './table.js';

/** A record batch for each batch; the metadata is the schema's. Every column may hold nulls. */
export function arrowEncoder({ columns, metadata }: TableOptions, format: 'arrow' | 'arrow-stream'): TableEncoder {
  const schema = new Schema<TypeMap>(
    columns.map(({ name, kind }) => Field.new(name, TYPES[kind], true)),
    new Map(metadata),
  );
  const sink = new ChunkCollector();
  const writer = format === 'arrow' ? new RecordBatchFileWriter() : new RecordBatchStreamWriter();
  return {
    start() {
      writer.reset(sink, schema);
      return sink.take();
    },
    batch(rows) {
      const children = columns.map((column, i) => columnData(column, i, rows));
      const data = makeData({ type: new Struct<TypeMap>(schema.fields), length: rows.length, nullCount: 0, children });
      writer.write(new RecordBatch(schema, data));
      return sink.take();
    },
    end() {
      writer.finish();
      return sink.take();
    },
  };
}

const [BOOL, INT, FLOAT, INSTANT, DATE] = [new Bool(), new Int64(), new Float64(), new TimestampMicrosecond('UTC'), new DateDay()] as const;
const [BYTES, TEXT] = [new Binary(), new Utf8()] as const;
const TYPES = { bool: BOOL, int: INT, float: FLOAT, timestamp: INSTANT, date: DATE, bytes: BYTES, text: TEXT, json: TEXT } as const;

function columnData(column: TableColumn, index: number, rows: readonly TableRow[]): Data {
  const cells = <K extends ColumnKind>(kind: K) => rows.map((row) => cellValue({ name: column.name, kind }, row[index]));
  switch (column.kind) {
    case 'bool': {
      const values = cells('bool');
      return makeData({ type: BOOL, ...validity(values), data: bitmapOf(values, (value) => value === true) });
    }
    case 'int': {
      const values = cells('int');
      return makeData({ type: INT, ...validity(values), data: BigInt64Array.from(values, (value) => value ?? 0n) });
    }
    case 'float': {
      const values = cells('float');
      return makeData({ type: FLOAT, ...validity(values), data: Float64Array.from(values, (value) => value ?? 0) });
    }
    case 'timestamp': {
      const values = cells('timestamp');
      return makeData({ type: INSTANT, ...validity(values), data: BigInt64Array.from(values, (value) => value ?? 0n) });
    }
    case 'date': {
      const values = cells('date');
      return makeData({ type: DATE, ...validity(values), data: Int32Array.from(values, (value) => value ?? 0) });
    }
    case 'bytes': {
      const values = cells('bytes');
      return makeData({ type: BYTES, ...validity(values), ...concatenated(values.map((value) => value ?? NOTHING)) });
    }
    case 'text':
    case 'json': {
      const values = cells('text');
      return makeData({ type: TEXT, ...validity(values), ...concatenated(values.map((value) => Buffer.from(value ?? ''))) });
    }
  }
}

const NOTHING = new Uint8Array();

function validity(values: readonly unknown[]): { readonly length: number; readonly nullCount: number; readonly nullBitmap: Uint8Array } {
  const nullCount = values.reduce((count: number, value) => count + (value === null ? 1 : 0), 0);
  return { length: values.length, nullCount, nullBitmap: bitmapOf(values, (value) => value !== null) };
}

/** One bit a row, least significant first. */
function bitmapOf<T>(values: readonly T[], isSet: (value: T) => boolean): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(values.length / 64) * 8); // Arrow pads buffers to 8 bytes
  values.forEach((value, i) => {
    if (isSet(value)) bitmap[i >> 3] = (bitmap[i >> 3] ?? 0) | (1 << (i & 7));
  });
  return bitmap;
}

function concatenated(pieces: readonly Uint8Array[]): { readonly valueOffsets: Int32Array; readonly data: Uint8Array } {
  const valueOffsets = new Int32Array(pieces.length + 1);
  pieces.forEach((piece, i) => {
    valueOffsets[i + 1] = (valueOffsets[i] ?? 0) + piece.length;
  });
  return { valueOffsets, data: Buffer.concat(pieces) };
}
