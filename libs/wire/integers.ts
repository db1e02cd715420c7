import { invalidArgument } from '../errors/errors.js';

/** An int64 of a message as a number; refused, never rounded, outside the range that a double holds exactly (S8). */
export function safeNumber(value: bigint, field: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidArgument(field, `${value} is outside ±(2^53 − 1): send a smaller integer`);
  return number;
}

/** The same for a field that may be absent. */
export function safeNumberIfAny(value: bigint | undefined, field: string): number | undefined {
  return value === undefined ? undefined : safeNumber(value, field);
}

/** The int64 of a number that may be absent. */
export function int64IfAny(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}
