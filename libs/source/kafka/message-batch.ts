// Messages as other producers write them: with keys and values that may be null, headers, times, and in any of Kafka's
// compressions. The log's own batches have none of that (libs/log/kafka/record-batch.ts draws them), and its reader passes over
// it.
import { gunzipSync } from 'node:zlib';
import { decompressSnappy, decompressZstd } from 'hyparquet-compressors';
import { decompressLz4Frame } from '../../files/lz4.js';
import type { FetchedBatch } from '../../log/kafka/record-batch.js';

export interface KafkaMessage {
  readonly offset: number;
  /** When it was sent, or appended, as the topic is configured. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  /** Null for a tombstone. */
  readonly value: Buffer | null;
  /** In their order; a name may come twice. */
  readonly headers: readonly (readonly [string, Buffer | null])[];
}

const HEAD_LENGTH = 61;
const ATTRIBUTES_AT = 21;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const LOG_APPEND_TIME = 0x08;
/** A batch is 1 MiB as brokers are configured by default; what unfolds to more than this is an attack, or damaged. */
const INFLATED_BYTES_MAX = 256 * 1_024 * 1_024;
/** How Java's library frames snappy: this, two versions (u32), then blocks behind their lengths (u32). */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEAD_LENGTH = 16;

/** Messages of the batch from the offset on. Throws RangeError where it cannot be decompressed. */
export function messagesOf(batch: FetchedBatch, fromOffset: number): readonly KafkaMessage[] {
  const { bytes, baseOffset, count } = batch;
  const from = new MessageBytes(inflate(batch));
  const baseMs = Number(bytes.readBigInt64BE(BASE_TIMESTAMP_AT));
  const appendMs = (bytes.readUInt16BE(ATTRIBUTES_AT) & LOG_APPEND_TIME) === 0 ? undefined : Number(bytes.readBigInt64BE(MAX_TIMESTAMP_AT));
  const messages: KafkaMessage[] = [];
  for (let n = 0; n < count; n++) {
    const end = from.varint() + from.at;
    from.at++; // attributes
    const timestampMs = baseMs + from.varint();
    const offset = baseOffset + from.varint();
    if (offset >= fromOffset) {
      const [key, value] = [from.bytes(), from.bytes()];
      const headers = Array.from({ length: from.varint() }, () => [from.bytes()?.toString() ?? '', from.bytes()] as const);
      messages.push({ offset, timestampMs: appendMs ?? timestampMs, key, value, headers });
    }
    from.at = end;
  }
  return messages;
}

function inflate({ bytes, compression, baseOffset }: FetchedBatch): Buffer {
  const body = bytes.subarray(HEAD_LENGTH);
  try {
    switch (compression) {
      case 0:
        return body;
      case 1:
        return gunzipSync(body, { maxOutputLength: INFLATED_BYTES_MAX });
      case 2:
        return unsnapped(body);
      case 3:
        return asBuffer(decompressLz4Frame(body));
      case 4:
        return asBuffer(decompressZstd(body));
    }
  } catch (cause) {
    throw new RangeError(
      `the batch at offset ${baseOffset} cannot be decompressed: it is damaged, or larger than ${INFLATED_BYTES_MAX} bytes`,
      { cause },
    );
  }
  throw new RangeError(
    `the batch at offset ${baseOffset} is compressed by codec ${compression}, which is none of gzip, snappy, lz4 and zstd`,
  );
}

function unsnapped(body: Buffer): Buffer {
  if (!body.subarray(0, XERIAL.length).equals(XERIAL)) return snappyBlock(body);
  const blocks: Buffer[] = [];
  let total = 0;
  for (let at = XERIAL_HEAD_LENGTH; at < body.length;) {
    const length = body.readUInt32BE(at);
    const block = snappyBlock(body.subarray(at + 4, at + 4 + length));
    total += block.length;
    if (total > INFLATED_BYTES_MAX) throw new RangeError('it is too large');
    blocks.push(block);
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

/** A block begins with the length that it unfolds to. */
function snappyBlock(block: Buffer): Buffer {
  let length = 0;
  for (let at = 0, factor = 1; ; at++, factor *= 128) {
    const byte = block.readUInt8(at);
    length += (byte & 0x7f) * factor;
    if (byte < 0x80) break;
  }
  if (length > INFLATED_BYTES_MAX) throw new RangeError('it is too large');
  return asBuffer(decompressSnappy(block, length));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

class MessageBytes {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Zigzag, of up to ten bytes: times of one batch may lie farther apart than 32 bits hold. */
  varint(): number {
    let raw = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes.readUInt8(this.at++);
      raw += (byte & 0x7f) * factor;
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
    }
  }

  /** Null where its length is -1. */
  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const start = this.at;
    this.at += length;
    return this.#bytes.subarray(start, this.at);
  }
}
