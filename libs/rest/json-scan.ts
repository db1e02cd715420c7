import { invalidArgument } from '../errors/errors.js';

/** Nesting of a request's JSON. Definitions nest deepest: an expression tree of 20 levels is 60 of JSON. */
export const JSON_DEPTH_MAX = 200;

/**
 * Values in one body, at all depths: `{},` is three bytes, and parsed an object of fifty. 100,000 events of twenty fields, or as
 * many composite keys.
 */
export const JSON_VALUES_MAX = 2_000_000;

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** Its decoding keeps no state from one call to the next. */
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Values that may still come. */
interface Budget {
  values: number;
}

/** What is done with each member: its bytes are [nameStart, nameEnd) with the quotes, and [valueStart, valueEnd). */
type Visit = (nameStart: number, nameEnd: number, valueStart: number, valueEnd: number) => void;

/**
 * The members of a JSON object, each with the bytes of its value, without parsing them: a push's
 * events go on as they came, at one pass over them. Refuses deeper nesting than a recursive parser's
 * stack bears, a name given twice, and text that is no object. What is between brackets is for the
 * parser of each value to judge.
 */
export function scanObject(bytes: Uint8Array, valuesMax = JSON_VALUES_MAX): ReadonlyMap<string, Uint8Array> {
  const members = new Map<string, Uint8Array>();
  scanMembers(
    bytes,
    (nameStart, nameEnd, valueStart, valueEnd) => {
      const name = parseName(bytes.subarray(nameStart, nameEnd));
      if (members.has(name)) throw malformed(`names '${name.slice(0, 64)}' twice`);
      members.set(name, bytes.subarray(valueStart, valueEnd));
    },
    valuesMax,
  );
  return members;
}

/** The members of a JSON object, parsed, and refused as `scanObject` and `parseJson` refuse them. */
export function parseObject(bytes: Uint8Array): ReadonlyMap<string, unknown> {
  let count = 0;
  scanMembers(bytes, () => (count += 1));
  const parsed = parsedWhole(bytes);
  // One that is named twice is there once. Whatever is wrong, member by member it is found out what.
  if (parsed?.length === count) return new Map(parsed);
  return new Map([...scanObject(bytes)].map(([name, value]) => [name, parseJson(value)]));
}

/** Undefined where it is no JSON. Own members, of whatever names. */
function parsedWhole(bytes: Uint8Array): readonly (readonly [string, unknown])[] | undefined {
  try {
    return Object.entries(JSON.parse(UTF8.decode(bytes)) as object); // the scan has found an object
  } catch {
    return undefined;
  }
}

function scanMembers(bytes: Uint8Array, visit: Visit, valuesMax = JSON_VALUES_MAX): void {
  const budget = { values: valuesMax };
  let i = skipSpace(bytes, 0);
  if (bytes[i] !== OPEN_BRACE) throw malformed('is no JSON object');
  i = skipSpace(bytes, i + 1);
  if (bytes[i] !== CLOSE_BRACE) {
    for (let isLast = false; !isLast;) {
      i = scanMember(bytes, i, visit, budget);
      isLast = bytes[i] === CLOSE_BRACE;
      if (!isLast) i = skipSpace(bytes, i + 1);
    }
  }
  if (skipSpace(bytes, i + 1) < bytes.length) throw malformed('is no JSON object: more follows it');
}

/** Visits the member that begins at `start`; returns the place of the comma or brace behind it. */
function scanMember(bytes: Uint8Array, start: number, visit: Visit, budget: Budget): number {
  if (bytes[start] !== QUOTE) throw malformed('is no JSON object');
  const nameEnd = stringEnd(bytes, start) + 1;
  const colon = skipSpace(bytes, nameEnd);
  if (bytes[colon] !== COLON) throw malformed('is no JSON object');
  const end = valueEnd(bytes, colon + 1, budget);
  visit(start, nameEnd, colon + 1, end);
  return end;
}

/** The place of the comma or brace that ends the value of a member: the first outside its strings and brackets. */
function valueEnd(bytes: Uint8Array, start: number, budget: Budget): number {
  let depth = 1;
  for (let i = start; i < bytes.length; i++) {
    switch (bytes[i]) {
      case QUOTE:
        i = stringEnd(bytes, i);
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        if (depth > JSON_DEPTH_MAX) throw malformed(`is nested deeper than ${JSON_DEPTH_MAX} levels`);
        spend(budget);
        break;
      case COMMA:
        if (depth === 1) return i;
        spend(budget);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
        if (depth === 0) return i;
        break;
    }
  }
  throw malformed('is no JSON object: it ends in the middle');
}

/** Each comma and each bracket begins a value. */
function spend(budget: Budget): void {
  if (--budget.values < 0) throw malformed('holds more values than one request may: send several smaller ones');
}

/** Parses one value; the text must be well-formed UTF-8. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(UTF8.decode(bytes)) as unknown;
  } catch (error) {
    // V8 quotes a piece of the text and its place: the sender's own, and what they need.
    throw malformed(`is no JSON: ${error instanceof Error ? error.message : 'malformed'}`);
  }
}

function parseName(bytes: Uint8Array): string {
  const name = parseJson(bytes);
  if (typeof name !== 'string') throw malformed('is no JSON object');
  return name;
}

/** The place of the closing quote of the string that opens at `start`. */
function stringEnd(bytes: Uint8Array, start: number): number {
  for (let i = start + 1; i < bytes.length; i++) {
    if (bytes[i] === BACKSLASH) i += 1;
    else if (bytes[i] === QUOTE) return i;
  }
  throw malformed('ends inside a string');
}

function skipSpace(bytes: Uint8Array, from: number): number {
  for (let i = from; ; i++) {
    const byte = bytes[i];
    if (byte !== SPACE && byte !== NEWLINE && byte !== RETURN && byte !== TAB) return i;
  }
}

function malformed(description: string): Error {
  return invalidArgument('body', description);
}
