// JSON whose numbers keep their text. JSON.parse makes a double of every number: one of more than some 15 digits becomes
// another number, and 1e400 infinity, before anybody could refuse it. One pass over the text, no backtracking.

/** A number that a double does not give back as it was written. */
export class ExactNumber {
  constructor(
    /** As JSON spells it. */
    readonly text: string,
  ) {}

  toString(): string {
    return this.text;
  }

  /** For writers that know nothing of it: text, which keeps every digit. */
  toJSON(): string {
    return this.text;
  }
}

export type ExactJson = null | boolean | string | number | ExactNumber | readonly ExactJson[] | ExactObject;
export interface ExactObject {
  readonly [name: string]: ExactJson;
}

const DEPTH_MAX = 200;
/** A double gives back any decimal text of so many significant digits. */
const DIGITS_EXACT = 15;
/** Between these, where a double has all of its digits. */
const MAGNITUDE_MIN = 1e-290;
const MAGNITUDE_MAX = 1e290;

const SPACE = /[ \t\r\n]*/y;
const PLAIN_STRING = /"[^"\\\u0000-\u001f]*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/** Parses one JSON text. Throws SyntaxError, with the place, for what is none, nests deeper than 200, or names a member twice. */
export function parseExactJson(text: string): ExactJson {
  return new Parser(text).whole();
}

/** The number that the text says, as a double where that gives the same text's value back, else exactly. */
export function exactNumber(text: string): number | ExactNumber {
  const number = Number(text);
  if (text.length > DIGITS_EXACT && significantDigits(text) > DIGITS_EXACT) return new ExactNumber(text);
  const magnitude = Math.abs(number);
  if (magnitude === 0) return significantDigits(text) === 0 ? number : new ExactNumber(text);
  return magnitude >= MAGNITUDE_MIN && magnitude <= MAGNITUDE_MAX ? number : new ExactNumber(text);
}

/**
 * The value as JSON text: `ExactNumber` by its own text, a bigint by its digits, bytes as base64; members that are undefined are left out.
 * Throws RangeError for a number that JSON has no word for.
 */
export function encodeExactJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) throw new RangeError(`${value} is no number of JSON: send a finite one, or null`);
      return String(value);
    case 'bigint':
      return value.toString();
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : encodeObject(value);
    default:
      return 'null';
  }
}

function encodeObject(value: object): string {
  if (value instanceof ExactNumber) return value.text;
  if (value instanceof Uint8Array) return `"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"`;
  if (Array.isArray(value)) return `[${value.map(encodeExactJson).join(',')}]`;
  let text = '';
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${encodeExactJson(member)}`;
  }
  return `{${text}}`;
}

function significantDigits(number: string): number {
  return number
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '').length;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): ExactJson {
    const value = this.#value(0);
    this.#match(SPACE);
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value;
  }

  #value(depth: number): ExactJson {
    if (depth > DEPTH_MAX) throw new SyntaxError(`is nested deeper than ${DEPTH_MAX} levels`);
    this.#match(SPACE);
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #object(depth: number): ExactObject {
    const members: Record<string, ExactJson> = {};
    this.#at++;
    if (this.#isNext('}')) return members;
    do {
      this.#match(SPACE);
      const name = this.#string();
      if (!this.#isNext(':')) throw this.#unexpected();
      if (Object.hasOwn(members, name)) throw new SyntaxError(`names '${name.slice(0, 64)}' twice`);
      const value = this.#value(depth + 1);
      // Defined, not assigned: a member called `__proto__` would set the prototype.
      if (name === '__proto__') Object.defineProperty(members, name, { value, enumerable: true, configurable: true, writable: true });
      else members[name] = value;
    } while (this.#isNext(','));
    if (!this.#isNext('}')) throw this.#unexpected();
    return members;
  }

  #array(depth: number): readonly ExactJson[] {
    const elements: ExactJson[] = [];
    this.#at++;
    if (this.#isNext(']')) return elements;
    do elements.push(this.#value(depth + 1));
    while (this.#isNext(','));
    if (!this.#isNext(']')) throw this.#unexpected();
    return elements;
  }

  #string(): string {
    const plain = this.#match(PLAIN_STRING);
    if (plain !== undefined) return plain.slice(1, -1);
    if (this.#text[this.#at] !== '"') throw this.#unexpected();
    let end = this.#at + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    if (end >= this.#text.length) throw new SyntaxError('ends inside a string');
    const start = this.#at;
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string; // a string by its quotes
    } catch {
      // What JavaScript says of it is of this piece alone, and another thing in each of its versions.
      throw new SyntaxError(`has a bare control character, or a backslash that begins no escape, in the string at character ${start + 1}`);
    }
  }

  #scalar(): ExactJson {
    const number = this.#match(NUMBER);
    if (number !== undefined) return exactNumber(number);
    switch (this.#match(WORD)) {
      case 'true':
        return true;
      case 'false':
        return false;
      case 'null':
        return null;
      default:
        throw this.#unexpected();
    }
  }

  /** Passes over the mark, and the space before it, where it comes next. */
  #isNext(mark: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #unexpected(): SyntaxError {
    const found = this.#text[this.#at];
    return new SyntaxError(
      found === undefined ? 'ends in the middle' : `has ${JSON.stringify(found)} where it should not, at character ${this.#at + 1}`,
    );
  }
}
