import { corruptBytes } from './byte-writer.js';

// A double is read through these rather than a DataView, which would have to be made for each record.
const scratchBytes = new Uint8Array(8);
const scratchFloat = new Float64Array(scratchBytes.buffer);
scratchFloat[0] = 1;
const LITTLE_ENDIAN = scratchBytes[7] === 0x3f;

/** Reads from front to back what a ByteWriter wrote. A read past the end throws, so broken bytes are never values. */
export class ByteReader {
  #bytes: Buffer;
  #offset: number;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  u8(): number {
    const at = this.#take(1);
    return this.#bytes[at] ?? 0;
  }

  i32(): number {
    const at = this.#take(4);
    return this.#bytes.readInt32LE(at);
  }

  f64(): number {
    return readF64(this.#bytes, this.#take(8));
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw corruptBytes('a length');
  }

  text(): string {
    const length = this.varint();
    const at = this.#take(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** Text whose length is one byte. */
  shortText(): string {
    const length = this.u8();
    const at = this.#take(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** A copy: the record's buffer need not live as long as the value. */
  bytes(): Uint8Array {
    const length = this.varint();
    const at = this.#take(length);
    return new Uint8Array(this.#bytes.subarray(at, at + length));
  }

  /** Passes over a bitmap of so many bits; gives its offset for `bit`. */
  bits(count: number): number {
    return this.#take((count + 7) >>> 3);
  }

  bit(at: number, index: number): boolean {
    return ((this.#bytes[at + (index >>> 3)] ?? 0) & (1 << (index & 7))) !== 0;
  }

  #take(length: number): number {
    const at = this.#offset;
    this.#offset = at + length;
    if (length < 0 || this.#offset > this.#bytes.length) throw corruptBytes('a record');
    return at;
  }
}

/** The little-endian double at `at`; the caller has checked that it lies within. */
export function readF64(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) scratchBytes[LITTLE_ENDIAN ? i : 7 - i] = bytes[at + i] ?? 0;
  return scratchFloat[0] ?? 0;
}
