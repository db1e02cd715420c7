// What authors' functions see of a row, and what they give back (FACE): a timestamp is a Date, a
// date its ISO text, a decimal an instance of the author's Decimal class, a struct an object.
//
// A Date holds milliseconds: the microseconds of a timestamp are cut for authors, and a timestamp
// that a function makes has none. Columns that it only reads keep theirs, since they never pass here twice.

import { canonicalDecimal } from './decimal.js';
import { wrongKind, type Misfit } from './misfit.js';
import { clientScalars, readByteArray, type ScalarReaders } from './read-scalar.js';
import { compileReader, compileValueReader } from './read-value.js';
import { asNumber, asRow, setOwn } from './write-value.js';
import { formatDate } from './calendar-date.js';
import type { Field, Row, Value, ValueType } from './value-type.js';

/** The class of decimals that the author's bundle uses; its `toString` gives the number's text. */
export type DecimalClass = new (text: string) => { toString(): string };

/** Makes the object that authors' functions take from a row. It shares nothing mutable with the row. */
export function compileToAuthor(fields: readonly Field[], decimal: DecimalClass): (row: Row) => Record<string, unknown> {
  const columns = fields.map((field) => ({ name: field.name, write: compileValueToAuthor(field.type, decimal) }));
  return (row) => {
    const object: Record<string, unknown> = {};
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i];
      if (column !== undefined) setOwn(object, column.name, column.write(row[i] ?? null));
    }
    return object;
  };
}

/** The same for one value. */
export function compileValueToAuthor(type: ValueType, decimal: DecimalClass): (value: Value) => unknown {
  const write = compileRequired(type, decimal);
  return (value) => (value === null ? null : write(value));
}

/** Checks and takes the object that an author's function gave; throws INVALID_ARGUMENT naming `<place>.<field>`. */
export function compileFromAuthor(fields: readonly Field[], place: string): (given: unknown) => Row {
  const read = compileReader(fields, place, authorScalars);
  return (given) => read(given).row;
}

/** The same for one value. */
export function compileValueFromAuthor(type: ValueType, place: string): (given: unknown) => Value {
  return compileValueReader(type, place, authorScalars);
}

function compileRequired(type: ValueType, decimal: DecimalClass): (value: Value) => unknown {
  switch (type.kind) {
    case 'timestamp':
      return (value) => new Date(Math.floor(asNumber(value) / 1_000));
    case 'date':
      return (value) => formatDate(asNumber(value));
    case 'decimal':
      return (value) => new decimal(String(value));
    case 'bytes':
      return (value) => Uint8Array.from(value instanceof Uint8Array ? value : []);
    case 'list': {
      const write = compileValueToAuthor(type.of, decimal);
      return (value) => asRow(value).map(write);
    }
    case 'struct': {
      const write = compileToAuthor(type.fields, decimal);
      return (value) => write(asRow(value));
    }
    default:
      return (value) => value;
  }
}

/** Stricter than clients' scalars: an author has the types that TypeScript checked. */
const authorScalars: ScalarReaders = { ...clientScalars, bytes: readAuthorBytes, timestamp: readAuthorDate, decimal: readAuthorDecimal };

/** Copies: the author may keep the array and write to it. */
function readAuthorBytes(given: unknown): Uint8Array | Misfit {
  const bytes = readByteArray(given);
  return bytes instanceof Uint8Array ? Uint8Array.from(bytes) : bytes;
}

function readAuthorDate(given: unknown): Value | Misfit {
  // isDate by tag, not instanceof: the bundle may run in a realm of its own.
  if (Object.prototype.toString.call(given) !== '[object Date]') return wrongKind('a timestamp', given, 'give a Date');
  return clientScalars.timestamp(new Date(Number(given)));
}

/** Takes any object whose text is a decimal: the bundle may carry a copy of the Decimal class. */
function readAuthorDecimal(given: unknown): string | Misfit {
  const isText = typeof given === 'string' || (typeof given === 'object' && given !== null && 'toString' in given && !Array.isArray(given));
  const text = isText ? canonicalDecimal(String(given)) : undefined;
  return text ?? wrongKind('a decimal', given, "give a Decimal, such as new Decimal('12.50')");
}
