// JSON as Kafka Connect writes it with `schemas.enable`, and Debezium with it: { schema, payload }. The schema says what the
// payload's numbers and texts are: times in days, milliseconds or microseconds, and decimals as bytes in base64.
import { bigEndianInteger, dateValue, decimalValue, instantValue, type TimeUnit } from '../../files/exact-values.js';

interface ConnectSchema {
  readonly type?: string;
  readonly name?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly fields?: readonly (ConnectSchema & { readonly field: string })[];
  readonly items?: ConnectSchema;
  readonly values?: ConnectSchema;
}

const INSTANTS: ReadonlyMap<string, TimeUnit> = new Map([
  ['org.apache.kafka.connect.data.Timestamp', 'millisecond'],
  ['io.debezium.time.Timestamp', 'millisecond'],
  ['io.debezium.time.MicroTimestamp', 'microsecond'],
  ['io.debezium.time.NanoTimestamp', 'nanosecond'],
]);
/** With a Z behind it, as Debezium writes dates for `time.precision.mode=isostring`. */
const ISO_DATE = 'io.debezium.time.IsoDate';
const ISO_DATE_UTC = /^\d{4}-\d\d-\d\dZ$/;
const DATES = new Set(['org.apache.kafka.connect.data.Date', 'io.debezium.time.Date']);

/** The payload with its values as they are meant; the value itself where it has no schema beside it. */
export function withoutSchema(value: unknown): unknown {
  if (!isObject(value) || Object.keys(value).length !== 2) return value;
  const { schema, payload } = value;
  if (schema === undefined || payload === undefined || (schema !== null && !isObject(schema))) return value;
  return schema === null ? payload : meant(schema, payload);
}

function meant(schema: ConnectSchema, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  const { name = '', type } = schema;
  const unit = INSTANTS.get(name);
  if (unit !== undefined) return instantValue(BigInt(String(value)), unit);
  if (DATES.has(name)) return dateValue(Number(value));
  if (name === ISO_DATE) return typeof value === 'string' && ISO_DATE_UTC.test(value) ? value.slice(0, -1) : value;
  if (name === 'org.apache.kafka.connect.data.Decimal') return decimalOf(value, Number(schema.parameters?.['scale'] ?? 0));
  if (name === 'io.debezium.data.VariableScaleDecimal' && isObject(value)) return decimalOf(value['value'], Number(value['scale']));
  if (type === 'array' && Array.isArray(value)) return value.map((one) => meant(schema.items ?? {}, one));
  if (!isObject(value)) return value;
  if (type === 'map') return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, meant(schema.values ?? {}, one)]));
  if (type !== 'struct') return value;
  const fields = new Map((schema.fields ?? []).map((field) => [field.field, field]));
  return Object.fromEntries(Object.entries(value).map(([member, one]) => [member, meant(fields.get(member) ?? {}, one)]));
}

function decimalOf(value: unknown, scale: number): unknown {
  return typeof value === 'string' ? decimalValue(bigEndianInteger(Buffer.from(value, 'base64')), scale) : value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
