import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { Field, ValueType } from '../../libs/schema/value-type.js';
import { UnreadableRecord } from './unreadable-record.js';

// JSON.parse makes a double of every number, and a double holds some 15 digits: a decimal that was
// written as a longer number would be stored as another one. So for datasets with decimals, records
// whose text has such a number are parsed twice, the second time with long numbers as strings,
// and their decimals are taken from there.

/** A double gives back any decimal text of so many significant digits. */
const DIGITS_EXACT = 15;

/** Numbers follow one of these; cheap, and true of some texts too. */
const MAYBE_LONG = /[:,[\s]-?\d[\d.]{15}/;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_E = 0x45;
const BACKSLASH = 0x5c;
const SMALL_E = 0x65;

/** Where a dataset's fields lie in what is sent: a Debezium envelope has them before and after, and may stand beside its schema (S17). */
export function bodyFields({ fields, cdc }: Pick<DatasetDefinition, 'fields' | 'cdc'>): readonly Field[] {
  if (cdc?.mode !== 'debezium') return fields;
  const row = { kind: 'struct', fields, optional: true } as const;
  const envelope = ['before', 'after'].map((name): Field => ({ name, type: row }));
  return [...envelope, { name: 'payload', type: { kind: 'struct', fields: envelope, optional: true } }];
}

export function holdsDecimal(fields: readonly Field[]): boolean {
  return fields.some((field) => typeHoldsDecimal(field.type));
}

/**
 * The text's long numbers as strings; undefined where it has none. One pass, whatever the text is: a regular expression for
 * strings begins again at each quote of a string that does not end.
 */
export function withLongNumbersQuoted(text: string): string | undefined {
  if (!MAYBE_LONG.test(text)) return undefined;
  const pieces: string[] = [];
  let written = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = stringEnd(text, at);
    else if (isDigit(code) || (code === MINUS && isDigit(text.charCodeAt(at + 1)))) {
      const end = numberEnd(text, at);
      if (significantDigits(text, at, end) > DIGITS_EXACT) {
        pieces.push(text.slice(written, at), '"', text.slice(at, end), '"');
        written = end;
      }
      at = end;
    } else at++;
  }
  return pieces.length === 0 ? undefined : pieces.join('') + text.slice(written);
}

/** The records, with decimals as the other parse has them. Both parses are of one text. */
export function withExactDecimals(records: readonly unknown[], exact: readonly unknown[], fields: readonly Field[]): readonly unknown[] {
  return records.map((record, i) => (record instanceof UnreadableRecord ? record : mergedFields(record, exact[i], fields)));
}

function typeHoldsDecimal(type: ValueType): boolean {
  switch (type.kind) {
    case 'decimal':
      return true;
    case 'list':
      return typeHoldsDecimal(type.of);
    case 'struct':
      return holdsDecimal(type.fields);
    default:
      return false;
  }
}

/** Behind the string that opens at `start`. It ends with its line at the latest: JSON's strings have no line breaks. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE || code === NEWLINE) return at + 1;
  }
  return text.length;
}

function numberEnd(text: string, start: number): number {
  let at = start + 1;
  while (isOfNumber(text.charCodeAt(at))) at++;
  return at;
}

/** Counts the digits of the number in [start, end), from its first that is not 0 up to its exponent. */
function significantDigits(text: string, start: number, end: number): number {
  let digits = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === LETTER_E || code === SMALL_E) break;
    if (isDigit(code) && (digits > 0 || code !== ZERO)) digits++;
  }
  return digits;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isOfNumber(code: number): boolean {
  return isDigit(code) || code === POINT || code === PLUS || code === MINUS || code === LETTER_E || code === SMALL_E;
}

function merged(value: unknown, exact: unknown, type: ValueType): unknown {
  switch (type.kind) {
    case 'decimal':
      return typeof value === 'number' ? exact : value;
    case 'list':
      return Array.isArray(value) && Array.isArray(exact) ? value.map((element, i) => merged(element, exact[i], type.of)) : value;
    case 'struct':
      return mergedFields(value, exact, type.fields);
    default:
      return value;
  }
}

function mergedFields(value: unknown, exact: unknown, fields: readonly Field[]): unknown {
  if (!isObject(value) || !isObject(exact)) return value;
  for (const { name, type } of fields) {
    if (!typeHoldsDecimal(type) || !Object.hasOwn(value, name)) continue;
    // Defined, not assigned: a field called `__proto__` would set the prototype.
    Object.defineProperty(value, name, {
      value: merged(value[name], exact[name], type),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
