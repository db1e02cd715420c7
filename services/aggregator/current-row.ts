// What a reader keeps of a row of its dataset (S17): the value under a ROW key (state-keys.ts).
//
//   | version u8 = 1 or 2 | flags u8 | change time f64 | event time f64 | append time f64 | order offset f64 |
//   | version 2: checksum i32 | row, unless deleted |
//     flags = 1 deleted, 2 historical
//
// Little-endian; the row as row-codec.ts has it, with nulls for what the reader does not decode. The checksum is of all of its fields.

import { ByteReader } from '../../libs/codec/byte-reader.js';
import { ByteWriter } from '../../libs/codec/byte-writer.js';
import type { RowCodec } from '../../libs/codec/row-codec.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Row } from '../../libs/schema/value-type.js';

/** The newest version of a row, or the mark that it was deleted. */
export interface CurrentRow {
  /** It is what the row is from then on. */
  readonly changeTimeUs: number;
  readonly eventTimeUs: number;
  readonly appendTimeUs: number;
  readonly historical: boolean;
  /** Its place in this partition of the dataset's topic. */
  readonly orderOffset: number;
  /** Of all fields of the row (dataset-record.ts); 0 for a deleted one, and undefined for one that a release before has written. */
  readonly checksum: number | undefined;
  /** Undefined for one that was deleted. */
  readonly row: Row | undefined;
}

const VERSION_WITHOUT_CHECKSUM = 1;
const FORMAT_VERSION = 2;
const DELETED = 1;
const HISTORICAL = 2;

// One buffer for all: rows are encoded in one go, and copied when they are whole.
const into = new ByteWriter();

/** Each row's bytes, in order: views of one copy, since some thousand buffers a tick would be the garbage collector's to visit. */
export function encodeCurrentRows(rows: readonly CurrentRow[], codec: RowCodec): Uint8Array[] {
  into.clear();
  const ends = rows.map((row) => {
    writeRow(row, codec);
    return into.length;
  });
  const bytes = into.copy();
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function writeRow(current: CurrentRow, rows: RowCodec): void {
  into.u8(current.checksum === undefined ? VERSION_WITHOUT_CHECKSUM : FORMAT_VERSION);
  into.u8((current.row === undefined ? DELETED : 0) | (current.historical ? HISTORICAL : 0));
  into.f64(current.changeTimeUs);
  into.f64(current.eventTimeUs);
  into.f64(current.appendTimeUs);
  into.f64(current.orderOffset);
  if (current.checksum !== undefined) into.i32(current.checksum);
  if (current.row !== undefined) rows.encode(current.row, into);
}

export function decodeCurrentRow(bytes: Uint8Array, rows: RowCodec): CurrentRow {
  const from = new ByteReader(bytes, 0);
  const version = from.u8();
  if (version > FORMAT_VERSION) {
    throw new ThymeError(
      'THYME_FORMAT_NEWER',
      'FAILED_PRECONDITION',
      `a current row has format ${version}, and this process knows formats up to ${FORMAT_VERSION}: upgrade it`,
    );
  }
  const flags = from.u8();
  return {
    changeTimeUs: from.f64(),
    eventTimeUs: from.f64(),
    appendTimeUs: from.f64(),
    orderOffset: from.f64(),
    checksum: version === VERSION_WITHOUT_CHECKSUM ? undefined : from.i32(),
    historical: (flags & HISTORICAL) !== 0,
    row: (flags & DELETED) === 0 ? rows.read(from) : undefined,
  };
}
