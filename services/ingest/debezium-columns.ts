// The units of Debezium's and Kafka Connect's own column types, as the schema beside a payload names them:
//
//   io.debezium.time.Date, org.apache.kafka.connect.data.Date              days since the epoch
//   io.debezium.time.Timestamp, org.apache.kafka.connect.data.Timestamp    milliseconds; MicroTimestamp, NanoTimestamp as they say
//   org.apache.kafka.connect.data.Decimal                                  base64 of a big-endian integer, its scale in the parameters
//   io.debezium.time.IsoDate                                               a date with a Z behind it, with a schema or without
//   io.debezium.data.VariableScaleDecimal                                  { scale, value } of each
//
// They become what a push would say (S1, S12), where the dataset's field is one that they can be; an int keeps the number that
// was sent, and what has no schema is read as a push is. Zoned timestamps, texts and enums need nothing. Times of day are no
// type here.

import { invalidArgument } from '../../libs/errors/errors.js';
import { bigEndianInteger } from '../../libs/files/exact-values.js';
import { formatDate } from '../../libs/schema/calendar-date.js';
import { DECIMAL_DIGITS_MAX } from '../../libs/schema/limits.js';
import type { Field, ValueType } from '../../libs/schema/value-type.js';

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The row, with the columns that its schema gives a unit to as a push would say them. INVALID_ARGUMENT, naming the field, where
 * one is not what it says.
 */
export type ColumnUnits = (row: unknown, schema: unknown) => unknown;

const DAY_US = 86_400e6;
const US_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ['io.debezium.time.Date', DAY_US],
  ['io.debezium.time.Timestamp', 1_000],
  ['io.debezium.time.MicroTimestamp', 1],
  ['io.debezium.time.NanoTimestamp', 1e-3],
  ['org.apache.kafka.connect.data.Date', DAY_US],
  ['org.apache.kafka.connect.data.Timestamp', 1_000],
]);
const DECIMAL = 'org.apache.kafka.connect.data.Decimal';
const VARIABLE_DECIMAL = 'io.debezium.data.VariableScaleDecimal';
/** `io.debezium.time.IsoDate`: as the connector writes dates for `time.precision.mode=isostring`, with a schema or without. */
const ISO_DATE_UTC = /^\d{4}-\d\d-\d\dZ$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** Bytes of the largest integer of DECIMAL_DIGITS_MAX digits, rounded up. */
const INTEGER_BYTES_MAX = Math.ceil((DECIMAL_DIGITS_MAX * Math.log2(10)) / 8) + 1;
const MAX_DAYS = 2_932_896; // 9999-12-31
const MIN_DAYS = -719_528; // 0000-01-01

export function compileColumnUnits(fields: readonly Field[], place: string): ColumnUnits {
  const types = new Map(fields.map(({ name, type }) => [name, type]));
  const dates = fields.flatMap(({ name, type }) => (type.kind === 'date' ? [name] : []));
  return (row, schema) => {
    const columns = isObject(schema) && Array.isArray(schema['fields']) ? schema['fields'] : [];
    if (!isObject(row)) return row;
    const converted = new Map<string, unknown>();
    for (const name of dates) {
      const value = row[name];
      if (typeof value === 'string' && ISO_DATE_UTC.test(value)) converted.set(name, value.slice(0, -1));
    }
    for (const column of columns as readonly unknown[]) {
      if (!isObject(column)) continue;
      const { field, name: unit, parameters } = column;
      const type = typeof field === 'string' ? types.get(field) : undefined;
      if (type === undefined || typeof field !== 'string' || typeof unit !== 'string' || !Object.hasOwn(row, field)) continue;
      const value = valueOf(row[field], { unit, parameters, type, place: `${place}.${field}` });
      if (value !== row[field]) converted.set(field, value);
    }
    return converted.size === 0 ? row : Object.fromEntries([...Object.entries(row), ...converted]);
  };
}

/** The schema of a member of an envelope, or undefined. */
export function memberSchema(schema: unknown, member: string): unknown {
  const fields: unknown = isObject(schema) ? schema['fields'] : undefined;
  return Array.isArray(fields) ? fields.find((field: unknown) => isObject(field) && field['field'] === member) : undefined;
}

interface Column {
  readonly unit: string;
  readonly parameters: unknown;
  readonly type: ValueType;
  readonly place: string;
}

function valueOf(value: unknown, { unit, parameters, type, place }: Column): unknown {
  if (value === null || value === undefined) return value;
  const usPerUnit = US_PER_UNIT.get(unit);
  if (usPerUnit !== undefined) return typeof value === 'number' ? timeOf(value, usPerUnit, type) : value;
  if (unit === DECIMAL) return numberOf(value, isObject(parameters) ? Number(parameters['scale']) : Number.NaN, type, place);
  if (unit === VARIABLE_DECIMAL && isObject(value)) return numberOf(value['value'], Number(value['scale']), type, place);
  return value;
}

/** Epoch seconds as text, exact to the microsecond; of a whole day the date, where the field is one. */
function timeOf(value: number, usPerUnit: number, type: ValueType): unknown {
  if (type.kind === 'date' && usPerUnit === DAY_US && value >= MIN_DAYS && value <= MAX_DAYS) return formatDate(value);
  if (type.kind !== 'timestamp') return value;
  const us = usPerUnit < 1 ? Math.round(value / 1_000) : value * usPerUnit;
  if (!Number.isSafeInteger(us)) return value;
  const size = Math.abs(us);
  return `${us < 0 ? '-' : ''}${Math.floor(size / 1e6)}.${String(size % 1e6).padStart(6, '0')}`;
}

/** A converter may also be told to write decimals as numbers or text: these are read as a push is. */
function numberOf(value: unknown, scale: number, type: ValueType, place: string): unknown {
  if (type.kind === 'bytes' || typeof value !== 'string' || Number.isNaN(scale)) return value;
  if (!Number.isInteger(scale) || Math.abs(scale) > DECIMAL_DIGITS_MAX)
    throw invalidArgument(place, `the scale ${scale} of its schema is none: at most ${DECIMAL_DIGITS_MAX} digits are kept`);
  const bytes = value.length % 4 === 0 && value !== '' && BASE64.test(value) ? Buffer.from(value, 'base64') : undefined;
  if (bytes === undefined || bytes.length > INTEGER_BYTES_MAX)
    throw invalidArgument(
      place,
      `is no Decimal of Kafka Connect: send base64 of at most ${INTEGER_BYTES_MAX} bytes, or decimal.handling.mode=string`,
    );
  const text = decimalText(bigEndianInteger(bytes), scale);
  if (type.kind === 'int' || type.kind === 'float') return Number(text);
  return text;
}

function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return `${unscaled}${unscaled === 0n ? '' : '0'.repeat(-scale)}`;
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
