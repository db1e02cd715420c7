import { FileError, ROW_BYTES_MAX } from './row-file.js';
import type { TextLine } from './split-lines.js';

const [NEWLINE, TAB, RETURN, SPACE] = [0x0a, 0x09, 0x0d, 0x20];
const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [BRACE_OPEN, BRACE_CLOSE, BRACKET_OPEN, BRACKET_CLOSE] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Texts of JSON without a look into them: the elements of one array, or values one behind another. Each has the line that it
 * begins in, and one that is longer than a row may be is passed over, never in memory as a whole. Where it cannot be said what
 * follows, the file ends in a FileError.
 */
export async function* splitJson(bytes: AsyncIterable<Uint8Array>, path: string, isArray: boolean): AsyncGenerator<TextLine> {
  const scan = new JsonScan(path, isArray);
  for await (const chunk of bytes) yield* scan.feed(chunk);
  yield* scan.end();
}

/** What may come next between two values. An array goes from `first` to `after`; values one behind another stay at `value`. */
type Between = 'open' | 'first' | 'value' | 'after' | 'closed';

class JsonScan {
  readonly #path: string;
  readonly #isArray: boolean;
  #between: Between;
  #line = 1;
  /** The line in which the value under way begins; undefined between values. */
  #startLine: number | undefined;
  #parts: Uint8Array[] = [];
  #length = 0;
  #depth = 0;
  #isString = false;
  #isEscaped = false;

  constructor(path: string, isArray: boolean) {
    this.#path = path;
    this.#isArray = isArray;
    this.#between = isArray ? 'open' : 'value';
  }

  *feed(chunk: Uint8Array): Generator<TextLine> {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0;
      if (this.#startLine === undefined) {
        if (!this.#begins(byte)) continue;
        this.#startLine = this.#line;
        start = i;
      }
      const ended = this.#passes(byte);
      if (ended !== undefined) {
        yield this.#close(chunk.subarray(start, ended === 'with' ? i + 1 : i));
        // What ended a bare word stands between values, and is looked at again as that.
        if (ended === 'before') i--;
      } else if (byte === NEWLINE) this.#line++;
    }
    if (this.#startLine !== undefined) this.#add(chunk.subarray(start));
  }

  *end(): Generator<TextLine> {
    const startLine = this.#startLine;
    if (startLine !== undefined && this.#depth === 0 && !this.#isString) yield this.#close(new Uint8Array());
    else if (startLine !== undefined) throw new FileError(this.#path, 'ends inside the value that begins there', startLine);
    if (this.#isArray && this.#between !== 'closed') throw new FileError(this.#path, 'ends inside its array', this.#line);
  }

  /** Whether a value begins with the byte; between two, everything else is a blank, a comma or an end. */
  #begins(byte: number): boolean {
    if (byte === NEWLINE) this.#line++;
    if (isBlank(byte)) return false;
    if (this.#between === 'open') {
      this.#between = 'first'; // who chose the mode has seen the bracket
      return false;
    }
    if (this.#between === 'closed') throw new FileError(this.#path, 'has text behind its array', this.#line);
    if (byte === BRACKET_CLOSE && this.#isArray && this.#between !== 'value') {
      this.#between = 'closed';
      return false;
    }
    if (this.#between === 'after') {
      if (byte !== COMMA) throw new FileError(this.#path, 'lacks a comma between two elements of its array', this.#line);
      this.#between = 'value';
      return false;
    }
    if (byte === COMMA || byte === BRACE_CLOSE || byte === BRACKET_CLOSE)
      throw new FileError(this.#path, `has '${String.fromCharCode(byte)}' where a value should begin`, this.#line);
    return true;
  }

  /** Takes a byte of the value under way: says whether it ended with it, or before it. */
  #passes(byte: number): 'with' | 'before' | undefined {
    if (this.#isString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) {
        this.#isString = false;
        return this.#depth === 0 ? 'with' : undefined;
      } else if (byte === NEWLINE) throw new FileError(this.#path, 'breaks a line inside a string', this.#line);
      return undefined;
    }
    switch (byte) {
      case QUOTE:
        this.#isString = true;
        return undefined;
      case BRACE_OPEN:
      case BRACKET_OPEN:
        this.#depth++;
        return undefined;
      case BRACE_CLOSE:
      case BRACKET_CLOSE:
        if (this.#depth === 0) return 'before';
        return --this.#depth === 0 ? 'with' : undefined;
      default:
        return this.#depth === 0 && (isBlank(byte) || byte === COMMA) ? 'before' : undefined;
    }
  }

  #add(part: Uint8Array): void {
    // A copy: what the stream gave may be a small part of a large chunk.
    if (this.#length < ROW_BYTES_MAX) this.#parts.push(Uint8Array.from(part));
    this.#length += part.length;
  }

  #close(last: Uint8Array): TextLine {
    const isCut = this.#length + last.length > ROW_BYTES_MAX;
    const whole = this.#length === 0 ? Buffer.from(last.buffer, last.byteOffset, last.byteLength) : Buffer.concat([...this.#parts, last]);
    const line = { number: this.#startLine ?? this.#line, bytes: isCut ? whole.subarray(0, ROW_BYTES_MAX) : whole, isCut };
    this.#parts = [];
    this.#length = 0;
    this.#startLine = undefined;
    if (this.#isArray) this.#between = 'after';
    return line;
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB;
}
