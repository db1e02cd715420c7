// The bytes of a change batch: the payload of `ChangeBatch`, and, cut in pieces, of the changelog.
//
//   | version u8 = 1 | epoch f64 | seq f64 | prev seq f64 | change ... | 0 | commit record | crc32 |
//   change = | kind u8 | ... |     1 rows, 2 seen, 3 lane, 4 revision, 5 ready, 6 trimmed
//   rows   = | timeline varint | group key bytes | count varint | columns varint | row ... |
//   row    = | event time f64 | order source varint | order offset f64 | known f64 | column ... |
//   column = | 0 |   | 1 | f64 |   | 2 | bytes |
//
// Little-endian, as libs/codec writes. The commit record is drawn in commit-codec.ts. The crc covers
// everything before it. Kinds are never reused; one that is not known stops the reader (C3).

import { crc32 } from 'node:zlib';
import { ByteReader } from '../codec/byte-reader.js';
import { ByteWriter, corruptBytes } from '../codec/byte-writer.js';
import { ThymeError } from '../errors/errors.js';
import type { TimelineRow } from '../timeline/timeline.js';
import { decodeRevision, encodeRevision } from '../wire/revisions.js';
import type { Change, CommitRecord } from './change.js';
import { readCommit, writeCommit } from './commit-codec.js';

/** A batch in the form that the log, the stream and the ring of recent batches hold. */
export interface EncodedBatch {
  readonly epoch: number;
  readonly seq: number;
  readonly prevSeq: number;
  readonly bytes: Uint8Array;
}

export interface DecodedBatch {
  readonly changes: readonly Change[];
  readonly commit: CommitRecord;
  /** Of the whole batch: two batches of one seq with different ones are a fatal disagreement. */
  readonly crc: number;
}

const FORMAT_VERSION = 1;
const HEADER_LENGTH = 25;
const CRC_LENGTH = 4;
const KIND = { end: 0, rows: 1, seen: 2, lane: 3, revision: 4, ready: 5, trimmed: 6 } as const;
const VALUE = { none: 0, number: 1, bytes: 2 } as const;

// One buffer for all: a batch is encoded in one go, and copied when it is whole.
const writer = new ByteWriter();

export function encodeBatch(changes: readonly Change[], commit: CommitRecord): EncodedBatch {
  writer.clear();
  writer.u8(FORMAT_VERSION);
  writer.f64(commit.epoch);
  writer.f64(commit.seq);
  writer.f64(commit.prevSeq);
  for (const change of changes) writeChange(change);
  writer.u8(KIND.end);
  writeCommit(commit, writer);
  const body = writer.copy();
  const bytes = Buffer.allocUnsafeSlow(body.length + CRC_LENGTH);
  bytes.set(body);
  bytes.writeUInt32LE(crc32(body), body.length);
  return { epoch: commit.epoch, seq: commit.seq, prevSeq: commit.prevSeq, bytes };
}

/** What the bytes say of themselves; INTERNAL with THYME_CORRUPT if their crc is wrong. */
export function checkBatch(bytes: Uint8Array): EncodedBatch {
  const buffer = asBuffer(bytes);
  checkVersion(buffer[0] ?? 0);
  if (buffer.length < HEADER_LENGTH + CRC_LENGTH || crcOf(buffer) !== crc32(buffer.subarray(0, buffer.length - CRC_LENGTH))) throw corruptBytes('a change batch');
  return { epoch: buffer.readDoubleLE(1), seq: buffer.readDoubleLE(9), prevSeq: buffer.readDoubleLE(17), bytes };
}

export function decodeBatch(bytes: Uint8Array): DecodedBatch {
  const { epoch, seq, prevSeq } = checkBatch(bytes);
  const from = new ByteReader(bytes, HEADER_LENGTH);
  const changes: Change[] = [];
  for (let kind = from.u8(); kind !== KIND.end; kind = from.u8()) changes.push(readChange(kind, from));
  const commit = readCommit(from);
  if (commit.epoch !== epoch || commit.seq !== seq || commit.prevSeq !== prevSeq) throw corruptBytes('a change batch');
  return { changes, commit, crc: crcOf(asBuffer(bytes)) };
}

/** The crc that the batch carries. */
export function crcOf(bytes: Uint8Array): number {
  return asBuffer(bytes).readUInt32LE(bytes.length - CRC_LENGTH);
}

function writeChange(change: Change): void {
  writer.u8(KIND[change.kind]);
  switch (change.kind) {
    case 'rows':
      writeRows(change.timelineId, change.groupKey, change.rows);
      return;
    case 'seen':
      writer.varint(change.readerId);
      writer.varint(change.partition);
      writer.text(change.producerId);
      writer.f64(change.highest);
      writer.bytes(change.bitmap);
      return;
    case 'lane':
      writer.varint(change.readerId);
      writer.varint(change.partition);
      writer.text(change.lane);
      writer.f64(change.watermarkUs);
      return;
    case 'revision':
      writer.bytes(encodeRevision(change.revision));
      return;
    case 'ready':
      writer.varint(change.timelineId);
      return;
    case 'trimmed':
      writer.varint(change.timelineId);
      writer.f64(change.horizonUs);
      return;
  }
}

function writeRows(timelineId: number, groupKey: Uint8Array, rows: readonly TimelineRow[]): void {
  writer.varint(timelineId);
  writer.bytes(groupKey);
  writer.varint(rows.length);
  writer.varint(rows[0]?.values.length ?? 0);
  // By index: iterators would be an eighth of all that a tick allocates.
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row !== undefined) writeRow(row);
  }
}

function writeRow(row: TimelineRow): void {
  writer.f64(row.eventTimeUs);
  writer.varint(row.orderSource);
  writer.f64(row.orderOffset);
  writer.f64(row.knownUs);
  for (let i = 0; i < row.values.length; i++) writeValue(row.values[i] ?? null);
}

function writeValue(value: number | Uint8Array | null): void {
  if (value === null) {
    writer.u8(VALUE.none);
  } else if (typeof value === 'number') {
    writer.u8(VALUE.number);
    writer.f64(value);
  } else {
    writer.u8(VALUE.bytes);
    writer.bytes(value);
  }
}

function readChange(kind: number, from: ByteReader): Change {
  switch (kind) {
    case KIND.rows:
      return readRows(from);
    case KIND.seen:
      return { kind: 'seen', readerId: from.varint(), partition: from.varint(), producerId: from.text(), highest: from.f64(), bitmap: from.bytes() };
    case KIND.lane:
      return { kind: 'lane', readerId: from.varint(), partition: from.varint(), lane: from.text(), watermarkUs: from.f64() };
    case KIND.revision:
      return { kind: 'revision', revision: decodeRevision(from.bytes()) };
    case KIND.ready:
      return { kind: 'ready', timelineId: from.varint() };
    case KIND.trimmed:
      return { kind: 'trimmed', timelineId: from.varint(), horizonUs: from.f64() };
    default:
      throw unknownChange(kind);
  }
}

function readRows(from: ByteReader): Change {
  const timelineId = from.varint();
  const groupKey = from.bytes();
  const count = from.varint();
  const columns = from.varint();
  const rows: TimelineRow[] = [];
  for (let i = 0; i < count; i++) {
    const eventTimeUs = from.f64();
    const orderSource = from.varint();
    const orderOffset = from.f64();
    const knownUs = from.f64();
    const values: (number | Uint8Array | null)[] = [];
    for (let column = 0; column < columns; column++) values.push(readValue(from));
    rows.push({ eventTimeUs, orderSource, orderOffset, knownUs, values });
  }
  return { kind: 'rows', timelineId, groupKey, rows };
}

function readValue(from: ByteReader): number | Uint8Array | null {
  switch (from.u8()) {
    case VALUE.none:
      return null;
    case VALUE.number:
      return from.f64();
    case VALUE.bytes:
      return from.bytes();
    default:
      throw corruptBytes('a column');
  }
}

function checkVersion(version: number): void {
  if (version <= FORMAT_VERSION) return;
  throw new ThymeError('THYME_FORMAT_NEWER', 'FAILED_PRECONDITION',
    `a change batch has format ${version}, and this process knows formats up to ${FORMAT_VERSION}: upgrade it`);
}

function unknownChange(kind: number): ThymeError {
  return new ThymeError('THYME_CHANGE_UNKNOWN', 'FAILED_PRECONDITION',
    `a change of kind ${kind} is not known to this process, and nothing is skipped (C3): upgrade it`);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
