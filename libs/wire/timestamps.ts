import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { invalidArgument } from '../errors/errors.js';
import { safeNumber, safeNumberIfAny } from './integers.js';

const NANOS_MAX = 999_999_999;

/** Microseconds since the epoch of a google.protobuf.Timestamp, rounded to the nearest one (S1). */
export function microsOf({ seconds, nanos }: Timestamp, field: string): number {
  if (nanos < 0 || nanos > NANOS_MAX) throw invalidArgument(`${field}.nanos`, `${nanos} is outside 0 to ${NANOS_MAX}`);
  return safeNumber(seconds * 1_000_000n + BigInt(Math.round(nanos / 1_000)), field);
}

/** An instant that a request may say in either of two fields; `field` is the name of the one that holds a Timestamp. */
export function instantIfAny(us: bigint | undefined, timestamp: Timestamp | undefined, field: string): number | undefined {
  if (timestamp === undefined) return safeNumberIfAny(us, `${field}_us`);
  if (us !== undefined) throw invalidArgument(field, `stands beside ${field}_us: send one of them`);
  return microsOf(timestamp, field);
}
