const BYTES_FIRST = 4_096;
/** What stays between messages; a larger one has its buffer to itself. */
const BYTES_KEPT_MAX = 1024 * 1024;
/** Of a varint of 64 bits. */
const VARINT_BYTES_MAX = 10;
/** Of UTF-8, for a unit of UTF-16. */
const UNIT_BYTES_MAX = 3;
const BASE = 128;

/**
 * Writes protobuf's wire format into a buffer that it keeps from message to message: `begin`, write, `take`. Synchronous: one message
 * at a time.
 */
export class MessageWriter {
  #bytes = Buffer.allocUnsafeSlow(BYTES_FIRST);
  #at = 0;

  begin(): void {
    this.#at = 0;
    if (this.#bytes.length > BYTES_KEPT_MAX) this.#bytes = Buffer.allocUnsafeSlow(BYTES_FIRST);
  }

  /** A copy of what was written since `begin`. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at)); // copies, since it is given a Buffer
  }

  /** A tag, or a length that is known. */
  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  /** A tag, and a length-delimited text behind it. */
  text(tag: number, text: string): void {
    this.#reserve(1 + VARINT_BYTES_MAX + text.length * UNIT_BYTES_MAX);
    this.#bytes[this.#at++] = tag;
    const start = this.#open();
    this.#at += this.#bytes.write(text, start, 'utf8');
    this.closeAt(start);
  }

  /** Those of a text, or a message, that was written before. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  bytes(tag: number, bytes: Uint8Array): void {
    this.byte(tag);
    this.#reserve(VARINT_BYTES_MAX);
    this.#varint(bytes.length);
    this.raw(bytes);
  }

  /** A safe integer as an int32 or int64. */
  integer(tag: number, value: number): void {
    this.#reserve(1 + VARINT_BYTES_MAX);
    this.#bytes[this.#at++] = tag;
    if (value >= 0) this.#varint(value);
    else this.#negative(value);
  }

  double(tag: number, value: number): void {
    this.#reserve(9);
    this.#bytes[this.#at++] = tag;
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  /** A tag and the beginning of a message within this one; gives what `closeAt` wants. */
  openAt(tag: number): number {
    this.#reserve(2);
    this.#bytes[this.#at++] = tag;
    return this.#open();
  }

  /** The message within ends here. One byte was kept for its length; of a longer one all is moved. */
  closeAt(start: number): void {
    const length = this.#at - start;
    if (length < BASE) {
      this.#bytes[start - 1] = length;
      return;
    }
    const lengthBytes = varintBytes(length);
    this.#reserve(lengthBytes);
    this.#bytes.copyWithin(start - 1 + lengthBytes, start, this.#at);
    const end = this.#at + lengthBytes - 1;
    this.#at = start - 1;
    this.#varint(length);
    this.#at = end;
  }

  #open(): number {
    this.#at += 1;
    return this.#at;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= BASE) {
      this.#bytes[this.#at++] = (rest % BASE) + BASE;
      rest = Math.floor(rest / BASE);
    }
    this.#bytes[this.#at++] = rest;
  }

  /** Two's complement of 64 bits, also of an int32. */
  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 128n) {
      this.#bytes[this.#at++] = Number(rest & 127n) + BASE;
      rest >>= 7n;
    }
    this.#bytes[this.#at++] = Number(rest);
  }

  #reserve(bytes: number): void {
    const wanted = this.#at + bytes;
    if (wanted <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= BASE; rest = Math.floor(rest / BASE)) bytes += 1;
  return bytes;
}
