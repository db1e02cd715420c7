import { isUtf8 } from 'node:buffer';
import { FileError } from './row-file.js';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Lines of a stream of bytes that are not UTF-8. A decoder would put U+FFFD in place of what it cannot read, in silence, and store what
 * nobody wrote; so bytes are judged before they are decoded, in pieces that end between two characters.
 */
export class Utf8Lines {
  readonly #path: string;
  readonly #broken = new Set<number>();
  #line = 1;
  #endsInReturn = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** The same bytes, in other pieces. Throws FileError for UTF-16. */
  async *checked(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let rest: Uint8Array = new Uint8Array();
    let isFirst = true;
    for await (const chunk of bytes) {
      const joined = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (isFirst && joined.length >= 2) {
        isFirst = false;
        checkByteOrder(joined, this.#path);
      }
      const end = characterEnd(joined);
      rest = Uint8Array.from(joined.subarray(end)); // a copy: the chunk must not be kept for three bytes of it
      if (end > 0) yield this.#judged(joined.subarray(0, end));
    }
    if (rest.length > 0) yield this.#judged(rest);
  }

  /** Whether any line of the range, both included, is broken; what lies before its end is forgotten. */
  takeBroken(firstLine: number, lastLine: number): boolean {
    if (this.#broken.size === 0) return false;
    let found = false;
    for (const line of this.#broken) {
      if (line > lastLine) break; // they are in order
      this.#broken.delete(line);
      found ||= line >= firstLine;
    }
    return found;
  }

  #judged(piece: Uint8Array): Uint8Array {
    const whole = isUtf8(piece);
    let start = 0;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i];
      if (byte !== NEWLINE && byte !== RETURN) {
        this.#endsInReturn = false;
        continue;
      }
      const isSecondOfTwo = byte === NEWLINE && this.#endsInReturn;
      this.#endsInReturn = byte === RETURN;
      if (!isSecondOfTwo) {
        if (!whole && !isUtf8(piece.subarray(start, i))) this.#broken.add(this.#line);
        this.#line++;
      }
      start = i + 1;
    }
    if (!whole && !isUtf8(piece.subarray(start))) this.#broken.add(this.#line);
    return piece;
  }
}

/** Throws FileError for text that begins with the mark of UTF-16. */
export function checkByteOrder(bytes: Uint8Array, path: string): void {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) throw new FileError(path, 'is UTF-16: convert it, for example by iconv -f UTF-16 -t UTF-8', 1);
}

/** Where the last whole character of UTF-8 ends: at most three bytes before the end. */
function characterEnd(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue; // in the middle of a character
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
