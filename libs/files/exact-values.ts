import { ExactNumber } from '../codec/exact-json.js';
import { formatDate } from '../schema/calendar-date.js';
import { formatTimestamp } from '../time/timestamp.js';
import { ValueError } from './row-file.js';

// What binary formats hold, as JSON can say it: exactly, or not at all (F1).

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const FIRST_DAY = -719_528; // 0000-01-01
const LAST_DAY = 2_932_896; // 9999-12-31
const NEGATIVE_EXPONENT_MAX = 400;

/** A number where a double holds the integer, else its digits. */
export function integerValue(value: number | bigint): number | ExactNumber {
  if (typeof value === 'number') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : new ExactNumber(value.toString());
}

export function floatValue(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new ValueError(`is ${value}, which no field holds: make it a finite number, or null`, String(value));
}

/** The number unscaled × 10^-scale, digit by digit. */
export function decimalValue(unscaled: bigint, scale: number): ExactNumber {
  if (Math.abs(scale) > NEGATIVE_EXPONENT_MAX) throw new ValueError(`has the scale ${scale}, which no field holds`);
  if (scale <= 0) return new ExactNumber((unscaled * 10n ** BigInt(-scale)).toString());
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const fraction = digits.slice(-scale).replace(/0+$/, '');
  return new ExactNumber(`${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}${fraction === '' ? '' : `.${fraction}`}`);
}

/** Two's complement, the highest byte first. */
export function bigEndianInteger(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

export type TimeUnit = 'second' | 'millisecond' | 'microsecond' | 'nanosecond';
const NS_PER_UNIT: Readonly<Record<TimeUnit, bigint>> = {
  second: 1_000_000_000n,
  millisecond: 1_000_000n,
  microsecond: 1_000n,
  nanosecond: 1n,
};

/** RFC 3339 in UTC; nanoseconds are rounded to the nearest microsecond (S1), halves up. */
export function instantValue(count: bigint, unit: TimeUnit): string {
  return instantText(floorDivided(count * NS_PER_UNIT[unit] + 500n, 1_000n));
}

/** `2026-01-31`, of days since 1970. */
export function dateValue(days: number | bigint): string {
  const number = Number(days);
  if (number >= FIRST_DAY && number <= LAST_DAY) return formatDate(number);
  throw new ValueError(
    `is a date out of range (${days} days since 1970): dates are those of the years 0000 to 9999`,
    `${days} days since 1970`,
  );
}

export function textValue(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new ValueError('is text that is not UTF-8');
  }
}

/** IEEE 754 half precision, from its 16 bits. */
export function halfFloat(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -24 * fraction;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1_024);
}

function instantText(us: bigint): string {
  const number = Number(us);
  try {
    const text = Number.isSafeInteger(number) ? formatTimestamp(number) : '';
    if (/^\d{4}-/.test(text)) return text;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // beyond what a Date holds
  }
  throw new ValueError(`is a time out of range (${us} microseconds since 1970)`, `${us} microseconds since 1970`);
}

function floorDivided(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a < 0n && quotient * b !== a ? quotient - 1n : quotient;
}
