// A message of the rekey topic: what one task sends another in a tick.
//
//   | version u8 = 1, 2 or 3 | sender's revision f64 | through: count, through ... | records: count, record ... |
//   through = | reader varint | stage varint | sources: count, { source varint, next offset f64, caught up u8 } ... |
//   record  = | reader varint | stage varint | event time f64 | append time f64 | historical u8 |
//             | order source varint | order offset f64 | row: length varint, row-codec.ts | version 2, 3: change |
//   change  = | 0 |   | 1 begins | start f64, -Infinity for none | known f64 |   | 2 ends | end f64 | known f64 |
//           | version 3: 3 erases | from offset f64 | before offset f64 | erasure's id: text |
//             from -Infinity: all of an entity, whose key is in the row's place
//
// Version 2 is written only for versions of rows (S17), version 3 only where something is erased (S26). Little-endian. The receiver
// waits at a message of a revision that it has not adopted.

import assert from 'node:assert';
import { ByteReader } from '../../libs/codec/byte-reader.js';
import { ByteWriter, corruptBytes } from '../../libs/codec/byte-writer.js';
import type { RowCodec } from '../../libs/codec/row-codec.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { FlowingRecord, VersionChange } from './flowing-record.js';

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

export interface RekeyedRecord extends Omit<FlowingRecord, 'row' | 'source' | 'rowKey'> {
  readonly readerId: number;
  readonly stage: number;
  readonly rowBytes: Uint8Array;
}

export interface RekeyMessage {
  readonly revision: number;
  readonly through: readonly StageThrough[];
  readonly records: readonly RekeyedRecord[];
}

const VERSION_OF_EVENTS = 1;
const VERSION_OF_CHANGES = 2;
const FORMAT_VERSION = 3;
const CHANGE = { none: 0, begins: 1, ends: 2, erases: 3 } as const;
/** A message is closed at this size: half of what a message may have, since one record may be as large. */
const MESSAGE_BYTES_MAX = 512 * 1_024;

/** Packs the records of a tick for one destination into few messages. */
export class RekeyPacker {
  readonly #revision: number;
  readonly #body = new ByteWriter();
  readonly #row = new ByteWriter();
  readonly #messages: Uint8Array[] = [];
  #count = 0;
  /** The version of the message that is open. */
  #version = VERSION_OF_EVENTS;

  constructor(revision: number) {
    this.#revision = revision;
  }

  add(readerId: number, stage: number, record: FlowingRecord, rows: RowCodec): void {
    this.#row.clear();
    rows.encode(record.row, this.#row);
    this.addBytes(readerId, stage, record, this.#row.copy());
  }

  /** With what stands in the row's place. */
  addBytes(readerId: number, stage: number, record: Omit<FlowingRecord, 'row'>, row: Uint8Array): void {
    const { change } = record;
    const version = change === undefined ? VERSION_OF_EVENTS : change.kind === 'erases' ? FORMAT_VERSION : VERSION_OF_CHANGES;
    if (this.#count > 0 && (version !== this.#version || this.#body.length + row.length > MESSAGE_BYTES_MAX)) this.#close([]);
    this.#version = version;
    const into = this.#body;
    into.varint(readerId);
    into.varint(stage);
    into.f64(record.eventTimeUs);
    into.f64(record.appendTimeUs);
    into.u8(record.historical ? 1 : 0);
    into.varint(record.orderSource);
    into.f64(record.orderOffset);
    into.bytes(row);
    if (change !== undefined) writeVersionChange(change, into);
    this.#count++;
  }

  /** All messages; what has been seen through goes with the last, behind the records that it speaks of. */
  finish(through: readonly StageThrough[]): readonly Uint8Array[] {
    if (this.#count > 0 || through.length > 0) this.#close(through);
    return this.#messages;
  }

  #close(through: readonly StageThrough[]): void {
    const head = new ByteWriter();
    head.u8(this.#version);
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
    throw new ThymeError(
      'THYME_FORMAT_NEWER',
      'FAILED_PRECONDITION',
      `a rekey message has format ${version}, and this process knows formats up to ${FORMAT_VERSION}: upgrade it`,
      [],
      { disposition: 'stop' },
    );
  }
  const revision = from.f64();
  const through: StageThrough[] = [];
  for (let left = from.varint(); left > 0; left--) through.push(readThrough(from));
  const records: RekeyedRecord[] = [];
  for (let left = from.varint(); left > 0; left--) records.push(readRecord(from, version));
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
  for (let left = from.varint(); left > 0; left--)
    sources.push({ source: from.varint(), nextOffset: from.f64(), caughtUp: from.u8() === 1 });
  return { readerId, stage, sources };
}

function writeVersionChange(change: VersionChange, into: ByteWriter): void {
  into.u8(CHANGE[change.kind]);
  if (change.kind === 'erases') {
    into.f64(change.fromOffset);
    into.f64(change.beforeOffset);
    into.text(change.id);
    return;
  }
  into.f64(change.kind === 'begins' ? (change.startUs ?? Number.NEGATIVE_INFINITY) : change.endUs);
  into.f64(change.knownUs);
}

function readVersionChange(from: ByteReader): VersionChange | undefined {
  const kind = from.u8();
  if (kind === CHANGE.none) return undefined;
  if (kind === CHANGE.erases) return { kind: 'erases', fromOffset: from.f64(), beforeOffset: from.f64(), id: from.text() };
  if (kind !== CHANGE.begins && kind !== CHANGE.ends) throw corruptBytes('a rekey message');
  const [timeUs, knownUs] = [from.f64(), from.f64()];
  if (kind === CHANGE.ends) return { kind: 'ends', endUs: timeUs, knownUs };
  return { kind: 'begins', startUs: timeUs === Number.NEGATIVE_INFINITY ? undefined : timeUs, knownUs };
}

function readRecord(from: ByteReader, version: number): RekeyedRecord {
  const record = {
    readerId: from.varint(),
    stage: from.varint(),
    eventTimeUs: from.f64(),
    appendTimeUs: from.f64(),
    historical: from.u8() === 1,
    orderSource: from.varint(),
    orderOffset: from.f64(),
    rowBytes: from.bytes(),
  };
  return version === VERSION_OF_EVENTS ? record : { ...record, change: readVersionChange(from) };
}
