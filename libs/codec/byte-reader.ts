import { corruptBytes } from './byte-writer.js';

// A double is read through these rather than a DataView, which would have to be made for each record.
const scratchBytes = new Uint8Array(8);
const scratchFloat = new Float64Array(scratchBytes.buffer);
scratchFloat[0] = 1;
const LITTLE_ENDIAN = scratchBytes[7] === 0x3f;

/** A text as it was read last, for one that is most often the same: making a string costs more than comparing bytes. */
export interface LastText {
  bytes: Uint8Array;
  text: string;
}

/** Reads from front to back what a ByteWriter wrote. A read past the end throws, so broken bytes are never values. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  /** The same bytes, once a text is read: most records are read without. */
  #buffer: Buffer | undefined;
  #offset: number;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
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
    const bytes = this.#bytes;
    return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
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
    return this.#utf8(at, length);
  }

  /** Text whose length is one byte; `last` is what the same place held in the record before. */
  shortText(last: LastText): string {
    const length = this.u8();
    const at = this.#take(length);
    if (this.#isAt(at, length, last.bytes)) return last.text;
    last.bytes = new Uint8Array(this.#bytes.subarray(at, at + length)); // not by `slice`, which of a Buffer is a view
    last.text = this.#utf8(at, length);
    return last.text;
  }

  /** Passes over what is not wanted. */
  skip(length: number): void {
    this.#take(length);
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

  #utf8(at: number, length: number): string {
    this.#buffer ??= Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    return this.#buffer.toString('utf8', at, at + length);
  }

  #isAt(at: number, length: number, wanted: Uint8Array): boolean {
    if (length !== wanted.length) return false;
    for (let i = 0; i < length; i++) if (this.#bytes[at + i] !== wanted[i]) return false;
    return true;
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
