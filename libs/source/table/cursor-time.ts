import { parseTimestamp } from '../../time/timestamp.js';
import { cannotReset } from '../seek-error.js';
import { instantText } from './instant-text.js';

/** What a table's cursor is, of the times that warehouses know. */
export interface CursorTime {
  /** Whole days, else instants. */
  readonly isDate: boolean;
  /** What stands behind the digits where they are UTC: nothing for a type without a zone. */
  readonly zone: '' | 'Z' | '+00:00';
  /** Digits behind the second that its type holds. */
  readonly fractionMax: 6 | 9;
}

const US_PER_DAY = 86_400e6;
const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

/** The time that a person names, as a value of the cursor is bound: RFC 3339, or as `thyme sources` shows it. Throws a SourceError. */
export function cursorTimeOf(to: string, column: string, { isDate, zone, fractionMax }: CursorTime): string {
  const [, day = '', minute, second = '00', fraction = '', given = 'Z'] = TIME.exec(to.trim()) ?? [];
  const example = isDate ? '2026-11-01' : '2026-11-01 00:00:00Z';
  if (isDate && minute !== undefined) throw cannotReset(`'${to}' is no date, which ${column} is: write it as ${example}`);
  let seconds: number;
  try {
    seconds = parseTimestamp(`${day}T${minute ?? '00:00'}:${second}${zoneText(given)}`);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw cannotReset(`'${to}' is no time, which ${column} is: write it as ${example}`);
  }
  if (fraction.length > fractionMax)
    throw cannotReset(`'${to}' has ${fraction.length} digits behind the second, and ${column} has ${fractionMax} at most`);
  const whole = instantText(BigInt(seconds)).slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
  if (isDate) return whole.slice(0, 'YYYY-MM-DD'.length);
  return `${whole}${/[1-9]/.test(fraction) ? `.${fraction}` : ''}${zone}`;
}

/** The last value of the cursor that lies wholly at or before that instant. */
export function cursorTimeAt(us: number, { isDate, zone }: CursorTime): string {
  if (isDate) return instantText(BigInt(us - (US_PER_DAY - 1))).slice(0, 'YYYY-MM-DD'.length);
  return instantText(BigInt(us)).replace('Z', zone);
}

/** Of two values of one cursor, with all their digits. */
export function isEarlier(a: string, b: string): boolean {
  return comparable(a) < comparable(b);
}

function comparable(text: string): string {
  const [whole = '', fraction = ''] = text.replace(/(Z|\+00:00)$/, '').split('.');
  return `${whole}.${fraction.padEnd(9, '0')}`;
}

function zoneText(given: string): string {
  if (/^z$/i.test(given)) return 'Z';
  const digits = given.slice(1).replace(':', '').padEnd(4, '0');
  return `${given.slice(0, 1)}${digits.slice(0, 2)}:${digits.slice(2)}`;
}
