// The value of a record in a dataset topic. Its key is the entity's key (entity-key.ts).
//
//   | version u8 = 1 or 2 | flags u8 | event time f64 | append time f64 | lane | producer, if flagged | change time, if flagged | row |
//     lane     = | length u8 | UTF-8 |
//     producer = | length u8 | UTF-8 | sequence f64 |          S13
//     row      = row-codec.ts
//     flags    = 1 historical (S10, S22), 2 has a producer; version 2: 4 the row was deleted, 8 has a change time f64
//
// Version 2 is a change of a row (S17), and of datasets of these alone. Of a deleted row the fields that do not name it may be null.
// Version 3 is no record: erasure-record.ts draws it (S26).
// Times are microseconds (S1). All numbers are little-endian. A version above FORMAT_VERSION is
// refused, never guessed at; a flag that is not listed comes with a new version.

import assert from 'node:assert';
import { invalidArgument, ThymeError } from '../errors/errors.js';
import type { Field, Row } from '../schema/value-type.js';
import { crc32c } from './crc32c.js';
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
  /** What it does to the row that it names (S17); absent for an event. */
  readonly change?: RecordChange;
  readonly row: Row;
}

export interface RecordChange {
  readonly deleted: boolean;
  /** When its source changed it; absent: when the log took it in. */
  readonly timeUs?: number;
}

/** The change time as the record alone has it: said by its source, or when the log took it in; of history its event time (S22). */
export function statedChangeTimeUs({ change, historical, eventTimeUs, appendTimeUs }: DatasetRecord): number {
  return change?.timeUs ?? (historical ? eventTimeUs : appendTimeUs);
}

export interface RecordCodec {
  encode(record: DatasetRecord): Uint8Array;
  decode(bytes: Uint8Array): DatasetRecord;
}

/** Kafka refuses messages over 1 MiB (1,048,576 bytes) by default; this leaves room for key and framing. */
export const RECORD_BYTES_MAX = 1_000_000;
export const LANE_BYTES_MAX = 255;
/** A reader keeps the id of each producer beside its sequences (S13). */
export const PRODUCER_ID_BYTES_MAX = 128;
/** The lane that all pushes share (S10); every other one is a source's partition, shard or file. */
export const PUSH_LANE = 'push';

const VERSION_OF_EVENTS = 1;
const FORMAT_VERSION = 2;
const HISTORICAL = 1;
const HAS_PRODUCER = 2;
const DELETED = 4;
const HAS_CHANGE_TIME = 8;
const EVENT_TIME_AT = 2;
const APPEND_TIME_AT = 10;
const LANE_AT = 18;
const F64_LENGTH = 8;

/**
 * Not safe to share between threads: each codec has one buffer that it encodes in. `wanted` names the fields that are
 * decoded where not all are needed; the others are null in the row.
 */
export function compileRecordCodec(fields: readonly Field[], wanted?: ReadonlySet<string>): RecordCodec {
  const rows = compileRowCodec(fields, wanted);
  const writer = new ByteWriter();
  const texts: Texts = { lane: { bytes: new Uint8Array(), text: '' }, producerId: { bytes: new Uint8Array(), text: '' } };
  return { encode: (record) => encode(record, rows, writer), decode: (bytes) => decode(bytes, rows, texts) };
}

/** The texts of the record before: most have the same. */
interface Texts {
  readonly lane: LastText;
  readonly producerId: LastText;
}

/** The two times of a record without decoding the rest: all that a reader needs to merge inputs by time. */
export function peekTimes(bytes: Uint8Array): { readonly eventTimeUs: number; readonly appendTimeUs: number } {
  checkHeader(bytes);
  return { eventTimeUs: readF64(bytes, EVENT_TIME_AT), appendTimeUs: readF64(bytes, APPEND_TIME_AT) };
}

/**
 * A checksum of what a change makes of its row, of all of its fields, however few of them a reader decodes: two changes with different ones
 * are no repeats of one another (S17).
 */
export function checksumOfRow(bytes: Uint8Array): number {
  let at = LANE_AT + 1 + (bytes[LANE_AT] ?? 0);
  const flags = checkHeader(bytes);
  if ((flags & HAS_PRODUCER) !== 0) at += 1 + (bytes[at] ?? 0) + F64_LENGTH;
  if ((flags & HAS_CHANGE_TIME) !== 0) at += F64_LENGTH;
  return crc32c(bytes.subarray(at)) | 0;
}

/** What tells a retry of a record (S13), without decoding the rest; nothing for one without a producer. */
export function peekProducer(bytes: Uint8Array): Pick<DatasetRecord, 'producerId' | 'sequence'> {
  if ((checkHeader(bytes) & HAS_PRODUCER) === 0) return {};
  const from = new ByteReader(bytes, LANE_AT);
  const text = { bytes: new Uint8Array(), text: '' };
  from.shortText(text);
  return { producerId: from.shortText({ bytes: new Uint8Array(), text: '' }), sequence: from.f64() };
}

function encode(record: DatasetRecord, rows: RowCodec, writer: ByteWriter): Uint8Array {
  const { producerId, sequence } = record;
  assert((producerId === undefined) === (sequence === undefined));
  assert(Number.isSafeInteger(record.eventTimeUs) && Number.isSafeInteger(record.appendTimeUs));
  writer.clear();
  writer.u8(record.change === undefined ? VERSION_OF_EVENTS : FORMAT_VERSION);
  writer.u8((record.historical ? HISTORICAL : 0) | (producerId === undefined ? 0 : HAS_PRODUCER) | flagsOf(record.change));
  writer.f64(record.eventTimeUs);
  writer.f64(record.appendTimeUs);
  writeShortText(writer, record.lane, 'lane', LANE_BYTES_MAX);
  if (producerId !== undefined && sequence !== undefined) {
    writeShortText(writer, producerId, 'producer_id', PRODUCER_ID_BYTES_MAX);
    assert(Number.isSafeInteger(sequence));
    writer.f64(sequence);
  }
  if (record.change?.timeUs !== undefined) {
    assert(Number.isSafeInteger(record.change.timeUs));
    writer.f64(record.change.timeUs);
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
  if (bytes[0] === FORMAT_VERSION) return decodeChange(from, flags, { eventTimeUs, appendTimeUs, lane, historical }, { rows, texts });
  if ((flags & HAS_PRODUCER) === 0) return { eventTimeUs, appendTimeUs, lane, historical, row: rows.read(from) };
  const producerId = from.shortText(texts.producerId);
  const sequence = from.f64();
  return { eventTimeUs, appendTimeUs, lane, historical, producerId, sequence, row: rows.read(from) };
}

function flagsOf(change: RecordChange | undefined): number {
  return change === undefined ? 0 : (change.deleted ? DELETED : 0) | (change.timeUs === undefined ? 0 : HAS_CHANGE_TIME);
}

function decodeChange(
  from: ByteReader,
  flags: number,
  fixed: Pick<DatasetRecord, 'eventTimeUs' | 'appendTimeUs' | 'lane' | 'historical'>,
  { rows, texts }: { readonly rows: RowCodec; readonly texts: Texts },
): DatasetRecord {
  // Spelled out: to spread objects together cost more than to read all the rest.
  const { eventTimeUs, appendTimeUs, lane, historical } = fixed;
  if ((flags & HAS_PRODUCER) === 0) {
    const change = readChange(from, flags);
    return { eventTimeUs, appendTimeUs, lane, historical, change, row: rows.read(from) };
  }
  const producerId = from.shortText(texts.producerId);
  const sequence = from.f64();
  const change = readChange(from, flags);
  return { eventTimeUs, appendTimeUs, lane, historical, producerId, sequence, change, row: rows.read(from) };
}

function readChange(from: ByteReader, flags: number): RecordChange {
  const deleted = (flags & DELETED) !== 0;
  return (flags & HAS_CHANGE_TIME) === 0 ? { deleted } : { deleted, timeUs: from.f64() };
}

/** Checks that the fixed part is there and of a known format; gives the flags. */
function checkHeader(bytes: Uint8Array): number {
  const version = bytes[0] ?? 0;
  const flags = bytes[1] ?? 0;
  const known = HISTORICAL | HAS_PRODUCER | (version === FORMAT_VERSION ? DELETED | HAS_CHANGE_TIME : 0);
  if (version > FORMAT_VERSION || flags > known) {
    throw new ThymeError(
      'THYME_FORMAT_NEWER',
      'FAILED_PRECONDITION',
      `a dataset record has format ${version} with flags ${flags}, and this process knows formats up to ${FORMAT_VERSION}: upgrade it`,
      [],
      { disposition: 'stop' },
    );
  }
  if (version < 1 || bytes.length <= LANE_AT) throw corruptBytes('a dataset record');
  return flags;
}

function writeShortText(writer: ByteWriter, text: string, name: string, bytesMax: number): void {
  const length = Buffer.byteLength(text);
  if (length > bytesMax) throw invalidArgument(name, `${length} bytes are over the limit of ${bytesMax}: shorten it`);
  writer.shortText(text, length);
}
