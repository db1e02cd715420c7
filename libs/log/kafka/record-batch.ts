import assert from 'node:assert';
import { gunzipSync } from 'node:zlib';
import { ThymeError } from '../../errors/errors.js';
import { crc32c } from '../../codec/crc32c.js';
import type { NewRecord } from '../log.js';
import { fetchedCorrupt } from '../log-errors.js';
import { type Span, StoredRecord } from '../stored-record.js';

/**
 * Kafka's record batch, version 2: what one produce request gives one partition, and what a fetch brings back.
 *
 *   | base offset i64 | length u32 of what follows | leader epoch i32 | magic u8 = 2 | crc-32c u32 of what follows |
 *   | attributes u16 | last offset delta i32 | first, max timestamp i64 | producer id i64, epoch i16 | base sequence i32 |
 *   | count i32 | count x record |
 *   record = | length | attributes u8 | timestamp delta | offset delta | key length | key | value length | value | header count |
 *
 * Integers of the head are big-endian; those of a record are zigzag varints, a length of -1 is null. A record without bytes in its
 * value has null there: that is Kafka's tombstone, which consumers of published topics know (S26).
 */
export interface RecordBatchHead {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly producerId: number;
  readonly transactional: boolean;
  readonly control: boolean;
}

export interface FetchedBatch extends RecordBatchHead {
  /** From its magic byte on; records are decoded when they are wanted. */
  readonly bytes: Buffer;
  readonly count: number;
  readonly compression: number;
}

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface NewBatchOptions extends ProducerIdentity {
  readonly baseSequence: number;
  readonly transactional: boolean;
  readonly timestampMs: number;
}

const HEAD_LENGTH = 61;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const MAGIC = 2;
const COMPRESSION_MASK = 0x07;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const GZIP = 1;
/** The length -1, zigzag. */
const NULL_LENGTH = 1;
/** At most, for a record: three lengths of five bytes, an offset delta of five, attributes, timestamp, headers. */
export const RECORD_OVERHEAD_BYTES_MAX = 24;

export function encodeRecordBatch(records: readonly NewRecord[], options: NewBatchOptions): Buffer {
  assert(records.length > 0);
  let bound = HEAD_LENGTH;
  for (const { key, value } of records) bound += RECORD_OVERHEAD_BYTES_MAX + key.length + value.length;
  const bytes = Buffer.allocUnsafe(bound);
  let at = HEAD_LENGTH;
  for (let delta = 0; delta < records.length; delta++) {
    const record = records[delta];
    if (record !== undefined) at = writeRecord(bytes, at, delta, record);
  }
  const batch = bytes.subarray(0, at);
  writeHead(batch, records.length, options);
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT);
  return batch;
}

function writeHead(
  batch: Buffer,
  count: number,
  { producerId, producerEpoch, baseSequence, transactional, timestampMs }: NewBatchOptions,
): void {
  batch.writeBigInt64BE(0n, 0); // the broker gives the offsets
  batch.writeUInt32BE(batch.length - LENGTH_AT - 4, LENGTH_AT);
  batch.writeInt32BE(-1, 12);
  batch.writeUInt8(MAGIC, MAGIC_AT);
  let at = batch.writeUInt16BE(transactional ? TRANSACTIONAL : 0, ATTRIBUTES_AT);
  at = batch.writeInt32BE(count - 1, at);
  at = batch.writeBigInt64BE(BigInt(timestampMs), at);
  at = batch.writeBigInt64BE(BigInt(timestampMs), at);
  at = batch.writeBigInt64BE(BigInt(producerId), at);
  at = batch.writeInt16BE(producerEpoch, at);
  at = batch.writeInt32BE(baseSequence, at);
  batch.writeInt32BE(count, at);
}

function writeRecord(bytes: Buffer, start: number, delta: number, { key, value }: NewRecord): number {
  const length = 2 + varintLength(delta) + varintLength(key.length) + key.length + varintLength(value.length) + value.length + 1;
  let at = writeVarint(bytes, start, length);
  bytes[at++] = 0; // attributes
  bytes[at++] = 0; // timestamp delta
  at = writeVarint(bytes, at, delta);
  at = writeVarint(bytes, at, key.length);
  bytes.set(key, at);
  at += key.length;
  if (value.length === 0) bytes[at++] = NULL_LENGTH;
  else at = writeVarint(bytes, at, value.length);
  bytes.set(value, at);
  at += value.length;
  bytes[at++] = 0; // headers
  return at;
}

/** The whole batches of a fetch; the last may be cut off, and is then left out. INTERNAL where a checksum is wrong. */
export function openRecordBatches(set: Buffer): FetchedBatch[] {
  const batches: FetchedBatch[] = [];
  for (let at = 0; at + HEAD_LENGTH <= set.length;) {
    const end = at + LENGTH_AT + 4 + set.readUInt32BE(at + LENGTH_AT);
    if (end > set.length) break;
    batches.push(openRecordBatch(set.subarray(at, end)));
    at = end;
  }
  return batches;
}

function openRecordBatch(bytes: Buffer): FetchedBatch {
  const baseOffset = Number(bytes.readBigInt64BE(0));
  const magic = bytes.readUInt8(MAGIC_AT);
  if (magic !== MAGIC) throw fetchedCorrupt(`the batch at offset ${baseOffset} has format ${magic}: nothing that Thyme writes`);
  if (bytes.readUInt32BE(CRC_AT) !== crc32c(bytes.subarray(ATTRIBUTES_AT)))
    throw fetchedCorrupt(`the batch at offset ${baseOffset} has a wrong checksum`);
  const attributes = bytes.readUInt16BE(ATTRIBUTES_AT);
  return {
    baseOffset,
    bytes,
    lastOffset: baseOffset + bytes.readInt32BE(23),
    producerId: Number(bytes.readBigInt64BE(43)),
    count: bytes.readInt32BE(57),
    compression: attributes & COMPRESSION_MASK,
    transactional: (attributes & TRANSACTIONAL) !== 0,
    control: (attributes & CONTROL) !== 0,
  };
}

/** The batch with its records as they are; INTERNAL or FAILED_PRECONDITION where they cannot be read. */
export function inflated(batch: FetchedBatch): FetchedBatch {
  if (batch.compression === 0) return batch;
  return { ...batch, compression: 0, bytes: Buffer.concat([batch.bytes.subarray(0, HEAD_LENGTH), bodyOf(batch)]) };
}

/** Records of the batch from the offset on, so many at most, as views into it. */
export function recordsOf(batch: FetchedBatch, fromOffset: number, recordsMax = Number.POSITIVE_INFINITY): StoredRecord[] {
  const body = bodyOf(batch);
  const records: StoredRecord[] = [];
  const cursor = { at: 0 };
  for (let n = 0; n < batch.count && records.length < recordsMax; n++) {
    const end = readVarint(body, cursor) + cursor.at;
    cursor.at++; // attributes
    skipVarint(body, cursor); // timestamp delta, which may be longer than a number's bits
    const offset = batch.baseOffset + readVarint(body, cursor);
    if (offset >= fromOffset) records.push(new StoredRecord(offset, body, readSpan(body, cursor), readSpan(body, cursor)));
    cursor.at = end;
  }
  return records;
}

/** The key of a control batch's one record says how the transaction ended: | version i16 | type i16, 0 for an abort |. */
export function isAbortMarker(batch: FetchedBatch): boolean {
  if (!batch.control) return false;
  const [marker] = recordsOf(batch, batch.baseOffset);
  return marker !== undefined && marker.key.length >= 4 && marker.key[2] === 0 && marker.key[3] === 0;
}

function bodyOf({ bytes, compression, baseOffset }: FetchedBatch): Buffer {
  const body = bytes.subarray(HEAD_LENGTH);
  if (compression === 0) return body;
  if (compression === GZIP) return gunzipSync(body);
  throw new ThymeError(
    'THYME_TOPIC_CONFIG',
    'FAILED_PRECONDITION',
    `the batch at offset ${baseOffset} is compressed with codec ${compression}, which the log does not write: set compression.type=producer`,
  );
}

function readSpan(body: Buffer, cursor: { at: number }): Span {
  const length = Math.max(0, readVarint(body, cursor)); // null is as good as empty
  const { at } = cursor;
  cursor.at += length;
  return { at, length };
}

function readVarint(body: Buffer, cursor: { at: number }): number {
  let raw = 0;
  for (let shift = 0; ; shift += 7) {
    const next = body[cursor.at++] ?? 0;
    raw |= (next & 0x7f) << shift;
    if (next < 0x80) return (raw >>> 1) ^ -(raw & 1);
  }
}

function skipVarint(body: Buffer, cursor: { at: number }): void {
  while ((body[cursor.at++] ?? 0) >= 0x80);
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value * 2; // zigzag of what is not negative
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes[at++] = (rest & 0x7f) | 0x80;
  bytes[at++] = rest;
  return at;
}

function varintLength(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x10_0000 ? 3 : value < 0x800_0000 ? 4 : 5;
}
