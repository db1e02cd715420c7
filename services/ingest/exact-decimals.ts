import type { Field, ValueType } from '../../libs/schema/value-type.js';
import { UnreadableRecord } from './unreadable-record.js';

// JSON.parse makes a double of every number, and a double holds some 15 digits: a decimal that was
// written as a longer number would be stored as another one. So for datasets with decimals, records
// whose text has such a number are parsed twice, the second time with long numbers as strings,
// and their decimals are taken from there.

/** A double gives back any decimal text of so many significant digits. */
const DIGITS_EXACT = 15;

/** Strings, to pass over them, and numbers. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

/** Numbers follow one of these; cheap, and true of some texts too. */
const MAYBE_LONG = /[:,[\s]-?\d[\d.]{15}/;

export function holdsDecimal(fields: readonly Field[]): boolean {
  return fields.some((field) => typeHoldsDecimal(field.type));
}

/** The text's long numbers as strings; undefined where it has none. */
export function withLongNumbersQuoted(text: string): string | undefined {
  if (!MAYBE_LONG.test(text)) return undefined;
  let found = false;
  const quoted = text.replace(TOKEN, (token) => {
    if (token.startsWith('"') || significantDigits(token) <= DIGITS_EXACT) return token;
    found = true;
    return `"${token}"`;
  });
  return found ? quoted : undefined;
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

function significantDigits(number: string): number {
  return (number.split(/[eE]/)[0] ?? '').replace(/\D/g, '').replace(/^0+/, '').length;
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
    Object.defineProperty(value, name, { value: merged(value[name], exact[name], type), enumerable: true, configurable: true, writable: true });
  }
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
