import { invalidArgument } from '../errors/errors.js';

/** Nesting of a request's JSON. Definitions nest deepest: an expression tree of 20 levels is 60 of JSON. */
export const JSON_DEPTH_MAX = 200;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * The members of a JSON object, each with the bytes of its value, without parsing them: a push's
 * events go on as they came, at one pass over them. Refuses deeper nesting than a recursive parser's
 * stack bears, a name given twice, and text that is no object. What is between brackets is for the
 * parser of each value to judge.
 */
export function scanObject(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const members = new Map<string, Uint8Array>();
  let i = skipSpace(bytes, 0);
  if (bytes[i] !== OPEN_BRACE) throw malformed('is no JSON object');
  i = skipSpace(bytes, i + 1);
  if (bytes[i] !== CLOSE_BRACE) {
    for (let isLast = false; !isLast; ) {
      i = scanMember(bytes, i, members);
      isLast = bytes[i] === CLOSE_BRACE;
      if (!isLast) i = skipSpace(bytes, i + 1);
    }
  }
  if (skipSpace(bytes, i + 1) < bytes.length) throw malformed('is no JSON object: more follows it');
  return members;
}

/** Adds the member that begins at `start`, with its name; returns the place of the comma or brace behind it. */
function scanMember(bytes: Uint8Array, start: number, members: Map<string, Uint8Array>): number {
  if (bytes[start] !== QUOTE) throw malformed('is no JSON object');
  const nameEnd = stringEnd(bytes, start);
  const name = parseName(bytes.subarray(start, nameEnd + 1));
  const colon = skipSpace(bytes, nameEnd + 1);
  if (bytes[colon] !== COLON) throw malformed('is no JSON object');
  const end = valueEnd(bytes, colon + 1);
  if (members.has(name)) throw malformed(`names '${name.slice(0, 64)}' twice`);
  members.set(name, bytes.subarray(colon + 1, end));
  return end;
}

/** The place of the comma or brace that ends the value of a member: the first outside its strings and brackets. */
function valueEnd(bytes: Uint8Array, start: number): number {
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
        break;
      case COMMA:
        if (depth === 1) return i;
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

/** Parses one value; the text must be well-formed UTF-8. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
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
  let i = from;
  while (i < bytes.length && [0x20, 0x09, 0x0a, 0x0d].includes(bytes[i] ?? 0)) i += 1;
  return i;
}

function malformed(description: string): Error {
  return invalidArgument('body', description);
}
