import type { Value as ValueMessage } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../errors/errors.js';
import { formatDate } from '../schema/calendar-date.js';
import { setOwn } from '../schema/write-value.js';
import { formatTimestamp } from '../time/timestamp.js';
import { safeNumber } from './integers.js';
import { microsOf } from './timestamps.js';

/** The days of 0000-01-01 and 9999-12-31: the years that a date's text can name. */
const DAY_MIN = -719_528;
const DAY_MAX = 2_932_896;

/**
 * The value of a message whose type is not known yet, as the same record in JSON would have it, for
 * a reader of the schema (libs/schema/read-value.ts) to judge. Times become text, which keeps every
 * microsecond (S1); an int64 that no double holds stays a bigint, so that the reader can refuse it.
 */
export function plainFromProto(message: ValueMessage, place: string): unknown {
  const { kind } = message;
  switch (kind.case) {
    case undefined:
      return null;
    case 'intValue':
      return Number.isSafeInteger(Number(kind.value)) ? Number(kind.value) : kind.value;
    case 'timestampUs':
      return formatTimestamp(safeNumber(kind.value, place));
    case 'timestamp':
      return formatTimestamp(microsOf(kind.value, place));
    case 'dateDays':
      return dateText(kind.value, place);
    case 'listValue':
      return kind.value.values.map((element, i) => plainFromProto(element, `${place}[${i}]`));
    case 'structValue':
      return plainFields(kind.value.fields, place === '' ? '' : `${place}.`);
    default:
      return kind.value;
  }
}

/** The members of a struct, or the fields of a record (with the prefix ''), as one plain object. */
export function plainFields(fields: Readonly<Record<string, ValueMessage>>, prefix: string): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) setOwn(plain, name, plainMember(fields, name, prefix));
  return plain;
}

/** The same as a map. */
export function plainEntries(fields: Readonly<Record<string, ValueMessage>>, prefix: string): ReadonlyMap<string, unknown> {
  const plain = new Map<string, unknown>();
  for (const name of Object.keys(fields)) plain.set(name, plainMember(fields, name, prefix));
  return plain;
}

function plainMember(fields: Readonly<Record<string, ValueMessage>>, name: string, prefix: string): unknown {
  const value = fields[name];
  return value === undefined ? null : plainFromProto(value, prefix + name);
}

function dateText(days: number, place: string): string {
  if (days < DAY_MIN || days > DAY_MAX) throw invalidArgument(place, `day ${days} is outside the years 0000 to 9999`);
  return formatDate(days);
}
