// Avro as JSON can say it: what its libraries would round, or leave as numbers without a unit, exact and as text. The long
// integers of avsc are doubles, and logical types are left to whoever reads; both are told here. Debezium and Kafka Connect
// name their kinds of times in `connect.name`.
import { ExactNumber } from '../../codec/exact-json.js';
import { bigEndianInteger, dateValue, decimalValue, instantValue, integerValue, type TimeUnit } from '../../files/exact-values.js';

/** What is used of avsc. */
export interface Avsc {
  readonly Type: { forSchema(schema: object | string, options: object): AvroType };
  readonly types: {
    readonly LongType: { __with(methods: LongMethods): AvroType };
    readonly LogicalType: new (schema: object, options: object) => AvroType;
  };
}

interface AvroType {
  readonly typeName: string;
}

interface LongMethods {
  readonly fromBuffer: (bytes: Buffer) => unknown;
  readonly toBuffer: (value: unknown) => Buffer;
  readonly fromJSON: (value: unknown) => unknown;
  readonly toJSON: (value: unknown) => unknown;
  readonly isValid: (value: unknown) => boolean;
  readonly compare: (a: unknown, b: unknown) => number;
}

/** By `logicalType` and by `connect.name`, for integers. */
const INSTANTS: ReadonlyMap<string, TimeUnit> = new Map([
  ['timestamp-millis', 'millisecond'],
  ['timestamp-micros', 'microsecond'],
  ['timestamp-nanos', 'nanosecond'],
  ['local-timestamp-millis', 'millisecond'],
  ['local-timestamp-micros', 'microsecond'],
  ['local-timestamp-nanos', 'nanosecond'],
  ['org.apache.kafka.connect.data.Timestamp', 'millisecond'],
  ['io.debezium.time.Timestamp', 'millisecond'],
  ['io.debezium.time.MicroTimestamp', 'microsecond'],
  ['io.debezium.time.NanoTimestamp', 'nanosecond'],
]);
const DATES = new Set(['date', 'org.apache.kafka.connect.data.Date', 'io.debezium.time.Date']);
const VARIABLE_SCALE = 'io.debezium.data.VariableScaleDecimal';

/** For the library's `SchemaType.AVRO`. */
export function avroOptions(avsc: Avsc): object {
  const long = longType(avsc, (value) => integerValue(value));
  const instants = new Map([...INSTANTS].map(([name, unit]) => [name, longType(avsc, (value) => instantValue(value, unit))]));
  class DateType extends avsc.types.LogicalType {
    _fromValue(days: number): string {
      return dateValue(days);
    }
  }
  class DecimalType extends avsc.types.LogicalType {
    readonly #scale: number;

    constructor(schema: { readonly scale?: number }, options: object) {
      super(schema, options);
      this.#scale = schema.scale ?? 0;
    }

    _fromValue(bytes: Buffer): unknown {
      return decimalValue(bigEndianInteger(bytes), this.#scale);
    }
  }
  class VariableScaleType extends avsc.types.LogicalType {
    _fromValue({ scale, value }: { readonly scale: number; readonly value: Buffer }): unknown {
      return decimalValue(bigEndianInteger(value), scale);
    }
  }
  return {
    logicalTypes: { date: DateType, decimal: DecimalType, [VARIABLE_SCALE]: VariableScaleType },
    typeHook: (schema: unknown, options: object): AvroType | undefined => {
      if (schema === 'long') return long;
      if (typeof schema !== 'object' || schema === null || !('type' in schema)) return undefined;
      const names = ['connect.name', 'logicalType'].map((attribute) => String((schema as Readonly<Record<string, unknown>>)[attribute]));
      if (schema.type === 'long') return instants.get(names.find((name) => instants.has(name)) ?? '') ?? long;
      if (schema.type === 'int' && names[1] !== 'date' && names.some((name) => DATES.has(name)))
        return avsc.Type.forSchema({ type: 'int', logicalType: 'date' }, options);
      if (schema.type === 'record' && names[0] === VARIABLE_SCALE)
        return avsc.Type.forSchema({ ...schema, 'connect.name': '', logicalType: VARIABLE_SCALE }, options);
      return undefined;
    },
  };
}

/** The library reads only: what writes is never called. */
function longType({ types }: Avsc, read: (value: bigint) => unknown): AvroType {
  const never = (): never => {
    throw new TypeError('Avro is read here, not written');
  };
  return types.LongType.__with({
    fromBuffer: (bytes) => read(bytes.readBigInt64LE()),
    toBuffer: never,
    fromJSON: (value) => read(BigInt(String(value))), // of defaults
    toJSON: (value) => value,
    isValid: () => true,
    compare: never,
  });
}

/** Plain objects of records, the values of unions without the names of their branches, and bytes as base64. */
export function plainAvro(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64');
  if (Array.isArray(value)) return value.map(plainAvro);
  if (value instanceof ExactNumber) return value;
  if ('unwrap' in value && typeof value.unwrap === 'function' && !Object.hasOwn(value, 'unwrap')) return plainAvro(Object.values(value)[0]);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plainAvro(member)]));
}
