import { DECIMAL_DIGITS_MAX } from './limits.js';

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,9}))?$/i;

/**
 * The one text of a decimal number: an optional `-`, digits without leading zeros, and a point only
 * with digits behind it that do not end in zero. Equal numbers are therefore equal texts.
 * Undefined where the input is no number or has more than DECIMAL_DIGITS_MAX digits.
 */
export function canonicalDecimal(input: string): string | undefined {
  const match = input.length <= 2 * DECIMAL_DIGITS_MAX ? DECIMAL.exec(input) : null;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match ?? [];
  const digits = whole + fraction;
  if (match === null || digits === '') return undefined;
  const point = whole.length + Number(exponent);
  if (point > DECIMAL_DIGITS_MAX || digits.length - point > DECIMAL_DIGITS_MAX) return undefined;
  const integer = digits.slice(0, Math.max(point, 0)).padEnd(point, '0').replace(/^0+/, '');
  const rest = (point < 0 ? '0'.repeat(-point) + digits : digits.slice(point)).replace(/0+$/, '');
  if (integer.length + rest.length > DECIMAL_DIGITS_MAX) return undefined;
  if (integer === '' && rest === '') return '0';
  return `${sign === '-' ? '-' : ''}${integer === '' ? '0' : integer}${rest === '' ? '' : `.${rest}`}`;
}

/** Below, at or above 0 as `a` is less than, equal to or greater than `b`: exact, both canonical. */
export function compareDecimals(a: string, b: string): number {
  if (a === b) return 0;
  const [negativeA, negativeB] = [a.startsWith('-'), b.startsWith('-')];
  if (negativeA !== negativeB) return negativeA ? -1 : 1;
  return negativeA ? compareMagnitudes(b.slice(1), a.slice(1)) : compareMagnitudes(a, b);
}

function compareMagnitudes(a: string, b: string): number {
  const [wholeA = '', fractionA = ''] = a.split('.');
  const [wholeB = '', fractionB = ''] = b.split('.');
  // No leading zeros: the longer integer part is the greater one.
  if (wholeA.length !== wholeB.length) return wholeA.length - wholeB.length;
  if (wholeA !== wholeB) return wholeA < wholeB ? -1 : 1;
  return fractionA < fractionB ? -1 : fractionA > fractionB ? 1 : 0;
}
