// A message of the rekey topic: what one task sends another in a tick.
//
//   | version u8 = 1 | sender's revision f64 | through: count, through ... | records: count, record ... |
//   through = | reader varint | stage varint | sources: count, { source varint, next offset f64, caught up u8 } ... |
//   record  = | reader varint | stage varint | event time f64 | append time f64 | historical u8 |
//             | order source varint | order offset f64 | row: length varint, row-codec.ts |
//
// Little-endian. The receiver waits at a message of a revision that it has not adopted.

import assert from 'node:assert';
import { ByteReader } from '../../libs/codec/byte-reader.js';
import { ByteWriter } from '../../libs/codec/byte-writer.js';
import type { RowCodec } from '../../libs/codec/row-codec.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { FlowingRecord } from './flowing-record.js';

/** The sender has passed on what the source partition held below `nextOffset`. */
export interface Through {
  readonly source: number;
  readonly nextOffset: number;
  readonly caughtUp: boolean;
}

export interface StageThrough {
  readonly readerId: number;
  readonly stage: number;
  readonly sources: readonly Through[];
}

export interface RekeyedRecord extends Omit<FlowingRecord, 'row' | 'source'> {
  readonly readerId: number;
  readonly stage: number;
  readonly rowBytes: Uint8Array;
}

export interface RekeyMessage {
  readonly revision: number;
  readonly through: readonly StageThrough[];
  readonly records: readonly RekeyedRecord[];
}

const FORMAT_VERSION = 1;
/** A message is closed at this size: half of what a message may have, since one record may be as large. */
const MESSAGE_BYTES_MAX = 512 * 1_024;

/** Packs the records of a tick for one destination into few messages. */
export class RekeyPacker {
  readonly #revision: number;
  readonly #body = new ByteWriter();
  readonly #row = new ByteWriter();
  readonly #messages: Uint8Array[] = [];
  #count = 0;

  constructor(revision: number) {
    this.#revision = revision;
  }

  add(readerId: number, stage: number, record: FlowingRecord, rows: RowCodec): void {
    this.#row.clear();
    rows.encode(record.row, this.#row);
    const row = this.#row.copy();
    if (this.#count > 0 && this.#body.length + row.length > MESSAGE_BYTES_MAX) this.#close([]);
    const into = this.#body;
    into.varint(readerId);
    into.varint(stage);
    into.f64(record.eventTimeUs);
    into.f64(record.appendTimeUs);
    into.u8(record.historical ? 1 : 0);
    into.varint(record.orderSource);
    into.f64(record.orderOffset);
    into.bytes(row);
    this.#count++;
  }

  /** All messages; what has been seen through goes with the last, behind the records that it speaks of. */
  finish(through: readonly StageThrough[]): readonly Uint8Array[] {
    if (this.#count > 0 || through.length > 0) this.#close(through);
    return this.#messages;
  }

  #close(through: readonly StageThrough[]): void {
    const head = new ByteWriter();
    head.u8(FORMAT_VERSION);
    head.f64(this.#revision);
    head.varint(through.length);
    for (const entry of through) writeThrough(entry, head);
    head.varint(this.#count);
    this.#messages.push(Buffer.concat([head.copy(), this.#body.copy()]));
    this.#body.clear();
    this.#count = 0;
  }
}

export function decodeRekeyMessage(bytes: Uint8Array): RekeyMessage {
  const from = new ByteReader(bytes, 0);
  const version = from.u8();
  if (version > FORMAT_VERSION) {
    throw new ThymeError('THYME_FORMAT_NEWER', 'FAILED_PRECONDITION', `a rekey message has format ${version}, and this process knows formats up to ${FORMAT_VERSION}: upgrade it`);
  }
  const revision = from.f64();
  const through: StageThrough[] = [];
  for (let left = from.varint(); left > 0; left--) through.push(readThrough(from));
  const records: RekeyedRecord[] = [];
  for (let left = from.varint(); left > 0; left--) records.push(readRecord(from));
  return { revision, through, records };
}

function writeThrough({ readerId, stage, sources }: StageThrough, into: ByteWriter): void {
  into.varint(readerId);
  into.varint(stage);
  into.varint(sources.length);
  for (const { source, nextOffset, caughtUp } of sources) {
    assert(Number.isSafeInteger(nextOffset));
    into.varint(source);
    into.f64(nextOffset);
    into.u8(caughtUp ? 1 : 0);
  }
}

function readThrough(from: ByteReader): StageThrough {
  const [readerId, stage] = [from.varint(), from.varint()];
  const sources: Through[] = [];
  for (let left = from.varint(); left > 0; left--) sources.push({ source: from.varint(), nextOffset: from.f64(), caughtUp: from.u8() === 1 });
  return { readerId, stage, sources };
}

function readRecord(from: ByteReader): RekeyedRecord {
  return {
    readerId: from.varint(), stage: from.varint(),
    eventTimeUs: from.f64(), appendTimeUs: from.f64(), historical: from.u8() === 1,
    orderSource: from.varint(), orderOffset: from.f64(),
    rowBytes: from.bytes(),
  };
}
