// The value of a record in a dataset topic. Its key is the entity's key (entity-key.ts).
//
//   | version u8 = 1 | flags u8 | event time f64 | append time f64 | lane | producer, if flagged | row |
//     lane     = | length u8 | UTF-8 |
//     producer = | length u8 | UTF-8 | sequence f64 |          S13
//     row      = row-codec.ts
//     flags    = 1 historical (S10, S22), 2 has a producer
//
// Times are microseconds (S1). All numbers are little-endian. A version above FORMAT_VERSION is
// refused, never guessed at; a flag that is not listed comes with a new version.

import assert from 'node:assert';
import { invalidArgument, ThymeError } from '../errors/errors.js';
import type { Field, Row } from '../schema/value-type.js';
import { ByteReader, type LastText, readF64 } from './byte-reader.js';
import { ByteWriter, corruptBytes } from './byte-writer.js';
import { compileRowCodec, type RowCodec } from './row-codec.js';

export interface DatasetRecord {
  readonly eventTimeUs: number;
  /** When the log took it in; lateness is judged from it and the event time alone (S10). */
  readonly appendTimeUs: number;
  /** The external partition, shard or file that it came from; all pushes share one (S10). */
  readonly lane: string;
  /** Never late, and known at its event time (S10, S22). */
  readonly historical: boolean;
  /** With `sequence`, or both absent (S13). */
  readonly producerId?: string;
  readonly sequence?: number;
  readonly row: Row;
}

export interface RecordCodec {
  encode(record: DatasetRecord): Uint8Array;
  decode(bytes: Uint8Array): DatasetRecord;
}

/** Kafka refuses messages over 1 MiB (1,048,576 bytes) by default; this leaves room for key and framing. */
export const RECORD_BYTES_MAX = 1_000_000;
export const LANE_BYTES_MAX = 255;
export const PRODUCER_ID_BYTES_MAX = 255;

const FORMAT_VERSION = 1;
const HISTORICAL = 1;
const HAS_PRODUCER = 2;
const EVENT_TIME_AT = 2;
const APPEND_TIME_AT = 10;
const LANE_AT = 18;

/**
 * Not safe to share between threads: each codec has one buffer that it encodes in. `wanted` names the fields that are
 * decoded where not all are needed; the others are null in the row.
 */
export function compileRecordCodec(fields: readonly Field[], wanted?: ReadonlySet<string>): RecordCodec {
  const rows = compileRowCodec(fields, wanted);
  const writer = new ByteWriter();
  const texts: Texts = { lane: { bytes: new Uint8Array(), text: '' }, producerId: { bytes: new Uint8Array(), text: '' } };
  return {
    encode: (record) => encode(record, rows, writer),
    decode: (bytes) => decode(bytes, rows, texts),
  };
}

/** Of the record before: most have the same. */
interface Texts {
  readonly lane: LastText;
  readonly producerId: LastText;
}

/** The two times of a record without decoding the rest: all that a reader needs to merge inputs by time. */
export function peekTimes(bytes: Uint8Array): { readonly eventTimeUs: number; readonly appendTimeUs: number } {
  checkHeader(bytes);
  return { eventTimeUs: readF64(bytes, EVENT_TIME_AT), appendTimeUs: readF64(bytes, APPEND_TIME_AT) };
}

function encode(record: DatasetRecord, rows: RowCodec, writer: ByteWriter): Uint8Array {
  const { producerId, sequence } = record;
  assert((producerId === undefined) === (sequence === undefined));
  assert(Number.isSafeInteger(record.eventTimeUs) && Number.isSafeInteger(record.appendTimeUs));
  writer.clear();
  writer.u8(FORMAT_VERSION);
  writer.u8((record.historical ? HISTORICAL : 0) | (producerId === undefined ? 0 : HAS_PRODUCER));
  writer.f64(record.eventTimeUs);
  writer.f64(record.appendTimeUs);
  writeShortText(writer, record.lane, 'lane', LANE_BYTES_MAX);
  if (producerId !== undefined && sequence !== undefined) {
    writeShortText(writer, producerId, 'producer_id', PRODUCER_ID_BYTES_MAX);
    assert(Number.isSafeInteger(sequence));
    writer.f64(sequence);
  }
  rows.encode(record.row, writer);
  if (writer.length > RECORD_BYTES_MAX) {
    throw invalidArgument('record', `${writer.length} bytes are over the limit of ${RECORD_BYTES_MAX}: send smaller fields`);
  }
  return writer.copy();
}

function decode(bytes: Uint8Array, rows: RowCodec, texts: Texts): DatasetRecord {
  const flags = checkHeader(bytes);
  const from = new ByteReader(bytes, EVENT_TIME_AT);
  const eventTimeUs = from.f64();
  const appendTimeUs = from.f64();
  const lane = from.shortText(texts.lane);
  const historical = (flags & HISTORICAL) !== 0;
  if ((flags & HAS_PRODUCER) === 0) return { eventTimeUs, appendTimeUs, lane, historical, row: rows.read(from) };
  const producerId = from.shortText(texts.producerId);
  const sequence = from.f64();
  return { eventTimeUs, appendTimeUs, lane, historical, producerId, sequence, row: rows.read(from) };
}

/** Checks that the fixed part is there and of a known format; gives the flags. */
function checkHeader(bytes: Uint8Array): number {
  const version = bytes[0] ?? 0;
  const flags = bytes[1] ?? 0;
  if (version > FORMAT_VERSION || flags > (HISTORICAL | HAS_PRODUCER)) {
    throw new ThymeError('THYME_FORMAT_NEWER', 'FAILED_PRECONDITION',
      `a dataset record has format ${version} with flags ${flags}, and this process knows formats up to ${FORMAT_VERSION}: upgrade it`);
  }
  if (version < 1 || bytes.length <= LANE_AT) throw corruptBytes('a dataset record');
  return flags;
}

function writeShortText(writer: ByteWriter, text: string, name: string, bytesMax: number): void {
  const length = Buffer.byteLength(text);
  if (length > bytesMax) throw invalidArgument(name, `${length} bytes are over the limit of ${bytesMax}: shorten it`);
  writer.shortText(text, length);
}
