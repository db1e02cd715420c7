// LZ4, since the library's own reader refuses a block that ends without literals, and has none for frames. Parquet holds
// blocks, older writers put Hadoop's lengths before each; Arrow files hold frames:
//
//   | magic 04 22 4D 18 | flags u8 | block size u8 | content size u64, if flagged | dictionary u32, if flagged | checksum u8 |
//   | block | block | ... | 0 u32 | content checksum u32, if flagged |
//     block = | length u32, its top bit set where the bytes are stored as they are | bytes | checksum u32, if flagged |
//
// A block may copy from what the blocks before it gave, so all of them are written into one output.

const MAGIC = 0x184d2204;
const STORED = 0x80000000;
const HAS_DICTIONARY = 0x01;
const HAS_CONTENT_SIZE = 0x08;
const HAS_BLOCK_CHECKSUM = 0x10;
/** What a damaged length may not exceed: a record batch's largest buffer. */
const OUTPUT_BYTES_MAX = 2 ** 31 - 1;

/** Throws RangeError for what is no such frame, or a damaged one. */
export function decompressLz4Frame(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (input.length < 7 || view.getUint32(0, true) !== MAGIC) throw damaged();
  const flags = view.getUint8(4);
  let at = 6;
  const output = new GrowingBytes(flags & HAS_CONTENT_SIZE ? Number(view.getBigUint64(at, true)) : input.length * 4);
  at += (flags & HAS_CONTENT_SIZE ? 8 : 0) + (flags & HAS_DICTIONARY ? 4 : 0) + 1;
  for (;;) {
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) return output.bytes();
    const length = word & ~STORED;
    const block = input.subarray(at, at + length);
    if (block.length < length) throw damaged();
    if ((word & STORED) !== 0) output.append(block);
    else decompressBlock(block, output);
    at += length + (flags & HAS_BLOCK_CHECKSUM ? 4 : 0);
  }
}

/** One block, as parquet's LZ4_RAW holds it. Throws RangeError for a damaged one. */
export function decompressLz4Block(input: Uint8Array, outputLength: number): Uint8Array {
  const output = new GrowingBytes(outputLength);
  decompressBlock(input, output);
  return output.bytes();
}

/** Parquet's older LZ4: blocks, each behind its two lengths (u32, big-endian), or one bare block, or a frame; all of them were written. */
export function decompressLz4(input: Uint8Array, outputLength: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (input.length >= 7 && view.getUint32(0, true) === MAGIC) return decompressLz4Frame(input);
  if (!isHadoop(view, outputLength)) return decompressLz4Block(input, outputLength);
  const output = new GrowingBytes(outputLength);
  for (let at = 0; at < input.length; at += 8 + view.getUint32(at + 4)) {
    output.append(decompressLz4Block(input.subarray(at + 8, at + 8 + view.getUint32(at + 4)), view.getUint32(at)));
  }
  return output.bytes();
}

/** Whether the lengths add up. */
function isHadoop(view: DataView, outputLength: number): boolean {
  let expected = 0;
  let at = 0;
  while (at + 8 <= view.byteLength) {
    expected += view.getUint32(at);
    at += 8 + view.getUint32(at + 4);
  }
  return at === view.byteLength && expected === outputLength;
}

/** Sequences of literals and copies: | token | literals' length | literals | offset u16 | match length |. The last has literals alone. */
function decompressBlock(block: Uint8Array, output: GrowingBytes): void {
  let at = 0;
  const lengthFrom = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (let more = 255; more === 255; length += more) more = block[at++] ?? 0;
    return length;
  };
  while (at < block.length) {
    const token = block[at++] ?? 0;
    const literals = lengthFrom(token >> 4);
    if (at + literals > block.length) throw damaged();
    output.append(block.subarray(at, at + literals));
    at += literals;
    if (at >= block.length) return;
    const distance = (block[at] ?? 0) | ((block[at + 1] ?? 0) << 8);
    at += 2;
    output.copyBack(distance, lengthFrom(token & 15) + 4);
  }
}

class GrowingBytes {
  #bytes: Uint8Array;
  #length = 0;

  constructor(expected: number) {
    if (expected > OUTPUT_BYTES_MAX) throw damaged();
    this.#bytes = new Uint8Array(expected);
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  append(part: Uint8Array): void {
    this.#reserve(part.length);
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
  }

  /** The copy may reach into what it writes itself: a run of one byte is a copy at distance 1. */
  copyBack(distance: number, length: number): void {
    if (distance === 0 || distance > this.#length) throw damaged();
    this.#reserve(length);
    const bytes = this.#bytes;
    for (let to = this.#length, end = to + length; to < end; to++) bytes[to] = bytes[to - distance] ?? 0;
    this.#length += length;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    if (needed > OUTPUT_BYTES_MAX) throw damaged();
    const grown = new Uint8Array(Math.min(OUTPUT_BYTES_MAX, Math.max(needed, this.#bytes.length * 2)));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

function damaged(): RangeError {
  return new RangeError('the LZ4 frame is damaged');
}
