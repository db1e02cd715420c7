// Messages of Kafka's newer kind, whose lengths are varints of one more than they say, and which end with tags. kafkajs encodes
// none of them.
import { API_KEYS, type DriverRequest } from './driver.js';

export const NO_TAGS = Buffer.of(0);

/** A request with this body, of which the first byte is the tags of its header. */
export function flexibleRequest(
  apiName: 'DescribeProducers' | 'DescribeTransactions' | 'Metadata',
  body: Buffer,
  decode: (from: FlexibleBytes) => unknown,
  apiVersion = 0,
): DriverRequest {
  return {
    request: { apiKey: API_KEYS[apiName], apiVersion, apiName, encode: () => Promise.resolve({ buf: body, buffer: body }) },
    response: {
      decode: async (bytes) => {
        const from = new FlexibleBytes(bytes);
        from.tags(); // of the header
        return { answer: decode(from) };
      },
      parse: async (decoded) => (decoded as { answer: unknown }).answer, // of `decode`
    },
  };
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) return Buffer.from(bytes);
  }
}

export function text(value: string): Buffer {
  return Buffer.concat([varint(Buffer.byteLength(value) + 1), Buffer.from(value)]);
}

export function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export class FlexibleBytes {
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

  varint(): number {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  /** Empty for null. */
  text(): string {
    const length = Math.max(0, this.varint() - 1);
    return this.#bytes.toString('utf8', this.#at, (this.#at += length));
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.varint() - 1) }, read);
  }

  bytes(length: number): Buffer {
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  tags(): void {
    for (let count = this.varint(); count > 0; count--) {
      this.varint();
      this.skip(this.varint());
    }
  }

  skip(length: number): void {
    this.#at += length;
  }
}
