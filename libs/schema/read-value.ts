import { invalidArgument } from '../errors/errors.js';
import { LIST_LENGTH_MAX, TYPE_DEPTH_MAX } from './limits.js';
import { Misfit, wrongKind } from './misfit.js';
import { clientScalars, type Read, type ScalarReaders } from './read-scalar.js';
import type { Field, Row, Value, ValueType } from './value-type.js';

export interface ReadRow {
  readonly row: Row;
  /** How many fields the input had that the schema has not; they are left out and counted (S12). */
  readonly ignored: number;
}

/**
 * A reader of records with these fields. It throws INVALID_ARGUMENT that names the first field which
 * does not fit, as `<place>.<field>`, and the fix. Explicit null is absence, refused where the field
 * is required (S12). Only own properties are read, so that `constructor` or `__proto__` are fields
 * like any other.
 */
export function compileReader(
  fields: readonly Field[],
  place: string,
  scalars: ScalarReaders = clientScalars,
): (input: unknown) => ReadRow {
  const columns = compileColumns(fields, place, scalars);
  const known = new Set(fields.map((field) => field.name));
  return (input) => {
    if (!isRecord(input)) throw misfitError(place, wrongKind('an object', input, 'send one with the fields of the schema'));
    const row: Value[] = [];
    let present = 0;
    for (const { name, read } of columns) {
      const own = Object.hasOwn(input, name);
      if (own) present++;
      const value = read(own ? input[name] : undefined);
      if (value instanceof Misfit) throw misfitError(place, value.within(`.${name}`));
      row.push(value);
    }
    return { row, ignored: countIgnored(input, present, known) };
  };
}

/** A reader of single values of the type, which throws like `compileReader`, naming `place`. */
export function compileValueReader(type: ValueType, place: string, scalars: ScalarReaders = clientScalars): (input: unknown) => Value {
  checkDepth(type, place);
  const read = compileRead(type, scalars);
  return (input) => {
    const value = read(input);
    if (value instanceof Misfit) throw misfitError(place, value);
    return value;
  };
}

/** Refuses types nested deeper than TYPE_DEPTH_MAX, for which no reader, writer or codec is compiled. */
export function checkDepth(type: ValueType, place: string, depth = 1): void {
  if (depth > TYPE_DEPTH_MAX) throw invalidArgument(place, `its type nests deeper than ${TYPE_DEPTH_MAX} lists and structs: flatten it`);
  if (type.kind === 'list') checkDepth(type.of, place, depth + 1);
  if (type.kind === 'struct') for (const field of type.fields) checkDepth(field.type, `${place}.${field.name}`, depth + 1);
}

interface Column {
  readonly name: string;
  readonly read: Read;
}

function compileColumns(fields: readonly Field[], place: string, scalars: ScalarReaders): readonly Column[] {
  for (const field of fields) checkDepth(field.type, `${place}.${field.name}`);
  return fields.map((field) => ({ name: field.name, read: compileRead(field.type, scalars) }));
}

function compileRead(type: ValueType, scalars: ScalarReaders): Read {
  const read = compileRequired(type, scalars);
  if (type.optional) return (input) => (input === undefined || input === null ? null : read(input));
  return (input) => (input === undefined || input === null ? missing(input) : read(input));
}

function missing(input: undefined | null): Misfit {
  return new Misfit(`required, but ${input === null ? 'null' : 'missing'}: send a value, or declare the field .optional`);
}

function compileRequired(type: ValueType, scalars: ScalarReaders): Read {
  switch (type.kind) {
    case 'enum':
      return compileEnum(type.values);
    case 'list':
      return compileList(compileRead(type.of, scalars));
    case 'struct':
      return compileStruct(type.fields.map((field) => ({ name: field.name, read: compileRead(field.type, scalars) })));
    default:
      return scalars[type.kind];
  }
}

function compileEnum(values: readonly string[]): Read {
  const known = new Set(values);
  const listed = values.map((value) => `'${value}'`).join(', ');
  return (input) => (typeof input === 'string' && known.has(input) ? input : wrongKind(`one of ${listed}`, input, 'send one of them'));
}

function compileList(read: Read): Read {
  return (input) => {
    if (!Array.isArray(input)) return wrongKind('a list', input, 'send an array');
    if (input.length > LIST_LENGTH_MAX) return new Misfit(`list of ${input.length} is over the limit of ${LIST_LENGTH_MAX}: send fewer`);
    const values: Value[] = [];
    for (let i = 0; i < input.length; i++) {
      const value = read(input[i]);
      if (value instanceof Misfit) return value.within(`[${i}]`);
      values.push(value);
    }
    return values;
  };
}

function compileStruct(columns: readonly Column[]): Read {
  return (input) => {
    if (!isRecord(input)) return wrongKind('an object', input, 'send one with the members of the struct');
    const values: Value[] = [];
    for (const { name, read } of columns) {
      const value = read(Object.hasOwn(input, name) ? input[name] : undefined);
      if (value instanceof Misfit) return value.within(`.${name}`);
      values.push(value);
    }
    return values;
  };
}

function isRecord(input: unknown): input is Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null && !Array.isArray(input) && !ArrayBuffer.isView(input) && !(input instanceof Date);
}

/** An explicit null counts as absent even where the schema has no such field (REST 6). */
function countIgnored(input: Readonly<Record<string, unknown>>, present: number, known: ReadonlySet<string>): number {
  const names = Object.keys(input);
  if (names.length === present) return 0;
  return names.filter((name) => !known.has(name) && input[name] !== null && input[name] !== undefined).length;
}

function misfitError(place: string, misfit: Misfit): Error {
  const path = place + misfit.path;
  return invalidArgument(path.startsWith('.') ? path.slice(1) : path, misfit.description);
}
