import { parseTimestamp } from '../time/timestamp.js';
import { parseDate } from './calendar-date.js';
import { canonicalDecimal } from './decimal.js';
import { BYTES_LENGTH_MAX, DECIMAL_DIGITS_MAX, TEXT_BYTES_MAX } from './limits.js';
import { Misfit, wrongKind } from './misfit.js';
import type { ScalarKind, Value } from './value-type.js';

/** Reads an input that is neither null nor undefined. */
export type Read = (input: unknown) => Value | Misfit;
export type ScalarReaders = Readonly<Record<ScalarKind, Read>>;

/** How clients send scalars: as JSON has them, with text where it has no word for them (S1, S12). */
export const clientScalars: ScalarReaders = {
  string: readText,
  int: readInt,
  float: readFloat,
  bool: (input) => (typeof input === 'boolean' ? input : wrongKind('a bool', input, 'send true or false')),
  bytes: readBytes,
  timestamp: readTimestamp,
  date: readDate,
  decimal: readDecimal,
};

// Stores and keys hold UTF-8, where half a surrogate pair becomes U+FFFD: two texts would be one.
const LONE_SURROGATE = /\p{Surrogate}/u;

export function readText(input: unknown): string | Misfit {
  if (typeof input !== 'string') return wrongKind('text', input, 'send a string');
  if (input.length * 3 > TEXT_BYTES_MAX && Buffer.byteLength(input) > TEXT_BYTES_MAX) {
    return new Misfit(`text of ${Buffer.byteLength(input)} bytes is over the limit of ${TEXT_BYTES_MAX}: send less`);
  }
  if (LONE_SURROGATE.test(input)) return new Misfit('text holds half a surrogate pair: send well-formed Unicode');
  return input;
}

export function readInt(input: unknown): number | Misfit {
  const number = typeof input === 'bigint' ? Number(input) : input;
  // `+ 0` makes 0 of −0: one number must be one value in keys and bytes.
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number + 0;
  if (typeof number === 'number') return wrongKind('an int', input, 'send a whole number between -(2^53 - 1) and 2^53 - 1');
  return wrongKind('an int', input, 'send a whole number, not quoted');
}

export function readFloat(input: unknown): number | Misfit {
  if (typeof input === 'number') {
    return Number.isFinite(input) ? input + 0 : wrongKind('a float', input, 'send a finite number, or null where the field is optional');
  }
  // A client of typed messages may send a whole number as an int.
  if (typeof input === 'bigint') return readInt(input);
  return wrongKind('a float', input, 'send a number');
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function readBytes(input: unknown): Uint8Array | Misfit {
  if (typeof input !== 'string') return readByteArray(input);
  if (input.length % 4 !== 0 || !BASE64.test(input)) return wrongKind('bytes', input, 'send them as base64 text with padding');
  if (input.length > Math.ceil(BYTES_LENGTH_MAX / 3) * 4) return tooManyBytes(Math.floor((input.length / 4) * 3));
  return readByteArray(Buffer.from(input, 'base64'));
}

/** Never a Buffer, whose `slice` and JSON are not those of a Uint8Array. */
export function readByteArray(input: unknown): Uint8Array | Misfit {
  if (!(input instanceof Uint8Array)) return wrongKind('bytes', input, 'send them as base64 text or as a byte array');
  if (input.length > BYTES_LENGTH_MAX) return tooManyBytes(input.length);
  return input instanceof Buffer ? new Uint8Array(input) : input;
}

function tooManyBytes(length: number): Misfit {
  return new Misfit(`${length} bytes are over the limit of ${BYTES_LENGTH_MAX}: send fewer`);
}

function readTimestamp(input: unknown): number | Misfit {
  try {
    return parseTimestamp(typeof input === 'bigint' ? Number(input) : input);
  } catch (error) {
    if (error instanceof RangeError) return new Misfit(error.message);
    throw error;
  }
}

function readDate(input: unknown): number | Misfit {
  const days = typeof input === 'string' ? parseDate(input) : undefined;
  return days ?? wrongKind('a date', input, "send it as text such as '2026-01-31'");
}

function readDecimal(input: unknown): string | Misfit {
  const text =
    typeof input === 'string' || typeof input === 'bigint' || Number.isFinite(input) ? canonicalDecimal(String(input)) : undefined;
  return text ?? wrongKind('a decimal', input, `send text such as '12.50' or a number, of at most ${DECIMAL_DIGITS_MAX} digits`);
}
