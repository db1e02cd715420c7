import { createHash } from 'node:crypto';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** A record that a producer has put into an aggregate, as the Kinesis Producer Library does. */
export interface AggregatedRecord {
  readonly partitionKey: string;
  /** What it is dealt to shards by: its own, or the MD5 of its partition key. */
  readonly hashKey: bigint;
  readonly data: Buffer;
}

/** | magic, 4 bytes | AggregatedRecord, protobuf | MD5 of that, 16 bytes | */
const MAGIC = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);
const DIGEST_LENGTH = 16;

/** Fields of AggregatedRecord: two tables of texts, and records that name their entries. */
const KEY_TABLE = 1;
const HASH_KEY_TABLE = 2;
const RECORDS = 3;
/** Fields of a record in it. */
const KEY_INDEX = 1;
const HASH_KEY_INDEX = 2;
const DATA = 3;

interface PackedRecord {
  readonly key: number;
  readonly hashKey: number | undefined;
  readonly data: Buffer;
}

/** The records of an aggregate in their order; undefined where the data is none, and so one record by itself. */
export function openAggregate(data: Buffer): readonly AggregatedRecord[] | undefined {
  if (data.length < MAGIC.length + DIGEST_LENGTH || !data.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const body = data.subarray(MAGIC.length, -DIGEST_LENGTH);
  if (!createHash('md5').update(body).digest().equals(data.subarray(-DIGEST_LENGTH))) return undefined;
  try {
    return recordsOf(body);
  } catch {
    return undefined; // not the message that it is said to be
  }
}

function recordsOf(body: Buffer): readonly AggregatedRecord[] {
  const keys: string[] = [];
  const hashKeys: string[] = [];
  const packed: PackedRecord[] = [];
  eachField(body, (field, wireType, reader) => {
    if (field === KEY_TABLE) keys.push(reader.string());
    else if (field === HASH_KEY_TABLE) hashKeys.push(reader.string());
    else if (field === RECORDS) packed.push(packedRecord(reader.bytes()));
    else reader.skip(wireType);
  });
  const hashOf = new Map<string, bigint>();
  return packed.map(({ key, hashKey, data }) => {
    const partitionKey = entry(keys, key);
    if (hashKey !== undefined) return { partitionKey, hashKey: BigInt(entry(hashKeys, hashKey)), data };
    const hash = hashOf.get(partitionKey) ?? BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`);
    hashOf.set(partitionKey, hash);
    return { partitionKey, hashKey: hash, data };
  });
}

function packedRecord(bytes: Uint8Array): PackedRecord {
  let key = 0;
  let hashKey: number | undefined;
  let data: Buffer = Buffer.alloc(0);
  eachField(bytes, (field, wireType, reader) => {
    if (field === KEY_INDEX) key = Number(reader.uint64());
    else if (field === HASH_KEY_INDEX) hashKey = Number(reader.uint64());
    else if (field === DATA) data = asBuffer(reader.bytes());
    else reader.skip(wireType);
  });
  return { key, hashKey, data };
}

function eachField(bytes: Uint8Array, take: (field: number, wireType: WireType, reader: BinaryReader) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) take(...reader.tag(), reader);
}

function entry(table: readonly string[], index: number): string {
  const text = table[index];
  if (text === undefined) throw new RangeError('a record names an entry that its table has not');
  return text;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
