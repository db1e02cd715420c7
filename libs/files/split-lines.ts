import { ROW_BYTES_MAX } from './row-file.js';

const NEWLINE = 0x0a;

export interface TextLine {
  /** Counted from 1. */
  readonly number: number;
  /** Without its LF. */
  readonly bytes: Buffer;
  /** It was longer than ROW_BYTES_MAX; the bytes are its beginning. */
  readonly isCut: boolean;
}

/**
 * Lines, at LF only: Node's own reader of lines also breaks at U+2028, which JSON allows inside a string, in some of its
 * versions. A line that is longer than a row may be is passed over: it is never in memory as a whole.
 */
export async function* splitLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TextLine> {
  const open = new OpenLine();
  let number = 1;
  for await (const chunk of bytes) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield { number, ...open.close(chunk.subarray(start, end)) };
      number++;
      start = end + 1;
    }
    if (start < chunk.length) open.add(chunk.subarray(start));
  }
  if (!open.isEmpty) yield { number, ...open.close(new Uint8Array()) };
}

/** A line whose end has not been seen. */
class OpenLine {
  #parts: Uint8Array[] = [];
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(part: Uint8Array): void {
    // A copy: what the stream gave may be a small part of a large chunk.
    if (this.#length < ROW_BYTES_MAX) this.#parts.push(Uint8Array.from(part));
    this.#length += part.length;
  }

  close(last: Uint8Array): { readonly bytes: Buffer; readonly isCut: boolean } {
    const isCut = this.#length + last.length > ROW_BYTES_MAX;
    const bytes =
      this.#length === 0
        ? Buffer.from(last.buffer, last.byteOffset, last.byteLength)
        : Buffer.concat(isCut ? this.#parts : [...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    return { bytes: isCut ? bytes.subarray(0, ROW_BYTES_MAX) : bytes, isCut };
  }
}
