// The changelog: a partition's batches in the log, each cut in pieces that a message can hold.
//
//   piece = | version u8 = 1 | seq f64 | index varint | count varint | bytes |
//
// All pieces of a batch are of one transaction, so they are all there or none, one after another.

import assert from 'node:assert';
import { ByteReader } from '../codec/byte-reader.js';
import { ByteWriter, corruptBytes } from '../codec/byte-writer.js';
import { dispositionOf, ThymeError } from '../errors/errors.js';
import type { Log, LogRecord, NewRecord, TopicPartition } from '../log/log.js';
import { logCorrupt } from '../log/log-errors.js';
import { checkBatch, type EncodedBatch } from './batch-codec.js';

/** Half of what a Kafka message may have by default. */
const PIECE_BYTES_MAX = 512 * 1_024;
const FORMAT_VERSION = 1;
const READ_LIMITS = { recordsMax: 256, bytesMax: 8 * 1_024 * 1_024 };
const NO_KEY = new Uint8Array();

interface Piece {
  readonly seq: number;
  readonly index: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** The batch as records of the changelog, in order. Of one that is rewritten as many as it had, since they keep their places. */
export function toPieces({ seq, bytes }: EncodedBatch, had?: number): NewRecord[] {
  const count = had ?? Math.max(1, Math.ceil(bytes.length / PIECE_BYTES_MAX));
  return Array.from({ length: count }, (_, index) => {
    const head = new ByteWriter();
    head.u8(FORMAT_VERSION);
    head.f64(seq);
    head.varint(index);
    head.varint(count);
    return { key: NO_KEY, value: Buffer.concat([head.copy(), bytes.subarray(index * PIECE_BYTES_MAX, (index + 1) * PIECE_BYTES_MAX)]) };
  });
}

/**
 * The batches from `fromSeq` on, to the end that is there at the call. OUT_OF_RANGE with
 * THYME_CHANGES_TRIMMED if the first of them is gone: then only a snapshot helps.
 */
export async function* readBatches(log: Log, source: TopicPartition, fromSeq: number): AsyncGenerator<EncodedBatch> {
  const end = await log.endOffset(source);
  let offset = await findSeq(log, source, fromSeq, end);
  let expected = fromSeq;
  const pieces: Piece[] = [];
  while (offset < end) {
    const read = await log.read(source, offset, READ_LIMITS);
    for (const record of read.records) {
      const batch = joined(pieces, record);
      if (batch === undefined) continue;
      if (batch.seq > expected && expected === fromSeq) throw changesTrimmed(fromSeq, batch.seq);
      if (batch.seq < expected) continue; // the writer's own repeat cannot be, but an offset below the first may
      yield batch;
      expected = batch.seq + 1;
    }
    assert(read.nextOffset > offset, 'a read at a committed offset goes on');
    offset = read.nextOffset;
  }
}

/** Every batch that begins below an offset, with the offsets of its pieces: for who rewrites them. */
export async function* readPlacedBatches(
  log: Log,
  source: TopicPartition,
  beforeOffset: number,
): AsyncGenerator<{ readonly batch: EncodedBatch; readonly offsets: readonly number[] }> {
  const pieces: Piece[] = [];
  let offsets: number[] = [];
  for (let offset = 0; offset < beforeOffset;) {
    const read = await log.read(source, offset, READ_LIMITS);
    for (const record of read.records) {
      const batch = joined(pieces, record);
      offsets.push(record.offset);
      if (batch === undefined) continue;
      yield { batch, offsets };
      offsets = [];
    }
    if (read.nextOffset === offset) return;
    offset = read.nextOffset;
  }
}

/** The offset of the first record whose seq is at least this: a binary search, since offsets have gaps and seqs have pieces. */
async function findSeq(log: Log, source: TopicPartition, seq: number, end: number): Promise<number> {
  let low = 0;
  let high = end;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const record = await recordAt(log, source, middle);
    if (record === 'trimmed') low = middle + 1;
    else if (record === undefined || record.offset >= high || stored(record, () => readPiece(record.value)).seq >= seq) high = middle;
    else low = record.offset + 1;
  }
  return low;
}

/** The first record from the offset on. */
async function recordAt(log: Log, source: TopicPartition, offset: number): Promise<LogRecord | 'trimmed' | undefined> {
  try {
    return (await log.read(source, offset, { recordsMax: 1, bytesMax: 1 })).records[0];
  } catch (error) {
    if (error instanceof ThymeError && error.code === 'THYME_LOG_TRIMMED') return 'trimmed';
    throw error;
  }
}

function joined(pieces: Piece[], record: LogRecord): EncodedBatch | undefined {
  return stored(record, () => join(pieces, readPiece(record.value)));
}

/** The changelog is what states are built from: it cannot be built itself. */
function stored<T>({ offset }: LogRecord, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw dispositionOf(cause) === 'rebuild' ? logCorrupt(`the changelog cannot be decoded at offset ${offset}`, { cause }) : cause;
  }
}

function join(pieces: Piece[], piece: Piece): EncodedBatch | undefined {
  // A reader that begins in the middle of a batch drops what is left of it.
  if (piece.index === 0) pieces.length = 0;
  if (piece.index !== pieces.length) return undefined;
  pieces.push(piece);
  if (pieces.length < piece.count) return undefined;
  const bytes = pieces.length === 1 ? piece.bytes : Buffer.concat(pieces.map((part) => part.bytes));
  pieces.length = 0;
  const batch = checkBatch(bytes);
  if (batch.seq !== piece.seq) throw corruptBytes('the changelog');
  return batch;
}

function readPiece(value: Uint8Array): Piece {
  const from = new ByteReader(value, 0);
  const version = from.u8();
  if (version > FORMAT_VERSION) {
    throw new ThymeError(
      'THYME_FORMAT_NEWER',
      'FAILED_PRECONDITION',
      `the changelog has format ${version}, and this process knows formats up to ${FORMAT_VERSION}: upgrade it`,
      [],
      { disposition: 'stop' },
    );
  }
  const [seq, index, count] = [from.f64(), from.varint(), from.varint()];
  return { seq, index, count, bytes: value.subarray(from.offset) };
}

export function changesTrimmed(fromSeq: number, firstSeq: number): ThymeError {
  return new ThymeError(
    'THYME_CHANGES_TRIMMED',
    'OUT_OF_RANGE',
    `changes from seq ${fromSeq} on were asked for, and the first that is kept is ${firstSeq}: take a snapshot`,
    [],
    { disposition: 'rebuild' },
  );
}
