// Numbers, durations and instants as people read them. Instants are µs since the epoch, shown in UTC.
import { formatTimestamp } from '../../../libs/time/timestamp.js';

const COUNTS = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const PLAIN = new Intl.NumberFormat('en', { maximumSignificantDigits: 9 });
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

export function nowUs(): number {
  return new Date().getTime() * 1_000;
}

export function countText(count: number): string {
  return COUNTS.format(count);
}

/** `1.2M` where it is large. */
export function shortText(number: number): string {
  return SHORT.format(number);
}

export function rateText(perSecond: number): string {
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : COUNTS.format(perSecond);
}

export function msText(ms: number | null): string {
  if (ms === null) return '–';
  if (ms < 1) return `${Math.round(ms * 1_000)} µs`;
  return ms < 1_000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ['w', 604_800e6],
  ['d', 86_400e6],
  ['h', 3_600e6],
  ['m', 60e6],
  ['s', 1e6],
];

/** µs of `1h`, as REST writes durations; null for `forever` and for what is none. */
export function durationUs(text: string): number | null {
  const [, amount, unit] = /^([\d.]+)([wdhms])$/.exec(text) ?? [];
  const unitUs = UNITS.find(([name]) => name === unit)?.[1];
  return amount === undefined || unitUs === undefined ? null : Number(amount) * unitUs;
}

/** The two largest units: `2d 3h`. */
export function spanText(us: number): string {
  if (us < 1e6) return msText(us / 1_000);
  const parts: string[] = [];
  let rest = us;
  for (const [unit, unitUs] of UNITS) {
    const amount = Math.floor(rest / unitUs);
    if (amount > 0) parts.push(`${amount}${unit}`);
    rest -= amount * unitUs;
    if (parts.length === 2 || (parts.length === 1 && amount === 0)) break;
  }
  return parts.join(' ');
}

export function agoText(us: number, now = nowUs()): string {
  return now - us < 1e6 ? 'now' : `${spanText(now - us)} ago`;
}

/** `2026-01-31 12:00:00.5`: UTC, to the microsecond where it has them. */
export function instantText(us: number): string {
  return formatTimestamp(us).replace('T', ' ').replace('Z', '');
}

/** A value of a feature or a field as it is read: strings as they are, lists with commas. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number') return Number.isInteger(value) ? COUNTS.format(value) : PLAIN.format(value);
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.length === 0 ? '[ ]' : value.map(valueText).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
