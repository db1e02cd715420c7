/**
 * Event time (S1): microseconds since the Unix epoch, UTC, as a safe integer: a double holds each
 * of them exactly from the year 1684 to 2255, and what lies outside is refused, never rounded.
 */
export type TimestampUs = number;

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:Z|([+-])(\d\d):(\d\d))?)?$/i;
const EPOCH_SECONDS = /^(-?)(\d{1,12})(?:\.(\d+))?$/;

/** Reads what S1 allows: an RFC 3339 string, a date, a `Date`, or epoch seconds as a number or as text. */
export function parseTimestamp(input: unknown): TimestampUs {
  if (input instanceof Date) return checked(input.getTime() * 1_000, input);
  if (typeof input === 'number') return checked(secondsToUs(input), input);
  if (typeof input === 'string') return checked(parseText(input), input);
  return checked(Number.NaN, input);
}

/** RFC 3339 in UTC, with as many fraction digits as needed (S1). */
export function formatTimestamp(timestampUs: TimestampUs): string {
  const seconds = Math.floor(timestampUs / 1e6);
  const fractionUs = timestampUs - seconds * 1e6;
  const whole = formatSecond(seconds);
  if (fractionUs === 0) return `${whole}Z`;
  return `${whole}.${String(fractionUs).padStart(6, '0').replace(/0+$/, '')}Z`;
}

/** Seconds whose texts are remembered: an answer names the one that is now, and the one of its watermark. */
const TEXTS_KEPT = 8;
const keptSeconds = new Float64Array(TEXTS_KEPT).fill(Number.NaN);
const keptTexts = new Array<string>(TEXTS_KEPT).fill('');

/** Most texts are of a second that was written just before. */
function formatSecond(seconds: number): string {
  const place = Math.abs(seconds % TEXTS_KEPT);
  if (keptSeconds[place] !== seconds) {
    keptTexts[place] = new Date(seconds * 1_000).toISOString().slice(0, 19);
    keptSeconds[place] = seconds;
  }
  return keptTexts[place] ?? '';
}

function parseText(text: string): number {
  const usual = parseUsual(text);
  if (!Number.isNaN(usual)) return usual;
  const date = RFC_3339.exec(text);
  if (date !== null) return parseDate(date);
  const epoch = EPOCH_SECONDS.exec(text);
  if (epoch === null) return Number.NaN;
  // Whole seconds and fraction apart: their sum as a double would lose the last microsecond.
  const us = Number(epoch[2]) * 1e6 + Math.round(Number(`0.${epoch[3] ?? '0'}`) * 1e6);
  return epoch[1] === '-' ? 0 - us : us;
}

const ZERO = 0x30;
/** Where no month has fewer. */
const DAYS_OF_EVERY_MONTH = 28;

/**
 * `2026-01-31T12:00:00Z` or `2026-01-31T12:00:00.123456Z`, which a training set has a hundred thousand times: a fifth of what the
 * expression and its match cost. NaN for every other text, be it a timestamp or not.
 */
function parseUsual(text: string): number {
  const { length } = text;
  if (length < 20 || length > 27 || length === 21 || text[4] !== '-' || text[7] !== '-' || text[10] !== 'T') return Number.NaN;
  if (text[13] !== ':' || text[16] !== ':' || text[length - 1] !== 'Z' || (length > 20 && text[19] !== '.')) return Number.NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const [hour, minute, second] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  // Date.UTC takes years of two digits for others.
  if (!(year >= 1_000 && month >= 1 && month <= 12 && day >= 1 && day <= DAYS_OF_EVERY_MONTH)) return Number.NaN;
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN;
  const fractionUs = length === 20 ? 0 : digits(text, 20, length - 1) * 10 ** (27 - length);
  return Date.UTC(year, month - 1, day, hour, minute, second) * 1_000 + fractionUs;
}

/** The number that the digits [start, end) make; NaN where one is none. */
function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function parseDate(match: RegExpExecArray): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const [zoneHour, zoneMinute] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) return Number.NaN;
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return Number.NaN; // 30 February rolls over
  const zoneMinutes = (zoneHour * 60 + zoneMinute) * (match[8] === '-' ? -1 : 1);
  const seconds = midnight.getTime() / 1_000 + hour * 3_600 + (minute - zoneMinutes) * 60 + second;
  return seconds * 1e6 + Number((match[7] ?? '').padEnd(6, '0'));
}

function secondsToUs(seconds: number): number {
  const whole = Math.floor(seconds);
  return whole * 1e6 + Math.round((seconds - whole) * 1e6);
}

function checked(timestampUs: number, input: unknown): TimestampUs {
  if (Number.isSafeInteger(timestampUs)) return timestampUs;
  const shown =
    typeof input === 'string'
      ? `'${input.slice(0, 64)}'`
      : input === null
        ? 'null'
        : typeof input === 'number'
          ? String(input)
          : typeof input;
  // JavaScript and pandas write epoch milliseconds, which are years beyond 9999 when they are read as seconds.
  const isLongNumber = typeof input === 'number' ? Number.isFinite(input) : /^-?\d{10,19}$/.test(shown.slice(1, -1));
  const hint = isLongNumber ? '; milliseconds are to be divided by 1000, microseconds by 1000000' : '';
  throw new RangeError(`${shown} is no timestamp: send RFC 3339 such as '2026-01-31T12:00:00.5Z', a date, or epoch seconds${hint}`);
}
