import { ExactNumber, exactNumber, parseExactJson } from '../codec/exact-json.js';
import type { ValueType } from '../schema/value-type.js';
import { formatTimestamp, parseTimestamp } from '../time/timestamp.js';

export type FieldKind = ValueType['kind'];

type ReadValue = (value: unknown) => unknown;

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);
const LONG_FRACTION = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)\.(\d{7,9})((?:Z|[+-]\d\d:\d\d)?)$/i;

/**
 * How a value of a file fills a field of that kind. What does not fit is left as it is, for whoever reads the record to name.
 * `isText`: the file knows text alone, which is read by the kind of the field.
 */
export function compileFieldValue(kind: FieldKind | undefined, isText: boolean): ReadValue {
  switch (kind) {
    case 'int':
    case 'float':
      return isText ? ofText(numberOf) : (value) => value;
    case 'bool':
      return isText ? ofText((text) => BOOLEANS.get(text.toLowerCase()) ?? text) : (value) => value;
    case 'decimal':
      // As text it keeps its digits whatever stands between here and the dataset.
      return (value) => (value instanceof ExactNumber ? value.text : value);
    case 'timestamp':
      return isText ? ofText((text) => roundedTime(secondsOf(text))) : ofText(roundedTime);
    case 'string':
      // Older writers of parquet do not mark text as such.
      return (value) => (value instanceof Uint8Array ? (utf8Text(value) ?? value) : value);
    case 'struct':
    case 'list':
      return ofText(jsonOf);
    default:
      return (value) => value;
  }
}

function ofText(read: (text: string) => unknown): ReadValue {
  return (value) => (typeof value === 'string' ? read(value) : value);
}

/** As JSON spells it: without a plus, leading zeros or a bare point, digit by digit. */
function numberOf(text: string): unknown {
  const trimmed = text.trim();
  if (!NUMBER.test(trimmed)) return text;
  const [mantissa = '', exponent] = trimmed.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace(/^[+-]/, '').split('.');
  const digits = `${whole.replace(/^0+(?=\d)/, '') || '0'}${fraction === '' ? '' : `.${fraction}`}`;
  return exactNumber(`${trimmed.startsWith('-') ? '-' : ''}${digits}${exponent === undefined ? '' : `e${exponent}`}`);
}

/** Epoch seconds in scientific notation, as data frames print them. */
function secondsOf(text: string): unknown {
  return NUMBER.test(text) && /[eE]/.test(text) ? Number(text) : text;
}

/** Nanoseconds rounded to the nearest microsecond, halves up (S1). */
export function roundedTime(value: unknown): unknown {
  const [, second, fraction, zone] = (typeof value === 'string' ? LONG_FRACTION.exec(value) : null) ?? [];
  if (second === undefined || fraction === undefined) return value;
  const us = Math.round(Number(fraction.padEnd(9, '0')) / 1_000);
  try {
    return formatTimestamp(parseTimestamp(`${second}${zone ?? ''}`) + us);
  } catch {
    return value; // no such date: the deployment says so
  }
}

function jsonOf(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return text;
  }
}

function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
