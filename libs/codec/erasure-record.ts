// The values of a dataset's topic that are no records (S26). Version 3 of dataset-record.ts, which older processes refuse by name.
//
//   erase  = | version u8 = 3 | 1 | append time f64 | erasure's id: text | entity key bytes |
//            From here on nothing of the entity before it counts; what comes after it does.
//   erased = | version u8 = 3 | 2 | append time f64 | flags u8: 1 has a producer | producer: text | sequence f64 |
//            What is left of a record of an erased entity: its place, and the sequence, so that a retry is still one (S13).

import { ByteReader, readF64 } from './byte-reader.js';
import { ByteWriter, corruptBytes } from './byte-writer.js';
import { peekTimes } from './dataset-record.js';

export interface EraseMark {
  readonly kind: 'erase';
  /** When the log took it in, µs. */
  readonly appendTimeUs: number;
  /** Of the erasure that it belongs to. */
  readonly id: string;
  /** Of the entity, as entity-key.ts writes it. */
  readonly entityKey: Uint8Array;
}

export interface ErasedRecord {
  readonly kind: 'erased';
  readonly appendTimeUs: number;
  readonly producerId?: string;
  readonly sequence?: number;
}

const VERSION = 3;
const ERASE = 1;
const ERASED = 2;
const HAS_PRODUCER = 1;
const APPEND_TIME_AT = 2;

/** Whether the value is one of these, and no record. */
export function isErasure(value: Uint8Array): boolean {
  return value[0] === VERSION;
}

export function encodeErase({ appendTimeUs, id, entityKey }: Omit<EraseMark, 'kind'>): Uint8Array {
  const into = begun(ERASE, appendTimeUs);
  into.text(id);
  into.bytes(entityKey);
  return into.copy();
}

export function encodeErased({ appendTimeUs, producerId, sequence }: Omit<ErasedRecord, 'kind'>): Uint8Array {
  const into = begun(ERASED, appendTimeUs);
  const isProduced = producerId !== undefined && sequence !== undefined;
  into.u8(isProduced ? HAS_PRODUCER : 0);
  if (isProduced) {
    into.text(producerId);
    into.f64(sequence);
  }
  return into.copy();
}

export function decodeErasure(value: Uint8Array): EraseMark | ErasedRecord {
  const from = new ByteReader(value, 0);
  if (from.u8() !== VERSION) throw corruptBytes('an erasure');
  const kind = from.u8();
  const appendTimeUs = from.f64();
  if (kind === ERASE) return { kind: 'erase', appendTimeUs, id: from.text(), entityKey: from.bytes() };
  if (kind !== ERASED) throw corruptBytes('an erasure');
  if ((from.u8() & HAS_PRODUCER) === 0) return { kind: 'erased', appendTimeUs };
  return { kind: 'erased', appendTimeUs, producerId: from.text(), sequence: from.f64() };
}

/** Of a record or of what stands in its place. */
export function appendTimeOf(value: Uint8Array): number {
  return isErasure(value) ? readF64(value, APPEND_TIME_AT) : peekTimes(value).appendTimeUs;
}

function begun(kind: number, appendTimeUs: number): ByteWriter {
  const into = new ByteWriter();
  into.u8(VERSION);
  into.u8(kind);
  into.f64(appendTimeUs);
  return into;
}
