import assert from 'node:assert';
import { crc32 } from 'node:zlib';
import type { LogRecord, NewRecord, ReadLimits, ReadResult } from '../log.js';
import { logCorrupt } from '../log-errors.js';
import { StoredRecord } from '../stored-record.js';

/**
 * The records that one append gave one partition, as one value of the store:
 *
 *   | version u8 | crc u32 | count u32 | count x (key length u32 | value length u32 | key | value) |
 *
 * All integers big-endian. The CRC-32 covers what follows it: LevelDB does not check its tables'
 * own checksums on a read. The offsets follow from the key (log-keys.ts).
 */
export interface RecordBatch {
  readonly baseOffset: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

const BATCH_VERSION = 1;
const CRC_AT = 1;
const COUNT_AT = 5;
const HEADER_LENGTH = 9;
const RECORD_HEADER_LENGTH = 8;

/** In memory of its own: the tail keeps it, and a piece of Node's pool would keep 8 KiB of whatever else lies there. */
export function encodeRecords(records: readonly NewRecord[]): Uint8Array {
  assert(records.length > 0);
  let length = HEADER_LENGTH;
  for (const { key, value } of records) length += RECORD_HEADER_LENGTH + key.length + value.length;
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = bytes.writeUInt32BE(records.length, COUNT_AT);
  for (const { key, value } of records) {
    at = bytes.writeUInt32BE(key.length, at);
    at = bytes.writeUInt32BE(value.length, at);
    bytes.set(key, at);
    bytes.set(value, at + key.length);
    at += key.length + value.length;
  }
  bytes.writeUInt8(BATCH_VERSION, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(COUNT_AT)), CRC_AT);
  return bytes;
}

/** The batch with other records for some of its own; undefined where all stay. */
export function rewriteBatch(
  batch: RecordBatch,
  beforeOffset: number,
  replace: (record: LogRecord) => NewRecord | undefined,
): { readonly batch: RecordBatch; readonly replaced: number } | undefined {
  const { baseOffset, count } = batch;
  const collector = new RecordCollector(baseOffset, { recordsMax: count, bytesMax: Number.POSITIVE_INFINITY });
  collector.take(batch);
  let replaced = 0;
  const records = collector.result.records.map((record) => {
    const other = record.offset < beforeOffset ? replace(record) : undefined;
    if (other !== undefined) replaced++;
    return other ?? record;
  });
  return replaced === 0 ? undefined : { batch: { baseOffset, count, bytes: encodeRecords(records) }, replaced };
}

/** A batch as the store gave it. INTERNAL if its bytes are not what was written. */
export function openBatch(baseOffset: number, bytes: Uint8Array): RecordBatch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_LENGTH) throw logCorrupt(`the batch at offset ${baseOffset} is cut short`);
  if (view.getUint8(0) !== BATCH_VERSION) throw logCorrupt(`the batch at offset ${baseOffset} has version ${view.getUint8(0)}`);
  if (view.getUint32(CRC_AT) !== crc32(bytes.subarray(COUNT_AT)))
    throw logCorrupt(`the batch at offset ${baseOffset} has a wrong checksum`);
  return { baseOffset, count: view.getUint32(COUNT_AT), bytes };
}

/**
 * The result of one read while it is gathered: batches in order, from an offset on, up to the
 * limits, but at least one record. Keys and values are views into the batches: nothing is copied,
 * and one that is kept keeps its whole batch in memory.
 */
export class RecordCollector {
  readonly #records: LogRecord[] = [];
  readonly #recordsMax: number;
  #bytesLeft: number;
  #nextOffset: number;
  #full = false;

  constructor(offset: number, limits: ReadLimits) {
    this.#nextOffset = offset;
    this.#recordsMax = Math.max(1, limits.recordsMax);
    this.#bytesLeft = limits.bytesMax;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  get full(): boolean {
    return this.#full;
  }

  get result(): ReadResult {
    return { records: this.#records, nextOffset: this.#nextOffset };
  }

  /** Takes what is wanted of the batch, which must hold the next offset. */
  take({ baseOffset, count, bytes }: RecordBatch): void {
    assert(!this.#full && baseOffset <= this.#nextOffset && this.#nextOffset < baseOffset + count);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = HEADER_LENGTH;
    for (let offset = baseOffset; offset < baseOffset + count; offset++) {
      const keyLength = view.getUint32(at);
      const length = keyLength + view.getUint32(at + 4);
      at += RECORD_HEADER_LENGTH;
      if (offset >= this.#nextOffset) {
        if (!this.#admit(length)) return;
        this.#records.push(new StoredRecord(offset, bytes, { at, length: keyLength }, { at: at + keyLength, length: length - keyLength }));
        this.#nextOffset = offset + 1;
        if (this.#full) return;
      }
      at += length;
    }
  }

  #admit(length: number): boolean {
    if (length > this.#bytesLeft && this.#records.length > 0) {
      this.#full = true;
      return false;
    }
    this.#bytesLeft -= length;
    // Known here, so that no further batch is fetched only to find that it does not fit.
    this.#full = this.#bytesLeft <= 0 || this.#records.length + 1 >= this.#recordsMax;
    return true;
  }
}
