import { parseExactJson } from '../../codec/exact-json.js';
import type { ValueType } from '../../schema/value-type.js';
import { plain } from '../objects/object-rows.js';
import { DecodeError } from './decode-error.js';

/** JSON that a column holds, as a push would send it: every digit of its numbers is kept. */
export function decodeJson(text: string, type: ValueType): unknown {
  try {
    return plain(parseExactJson(text), type);
  } catch (error) {
    if (error instanceof SyntaxError) throw new DecodeError(`is no JSON: it ${error.message}`, { cause: error });
    throw error;
  }
}

/** Beyond 2^53 as a BigInt, which the door refuses by name rather than round it; with a fraction as text, which it refuses as well. */
export function wholeNumber(text: string): unknown {
  const number = Number(text);
  if (Number.isSafeInteger(number) && /^-?\d+$/.test(text)) return number;
  return /^-?\d+$/.test(text) ? BigInt(text) : text;
}

/** With the words for what is no number, as both systems write them. */
export function floatNumber(text: string): number {
  const infinity = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinity === null) return Number(text);
  return infinity[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
