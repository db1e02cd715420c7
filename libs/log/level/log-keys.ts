// The keys and small values of the log in a store, all integers big-endian. No two kinds of key
// mix, since each starts with its tag.
//
//   format     | 0x00 |                                                    -> | format u8 |
//   topic      | 0x01 | topic name, ASCII |                                -> | id u32 | partitions u16 |
//   end        | 0x02 | topic id u32 | partition u16 |                     -> | end offset u64 |
//   epoch      | 0x03 | transactional id, UTF-8 |                          -> | epoch u32 |
//   batch      | 0x04 | topic id u32 | partition u16 | base offset u64 |   -> record-batch.ts
//
// The batches of a partition are adjacent and in the order of their offsets. The end has a key of
// its own, in the same write as the batch, so that opening a log reads no batches.
import assert from 'node:assert';
import { PARTITIONS_MAX } from '../log-limits.js';

const FORMAT_TAG = 0x00;
const TOPIC_TAG = 0x01;
const END_TAG = 0x02;
const EPOCH_TAG = 0x03;
const BATCH_TAG = 0x04;
const TOPIC_ID_MAX = 0xffff_ffff;
const EPOCH_MAX = 0xffff_ffff;
const BATCH_KEY_LENGTH = 1 + 4 + 2 + 8;

/** Grows when older code could not read what newer code writes. */
export const LOG_FORMAT = 1;

/** A topic by the number that its keys carry; numbers are never used again. */
export interface PartitionId {
  readonly topicId: number;
  readonly partition: number;
}

export interface KeyRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

export const formatKey: Uint8Array = Uint8Array.of(FORMAT_TAG);
export const topicKeys: KeyRange = { from: Uint8Array.of(TOPIC_TAG), to: Uint8Array.of(TOPIC_TAG + 1) };
export const endKeys: KeyRange = { from: Uint8Array.of(END_TAG), to: Uint8Array.of(END_TAG + 1) };
export const epochKeys: KeyRange = { from: Uint8Array.of(EPOCH_TAG), to: Uint8Array.of(EPOCH_TAG + 1) };

export function topicKey(topic: string): Uint8Array {
  return textKey(TOPIC_TAG, topic);
}

export function topicOfKey(key: Uint8Array): string {
  return textOfKey(TOPIC_TAG, key);
}

export function topicValue(topicId: number, partitions: number): Uint8Array {
  assert(topicId >= 0 && topicId <= TOPIC_ID_MAX && partitions >= 1 && partitions <= PARTITIONS_MAX);
  const value = new Uint8Array(4 + 2);
  const view = new DataView(value.buffer);
  view.setUint32(0, topicId);
  view.setUint16(4, partitions);
  return value;
}

export function topicOfValue(value: Uint8Array): { readonly topicId: number; readonly partitions: number } {
  assert(value.length === 4 + 2);
  const view = viewOf(value);
  return { topicId: view.getUint32(0), partitions: view.getUint16(4) };
}

export function endKey(id: PartitionId): Uint8Array {
  const key = new Uint8Array(1 + 4 + 2);
  writePartition(new DataView(key.buffer), END_TAG, id);
  return key;
}

export function partitionOfEndKey(key: Uint8Array): PartitionId {
  assert(key.length === 1 + 4 + 2 && key[0] === END_TAG);
  const view = viewOf(key);
  return { topicId: view.getUint32(1), partition: view.getUint16(5) };
}

export function endValue(endOffset: number): Uint8Array {
  const value = new Uint8Array(8);
  writeOffset(new DataView(value.buffer), 0, endOffset);
  return value;
}

export function endOfValue(value: Uint8Array): number {
  assert(value.length === 8);
  return readOffset(viewOf(value), 0);
}

export function epochKey(transactionalId: string): Uint8Array {
  return textKey(EPOCH_TAG, transactionalId);
}

export function transactionalIdOfKey(key: Uint8Array): string {
  return textOfKey(EPOCH_TAG, key);
}

export function epochValue(epoch: number): Uint8Array {
  assert(epoch >= 1 && epoch <= EPOCH_MAX);
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, epoch);
  return value;
}

export function epochOfValue(value: Uint8Array): number {
  assert(value.length === 4);
  return viewOf(value).getUint32(0);
}

export function batchKey(id: PartitionId, baseOffset: number): Uint8Array {
  const key = new Uint8Array(BATCH_KEY_LENGTH);
  const view = new DataView(key.buffer);
  writePartition(view, BATCH_TAG, id);
  writeOffset(view, 7, baseOffset);
  return key;
}

export function baseOffsetOfKey(key: Uint8Array): number {
  assert(key.length === BATCH_KEY_LENGTH && key[0] === BATCH_TAG);
  return readOffset(viewOf(key), 7);
}

function writePartition(view: DataView, tag: number, { topicId, partition }: PartitionId): void {
  assert(topicId >= 0 && topicId <= TOPIC_ID_MAX && partition >= 0 && partition < PARTITIONS_MAX);
  view.setUint8(0, tag);
  view.setUint32(1, topicId);
  view.setUint16(5, partition);
}

/** In two halves: a BigInt per key would cost more than all the rest of it. */
function writeOffset(view: DataView, at: number, offset: number): void {
  assert(Number.isSafeInteger(offset) && offset >= 0);
  view.setUint32(at, Math.floor(offset / 2 ** 32));
  view.setUint32(at + 4, offset % 2 ** 32);
}

function readOffset(view: DataView, at: number): number {
  const offset = view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
  assert(Number.isSafeInteger(offset));
  return offset;
}

function textKey(tag: number, text: string): Uint8Array {
  const bytes = Buffer.from(text, 'utf8');
  const key = new Uint8Array(1 + bytes.length);
  key[0] = tag;
  key.set(bytes, 1);
  return key;
}

function textOfKey(tag: number, key: Uint8Array): string {
  assert(key[0] === tag);
  return Buffer.from(key.buffer, key.byteOffset + 1, key.length - 1).toString('utf8');
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
