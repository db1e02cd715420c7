// The bytes of a change batch: the payload of `ChangeBatch`, and, cut in pieces, of the changelog.
//
//   | version u8 = 1, 2 or 3 | epoch f64 | seq f64 | prev seq f64 | change ... | 0 | commit record | crc32 |
//   change = | kind u8 | ... |     1 rows, 2 seen, 3 lane, 4 revision, 5 ready, 6 trimmed; version 2: 7 begun, 8 ended, 9 current;
//                              version 3: 10 erased, 11 forgotten, 12 erased of, 13 forgotten of
//   rows   = | timeline varint | group key bytes | count varint | columns varint | row ... |
//   row    = | event time f64 | order source varint | order offset f64 | known f64 | column ... |
//   column = | 0 |   | 1 | f64 |   | 2 | bytes |
//   begun  = rows, each with its start f64 behind the columns; -Infinity where it has none
//   ended  = | timeline varint | group key bytes | count varint | end ... |
//   end    = | event time f64 | order source varint | order offset f64 | end f64 | end known f64 |
//   current = | reader varint | row key bytes | value bytes |
//   erased = | timeline varint | group key bytes | order source varint | from offset f64 | before offset f64 |
//   forgotten = | reader varint | row key bytes |
//   erased of, forgotten of = the same with | slot varint | hash bytes | for the key
//
// Version 2 is written only where rows begin or end (S17), version 3 where something is erased (S26): until then, processes that know
// the versions before alone can follow.
//
// Little-endian, as libs/codec writes. The commit record is drawn in commit-codec.ts. The crc covers
// everything before it. Kinds are never reused; one that is not known stops the reader (C3).

import { crc32 } from 'node:zlib';
import { ByteReader } from '../codec/byte-reader.js';
import { ByteWriter, corruptBytes } from '../codec/byte-writer.js';
import { ThymeError } from '../errors/errors.js';
import type { ErasedRange } from '../timeline/erase-rows.js';
import type { RowEnd, TimelineRow } from '../timeline/timeline.js';
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
  /** The CRC of the whole batch: two batches of one seq with different ones are a fatal disagreement. */
  readonly crc: number;
}

/** What those know that take nothing back. */
const VERSION_OF_EVENTS = 1;
const VERSION_OF_ENDS = 2;
const FORMAT_VERSION = 3;
const HEADER_LENGTH = 25;
const CRC_LENGTH = 4;
const KIND = {
  end: 0,
  rows: 1,
  seen: 2,
  lane: 3,
  revision: 4,
  ready: 5,
  trimmed: 6,
  begun: 7,
  ended: 8,
  current: 9,
  erased: 10,
  forgotten: 11,
  erasedOf: 12,
  forgottenOf: 13,
} as const;
const ERASING: ReadonlySet<Change['kind']> = new Set(['erased', 'forgotten', 'erasedOf', 'forgottenOf']);
const VALUE = { none: 0, number: 1, bytes: 2 } as const;

// One buffer for all: a batch is encoded in one go, and copied when it is whole.
const writer = new ByteWriter();

export function encodeBatch(changes: readonly Change[], commit: CommitRecord): EncodedBatch {
  writer.clear();
  writer.u8(versionOf(changes));
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
  if (buffer.length < HEADER_LENGTH + CRC_LENGTH || crcOf(buffer) !== crc32(buffer.subarray(0, buffer.length - CRC_LENGTH)))
    throw corruptBytes('a change batch');
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

function versionOf(changes: readonly Change[]): number {
  if (changes.every(isOfEvents)) return VERSION_OF_EVENTS;
  return changes.some(({ kind }) => ERASING.has(kind)) ? FORMAT_VERSION : VERSION_OF_ENDS;
}

function isOfEvents(change: Change): boolean {
  const { kind } = change;
  if (kind === 'rows') return !hasStart(change.rows);
  return kind !== 'ended' && kind !== 'current' && !ERASING.has(kind);
}

function hasStart(rows: readonly TimelineRow[]): boolean {
  for (let i = 0; i < rows.length; i++) if (rows[i]?.startUs !== undefined) return true;
  return false;
}

function writeChange(change: Change): void {
  writer.u8(change.kind === 'rows' && hasStart(change.rows) ? KIND.begun : KIND[change.kind]);
  switch (change.kind) {
    case 'rows':
      writeRows(change.timelineId, change.groupKey, change.rows);
      return;
    case 'ended':
      writeEnds(change.timelineId, change.groupKey, change.ends);
      return;
    case 'current':
      writer.varint(change.readerId);
      writer.bytes(change.rowKey);
      writer.bytes(change.value);
      return;
    case 'erased':
      writer.varint(change.timelineId);
      writer.bytes(change.groupKey);
      writeRange(change);
      return;
    case 'erasedOf':
      writer.varint(change.timelineId);
      writer.varint(change.slot);
      writer.bytes(change.keyHash);
      writeRange(change);
      return;
    case 'forgottenOf':
      writer.varint(change.readerId);
      writer.varint(change.slot);
      writer.bytes(change.keyHash);
      return;
    case 'forgotten':
      writer.varint(change.readerId);
      writer.bytes(change.rowKey);
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
  const begun = hasStart(rows);
  // By index: iterators would be an eighth of all that a tick allocates.
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row === undefined) continue;
    writeRow(row);
    if (begun) writer.f64(row.startUs ?? Number.NEGATIVE_INFINITY);
  }
}

function writeRow(row: TimelineRow): void {
  writer.f64(row.eventTimeUs);
  writer.varint(row.orderSource);
  writer.f64(row.orderOffset);
  writer.f64(row.knownUs);
  for (let i = 0; i < row.values.length; i++) writeValue(row.values[i] ?? null);
}

function writeEnds(timelineId: number, groupKey: Uint8Array, ends: readonly RowEnd[]): void {
  writer.varint(timelineId);
  writer.bytes(groupKey);
  writer.varint(ends.length);
  for (const { eventTimeUs, orderSource, orderOffset, endUs, endKnownUs } of ends) {
    writer.f64(eventTimeUs);
    writer.varint(orderSource);
    writer.f64(orderOffset);
    writer.f64(endUs);
    writer.f64(endKnownUs);
  }
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

function writeRange({ orderSource, fromOffset, beforeOffset }: ErasedRange): void {
  writer.varint(orderSource);
  writer.f64(fromOffset);
  writer.f64(beforeOffset);
}

function readRange(from: ByteReader): ErasedRange {
  return { orderSource: from.varint(), fromOffset: from.f64(), beforeOffset: from.f64() };
}

function readChange(kind: number, from: ByteReader): Change {
  switch (kind) {
    case KIND.rows:
    case KIND.begun:
      return readRows(from, kind === KIND.begun);
    case KIND.ended:
      return readEnds(from);
    case KIND.current:
      return { kind: 'current', readerId: from.varint(), rowKey: from.bytes(), value: from.bytes() };
    case KIND.erased:
      return { kind: 'erased', timelineId: from.varint(), groupKey: from.bytes(), ...readRange(from) };
    case KIND.erasedOf:
      return { kind: 'erasedOf', timelineId: from.varint(), slot: from.varint(), keyHash: from.bytes(), ...readRange(from) };
    case KIND.forgottenOf:
      return { kind: 'forgottenOf', readerId: from.varint(), slot: from.varint(), keyHash: from.bytes() };
    case KIND.forgotten:
      return { kind: 'forgotten', readerId: from.varint(), rowKey: from.bytes() };
    case KIND.seen:
      return {
        kind: 'seen',
        readerId: from.varint(),
        partition: from.varint(),
        producerId: from.text(),
        highest: from.f64(),
        bitmap: from.bytes(),
      };
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

function readRows(from: ByteReader, begun: boolean): Change {
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
    const startUs = begun ? from.f64() : Number.NEGATIVE_INFINITY;
    const row = { eventTimeUs, orderSource, orderOffset, knownUs, values };
    rows.push(startUs === Number.NEGATIVE_INFINITY ? row : { ...row, startUs });
  }
  return { kind: 'rows', timelineId, groupKey, rows };
}

function readEnds(from: ByteReader): Change {
  const timelineId = from.varint();
  const groupKey = from.bytes();
  const ends: RowEnd[] = [];
  for (let left = from.varint(); left > 0; left--) {
    const [eventTimeUs, orderSource, orderOffset] = [from.f64(), from.varint(), from.f64()];
    ends.push({ eventTimeUs, orderSource, orderOffset, endUs: from.f64(), endKnownUs: from.f64() });
  }
  return { kind: 'ended', timelineId, groupKey, ends };
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
  throw new ThymeError(
    'THYME_FORMAT_NEWER',
    'FAILED_PRECONDITION',
    `a change batch has format ${version}, and this process knows formats up to ${FORMAT_VERSION}: upgrade it`,
    [],
    { disposition: 'stop' },
  );
}

function unknownChange(kind: number): ThymeError {
  return new ThymeError(
    'THYME_CHANGE_UNKNOWN',
    'FAILED_PRECONDITION',
    `a change of kind ${kind} is not known to this process, and nothing is skipped (C3): upgrade it`,
    [],
    { disposition: 'stop' },
  );
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
