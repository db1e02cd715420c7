// The two requests that carry records, encoded here: kafkajs would take 20 microseconds a message, and
// would report only the first error of several partitions.
import type { AbortedTransaction } from './aborted-filter.js';
import { API_KEYS, REQUEST_MS_MAX, type DriverBroker, type DriverRequest } from './driver.js';
import { throwOnCode } from './errors.js';

/** In every Kafka from 2.4 on. */
export const PRODUCE_VERSION = 7;
export const FETCH_VERSION = 11;

/** What replicas may take to confirm; the broker then answers that they did not. */
const REPLICAS_MS_MAX = 10_000;
const ALL_REPLICAS = -1;
const READ_COMMITTED = 1;

export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

export interface ProduceAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: number;
}

export interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly bytesMax: number;
}

export interface FetchAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly lastStableOffset: number;
  readonly aborted: readonly AbortedTransaction[];
  readonly recordSet: Buffer;
}

/** One batch for each of several partitions that this broker leads; acks=all. */
export async function produce(
  broker: DriverBroker,
  batches: readonly PartitionBatch[],
  transactionalId: string | null,
): Promise<readonly ProduceAnswer[]> {
  const encode = (): Buffer => {
    const bytes = new RequestBytes(
      64 + (transactionalId?.length ?? 0) * 3 + batches.reduce((sum, { topic, batch }) => sum + 24 + topic.length + batch.length, 0),
    );
    bytes.text(transactionalId);
    bytes.i16(ALL_REPLICAS);
    bytes.i32(REPLICAS_MS_MAX);
    const topics = new Map<string, PartitionBatch[]>();
    for (const batch of batches) topics.set(batch.topic, [...(topics.get(batch.topic) ?? []), batch]);
    bytes.i32(topics.size);
    for (const [topic, parts] of topics) {
      bytes.text(topic);
      bytes.i32(parts.length);
      for (const { partition, batch } of parts) {
        bytes.i32(partition);
        bytes.i32(batch.length);
        bytes.raw(batch);
      }
    }
    return bytes.bytes;
  };
  return (await broker.connectionPool.send(requestOf('Produce', PRODUCE_VERSION, encode, readProduceAnswers))) as readonly ProduceAnswer[]; // As decoded below.
}

export interface FetchOptions {
  readonly positions: readonly FetchPosition[];
  /** How long the broker may hold the request while there is nothing. */
  readonly waitMs: number;
  readonly bytesMax: number;
}

export async function fetch(broker: DriverBroker, { positions, waitMs, bytesMax }: FetchOptions): Promise<readonly FetchAnswer[]> {
  const encode = (): Buffer => {
    const bytes = new RequestBytes(64 + positions.reduce((sum, { topic }) => sum + 40 + topic.length, 0));
    for (const value of [-1, waitMs, 1, bytesMax]) bytes.i32(value); // replica, wait, bytes at least and at most
    bytes.u8(READ_COMMITTED);
    for (const value of [0, -1, positions.length]) bytes.i32(value); // no fetch session
    for (const { topic, partition, offset, bytesMax: partitionBytesMax } of positions) {
      bytes.text(topic);
      bytes.i32(1);
      bytes.i32(partition);
      bytes.i32(-1); // leader epoch: not compared
      bytes.i64(offset);
      bytes.i64(-1);
      bytes.i32(partitionBytesMax);
    }
    bytes.i32(0); // forgotten topics
    bytes.text(''); // rack
    return bytes.bytes;
  };
  const request = { ...requestOf('Fetch', FETCH_VERSION, encode, readFetchAnswers), requestTimeout: waitMs + REQUEST_MS_MAX };
  return (await broker.connectionPool.send(request)) as readonly FetchAnswer[]; // As decoded below.
}

function requestOf(
  apiName: 'Produce' | 'Fetch',
  apiVersion: number,
  encode: () => Buffer,
  decode: (bytes: Buffer) => unknown,
): DriverRequest {
  return {
    request: {
      apiKey: API_KEYS[apiName],
      apiVersion,
      apiName,
      encode: async () => {
        const bytes = encode();
        return { buf: bytes, buffer: bytes };
      },
    },
    // An object with `clientSideThrottleTime` is what kafkajs looks for; ours has none, and the broker throttles by itself.
    response: {
      decode: async (bytes) => ({ answers: decode(bytes) }),
      parse: async (decoded) => (decoded as { answers: unknown }).answers,
    },
  };
}

function readProduceAnswers(bytes: Buffer): ProduceAnswer[] {
  const from = new AnswerBytes(bytes);
  const answers: ProduceAnswer[] = [];
  for (let topics = from.i32(); topics > 0; topics--) {
    const topic = from.text();
    for (let partitions = from.i32(); partitions > 0; partitions--) {
      const [partition, errorCode, baseOffset] = [from.i32(), from.i16(), from.i64()];
      from.skip(16); // append time, log start offset
      answers.push({ topic, partition, errorCode, baseOffset });
    }
  }
  return answers;
}

function readFetchAnswers(bytes: Buffer): FetchAnswer[] {
  const from = new AnswerBytes(bytes);
  from.skip(4); // throttle time
  throwOnCode(from.i16(), 'a fetch');
  from.skip(4); // session
  const answers: FetchAnswer[] = [];
  for (let topics = from.i32(); topics > 0; topics--) {
    const topic = from.text();
    for (let partitions = from.i32(); partitions > 0; partitions--) answers.push(readFetchAnswer(topic, from));
  }
  return answers;
}

function readFetchAnswer(topic: string, from: AnswerBytes): FetchAnswer {
  const [partition, errorCode] = [from.i32(), from.i16()];
  from.skip(8); // high watermark
  const lastStableOffset = from.i64();
  from.skip(8); // log start offset
  const aborted = Array.from({ length: Math.max(0, from.i32()) }, () => ({ producerId: from.i64(), firstOffset: from.i64() }));
  from.skip(4); // preferred replica
  return { topic, partition, errorCode, lastStableOffset, aborted, recordSet: from.raw(Math.max(0, from.i32())) };
}

/** A request's body, of a size that is known as a bound. */
class RequestBytes {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(lengthMax: number) {
    this.#bytes = Buffer.allocUnsafe(lengthMax);
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  u8(value: number): void {
    this.#at = this.#bytes.writeUInt8(value, this.#at);
  }

  i16(value: number): void {
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
  }

  i32(value: number): void {
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
  }

  i64(value: number): void {
    this.#at = this.#bytes.writeBigInt64BE(BigInt(value), this.#at);
  }

  text(text: string | null): void {
    if (text === null) return this.i16(-1);
    this.i16(Buffer.byteLength(text));
    this.#at += this.#bytes.write(text, this.#at);
  }

  raw(bytes: Buffer): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}

class AnswerBytes {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  i16(): number {
    return this.#bytes.readInt16BE((this.#at += 2) - 2);
  }

  i32(): number {
    return this.#bytes.readInt32BE((this.#at += 4) - 4);
  }

  i64(): number {
    return Number(this.#bytes.readBigInt64BE((this.#at += 8) - 8));
  }

  text(): string {
    return this.raw(this.i16()).toString();
  }

  raw(length: number): Buffer {
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  skip(length: number): void {
    this.#at += length;
  }
}
