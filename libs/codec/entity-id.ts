import { invalidArgument } from '../errors/errors.js';
import { compileValueReader } from '../schema/read-value.js';
import { describeInput, Misfit } from '../schema/misfit.js';
import { clientScalars } from '../schema/read-scalar.js';
import type { Field, Value, ValueType } from '../schema/value-type.js';
import { checkKeyType } from './entity-key.js';

/**
 * The value of a key field from an entity id of a request, which comes as text (a URL) or as JSON:
 * coerced to the key's type, so that an int key may be "42" and a string key 42 (REST 8). Pushed
 * records are not coerced (S12). Throws INVALID_ARGUMENT naming `place` where the id does not fit.
 */
export function keyFromText(type: ValueType, input: unknown, place: string): Value {
  if (type.kind === 'int' && typeof input === 'string' && !INT_TEXT.test(input)) {
    throw invalidArgument(place, `expected an int, got ${describeInput(input)}: send digits, such as 42`);
  }
  const value = readKey(type, coerced(type, input), place);
  if (value === '') throw invalidArgument(place, 'the entity id is empty: send one');
  return value;
}

/**
 * The values of all key fields. One key field: the id itself, or an object with that field. A
 * composite key: an object of its fields, or a list of the values in the order declared.
 */
export function keyValuesFrom(fields: readonly Field[], input: unknown, place: string): readonly Value[] {
  if (Array.isArray(input)) {
    if (input.length !== fields.length)
      throw invalidArgument(place, `${input.length} values for a key of ${named(fields)}: send one for each`);
    return fields.map((field, i) => keyFromText(field.type, input[i], `${place}.${field.name}`));
  }
  if (typeof input === 'object' && input !== null && !isDate(input)) return valuesByName(fields, input, place);
  const [only] = fields;
  if (only === undefined || fields.length > 1) {
    throw invalidArgument(place, `the key is ${named(fields)}, got ${describeInput(input)}: send an object with each of them`);
  }
  return [keyFromText(only.type, input, place)];
}

function valuesByName(fields: readonly Field[], input: object, place: string): readonly Value[] {
  const members = new Map<string, unknown>(Object.entries(input));
  const values = fields.map((field) => keyFromText(field.type, members.get(field.name), `${place}.${field.name}`));
  for (const field of fields) members.delete(field.name);
  // A surplus member would be a condition silently dropped from the question.
  for (const name of members.keys())
    throw invalidArgument(place, `'${name.slice(0, 64)}' is not part of the key, which is ${named(fields)}: remove it`);
  return values;
}

function readKey(type: ValueType, input: unknown, place: string): Value {
  checkKeyType(type, place);
  if (type.kind === 'enum' || type.kind === 'list' || type.kind === 'struct') return compileValueReader(type, place)(input);
  const value = clientScalars[type.kind](input); // nothing to compile on the hot path of a query
  if (value instanceof Misfit) throw invalidArgument(place, value.description);
  return value;
}

function named(fields: readonly Field[]): string {
  return fields.map((field) => `'${field.name}'`).join(', ');
}

const INT_TEXT = /^-?(?:0|[1-9]\d{0,15})$/;

/** The input in the JSON kind that the type reads, where that loses nothing; otherwise as it came. */
function coerced(type: ValueType, input: unknown): unknown {
  switch (type.kind) {
    case 'string':
    case 'enum':
      // Past 2^53 two ids would be one number.
      return Number.isSafeInteger(input) || typeof input === 'bigint' ? String(input) : input;
    case 'int':
      return typeof input === 'string' && INT_TEXT.test(input) ? Number(input) : input;
    case 'bool':
      return input === 'true' ? true : input === 'false' ? false : input;
    case 'timestamp':
      return isDate(input) ? new Date(Number(input)) : input;
    default:
      return input;
  }
}

/** By tag and not by class: an author's lookup may bring a Date of the bundle's own realm. */
function isDate(input: unknown): input is Date {
  return Object.prototype.toString.call(input) === '[object Date]';
}
