import { ThymeError } from '../errors/errors.js';

const LENGTH_INITIAL = 1_024;

/**
 * A buffer that grows, written from front to back and used again for the next record. Numbers are
 * little-endian. Not for what is kept: take a copy with `copy()`.
 */
export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(LENGTH_INITIAL);
  #view = viewOf(this.#bytes);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  i32(value: number): void {
    const at = this.#take(4);
    this.#view.setInt32(at, value, true);
  }

  f64(value: number): void {
    const at = this.#take(8);
    this.#view.setFloat64(at, value, true);
  }

  /** 7 bits a byte, lowest first, the high bit set on all but the last. For lengths: below 2^31. */
  varint(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.u8((rest & 0x7f) | 0x80);
    this.u8(rest);
  }

  /** UTF-8 with its length before it as a varint. */
  text(text: string): void {
    if (text.length < SHORT_TEXT_LENGTH && this.#shortAscii(text)) return;
    this.varint(Buffer.byteLength(text));
    const at = this.#take(text.length * 3);
    this.#length = at + this.#bytes.write(text, at, 'utf8');
  }

  /** UTF-8 with its length, which the caller knows and has bounded, before it as one byte. */
  shortText(text: string, byteLength: number): void {
    this.u8(byteLength);
    const at = this.#take(byteLength);
    this.#bytes.write(text, at, byteLength, 'utf8');
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Reserves zeroed bytes to be filled by `setBit`; gives their offset. */
  zeros(length: number): number {
    const at = this.#take(length);
    for (let i = at; i < at + length; i++) this.#bytes[i] = 0;
    return at;
  }

  /** Sets bit `index` of the bytes reserved at `at`. */
  setBit(at: number, index: number): void {
    const byte = at + (index >>> 3);
    this.#bytes[byte] = (this.#bytes[byte] ?? 0) | (1 << (index & 7));
  }

  copy(): Uint8Array {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  /** A call into native code costs more than this loop does for keys, names and ids. */
  #shortAscii(text: string): boolean {
    const at = this.#take(text.length + 1);
    this.#bytes[at] = text.length;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) {
        this.#length = at;
        return false;
      }
      this.#bytes[at + 1 + i] = unit;
    }
    return true;
  }

  #take(length: number): number {
    const at = this.#length;
    this.#length = at + length;
    if (this.#length > this.#bytes.length) this.#grow();
    return at;
  }

  #grow(): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#length, 2 * this.#bytes.length));
    this.#bytes.copy(grown);
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

/** Below 128: the length is then one varint byte. */
const SHORT_TEXT_LENGTH = 48;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What a codec throws at bytes that it did not write: whoever has stored them builds them anew, unless their reader knows better. */
export function corruptBytes(what: string, options?: ErrorOptions): ThymeError {
  return new ThymeError('THYME_CORRUPT', 'INTERNAL', `${what} cannot be decoded: its bytes are damaged`, [], {
    ...options,
    disposition: 'rebuild',
  });
}
