import { formatTimestamp } from '../../time/timestamp.js';

/** RFC 3339, also outside of the years that a timestamp field holds: those are refused where they are stored, by name. */
export function instantText(us: bigint): string {
  const number = Number(us);
  if (Number.isSafeInteger(number)) return formatTimestamp(number);
  const seconds = (us - (((us % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n;
  const fraction = String(us - seconds * 1_000_000n).padStart(6, '0');
  return `${new Date(Number(seconds) * 1_000).toISOString().slice(0, 19)}.${fraction}Z`;
}
