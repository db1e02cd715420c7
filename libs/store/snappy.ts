import { requireIntact } from './file-damage.js';

const LITERAL = 0;
const COPY_1 = 1;
/** What a block of LevelDB has at most, many times over: a broken length must not take all memory. */
const LENGTH_MAX = 64 * 1_024 * 1_024;

/** Decompresses a block as LevelDB compresses it (google/snappy, format_description.txt). */
export function unsnappy(bytes: Uint8Array): Uint8Array {
  const { value: length, next } = readVarint(bytes, 0);
  requireIntact(length <= LENGTH_MAX, 'a compressed block has an impossible length');
  const out = new Uint8Array(length);
  let [at, end] = [next, 0];
  while (at < bytes.length) {
    const tag = bytes[at]!;
    const kind = tag & 3;
    if (kind === LITERAL) {
      const extra = Math.max(0, (tag >>> 2) - 59);
      const count = 1 + (extra === 0 ? tag >>> 2 : littleEndian(bytes, at + 1, extra));
      at += 1 + extra;
      requireIntact(at + count <= bytes.length && end + count <= length, 'a compressed block is broken');
      out.set(bytes.subarray(at, at + count), end);
      at += count;
      end += count;
      continue;
    }
    const width = kind === COPY_1 ? 1 : kind === 2 ? 2 : 4;
    const count = kind === COPY_1 ? 4 + ((tag >>> 2) & 7) : 1 + (tag >>> 2);
    const back = littleEndian(bytes, at + 1, width) + (kind === COPY_1 ? (tag >>> 5) << 8 : 0);
    at += 1 + width;
    requireIntact(back > 0 && back <= end && end + count <= length, 'a compressed block is broken');
    for (let i = 0; i < count; i++, end++) out[end] = out[end - back]!; // byte by byte: a copy may reach into itself
  }
  requireIntact(end === length, 'a compressed block is cut short');
  return out;
}

export function readVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = bytes[at + i];
    requireIntact(byte !== undefined, 'a length is cut short');
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: at + i + 1 };
  }
  requireIntact(false, 'a length is impossible');
}

export function littleEndian(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
