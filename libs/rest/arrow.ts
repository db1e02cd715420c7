import {
  AsyncByteQueue,
  Field,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  makeData,
  type DataType,
  type TypeMap,
} from 'apache-arrow';
import type { Value } from '../../gen/thyme/v1/values_pb.js';
import { type ArrowColumn, arrowTypeOf, buildColumn } from './arrow-column.js';

export const ARROW_TYPE = 'application/vnd.apache.arrow.stream';

export type ArrowRow = readonly (Value | undefined)[];

/**
 * Writes an Arrow IPC stream piece by piece: the schema, a record batch for each call of `batch`,
 * and the end, by which a reader knows that nothing is missing. Every column is nullable, so that
 * the schema is the same whatever the rows hold.
 */
export class ArrowStreamEncoder {
  readonly #schema: Schema;
  readonly #columns: readonly { readonly column: ArrowColumn; readonly type: DataType }[];
  readonly #sink = new ChunkCollector();
  readonly #writer: RecordBatchStreamWriter;

  constructor(columns: readonly ArrowColumn[]) {
    this.#columns = columns.map((column) => ({ column, type: arrowTypeOf(column.type) }));
    this.#schema = new Schema(this.#columns.map(({ column, type }) => Field.new(column.name, type, true)));
    this.#writer = new RecordBatchStreamWriter();
  }

  start(): Uint8Array {
    this.#writer.reset(this.#sink, this.#schema);
    return this.#sink.take();
  }

  /** `leading`: the first columns, by themselves; rows then have the others. */
  batch(rows: readonly ArrowRow[], leading: readonly (readonly Value[])[] = []): Uint8Array {
    const children = this.#columns.map(({ column, type }, i) =>
      buildColumn(column, type, leading[i] ?? rows.map((row) => row[i - leading.length])),
    );
    const data = makeData({ type: new Struct<TypeMap>(this.#schema.fields), length: rows.length, nullCount: 0, children });
    this.#writer.write(new RecordBatch(this.#schema, data));
    return this.#sink.take();
  }

  end(): Uint8Array {
    this.#writer.finish();
    return this.#sink.take();
  }
}

/** Keeps what the library's writer writes until it is taken; its own queue only hands it out asynchronously. */
export class ChunkCollector extends AsyncByteQueue {
  readonly #chunks: Uint8Array[] = [];

  override write(chunk: ArrayBufferLike | ArrayBufferView | Uint8Array): void {
    const bytes = ArrayBuffer.isView(chunk) ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength) : new Uint8Array(chunk);
    this.#chunks.push(bytes);
  }

  take(): Uint8Array {
    return Buffer.concat(this.#chunks.splice(0));
  }
}
