import { create } from '@bufbuild/protobuf';
import { ValueSchema, type Value as ValueMessage } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../errors/errors.js';
import { describeType, type Value, type ValueType } from '../schema/value-type.js';
import { setOwn } from '../schema/write-value.js';
import { safeNumber } from './integers.js';

/**
 * The message of a value of this type. The value must fit the type: it comes from the engine, not from outside.
 * Written out, as `create` would have it and the generated type demands: a query answers with dozens, and `create` walks
 * a description of the message for each.
 */
export function valueToProto(value: Value, type: ValueType): ValueMessage {
  return { $typeName: 'thyme.v1.Value', kind: kindToProto(value, type) };
}

/** The value of a message that must be of this very type; `place` is what an error names. */
export function valueFromProto(message: ValueMessage, type: ValueType, place: string): Value {
  const { kind } = message;
  if (kind.case === undefined) {
    if (type.optional) return null;
    throw invalidArgument(place, `is null: send a ${describeType(type)}`);
  }
  switch (type.kind) {
    case 'string':
    case 'enum':
      if (kind.case !== 'stringValue') break;
      if (type.kind === 'enum' && !type.values.includes(kind.value)) break;
      return kind.value;
    case 'int':
      if (kind.case === 'intValue') return safeNumber(kind.value, place);
      break;
    case 'float':
      if (kind.case === 'floatValue' && Number.isFinite(kind.value)) return kind.value;
      break;
    case 'bool':
      if (kind.case === 'boolValue') return kind.value;
      break;
    case 'bytes':
      if (kind.case === 'bytesValue') return kind.value;
      break;
    case 'timestamp':
      if (kind.case === 'timestampUs') return safeNumber(kind.value, place);
      break;
    case 'date':
      if (kind.case === 'dateDays') return kind.value;
      break;
    case 'decimal':
      if (kind.case === 'decimalValue') return kind.value;
      break;
    case 'list':
      if (kind.case === 'listValue') return kind.value.values.map((element, i) => valueFromProto(element, type.of, `${place}[${i}]`));
      break;
    case 'struct':
      if (kind.case === 'structValue') return structFromProto(kind.value.fields, type, place);
      break;
  }
  throw invalidArgument(place, `expected a ${describeType(type)}, got ${kind.case}`);
}

function structFromProto(
  fields: Readonly<Record<string, ValueMessage>>,
  type: ValueType & { readonly kind: 'struct' },
  place: string,
): Value {
  return type.fields.map((field) => {
    // An own member only: names such as `constructor` are found on every object.
    const member = Object.hasOwn(fields, field.name) ? fields[field.name] : undefined;
    return valueFromProto(member ?? NULL, field.type, `${place}.${field.name}`);
  });
}

const NULL = create(ValueSchema);

/* The casts below are what `Value`'s contract says: a value of type `string` is held as a string, and so on. */
function kindToProto(value: Value, type: ValueType): ValueMessage['kind'] {
  if (value === null) return { case: undefined };
  switch (type.kind) {
    case 'string':
    case 'enum':
      return { case: 'stringValue', value: value as string };
    case 'int':
      return { case: 'intValue', value: BigInt(value as number) };
    case 'float':
      return { case: 'floatValue', value: value as number };
    case 'bool':
      return { case: 'boolValue', value: value as boolean };
    case 'bytes':
      return { case: 'bytesValue', value: value as Uint8Array };
    case 'timestamp':
      return { case: 'timestampUs', value: BigInt(value as number) };
    case 'date':
      return { case: 'dateDays', value: value as number };
    case 'decimal':
      return { case: 'decimalValue', value: value as string };
    case 'list':
      return {
        case: 'listValue',
        value: { $typeName: 'thyme.v1.ListValue', values: (value as readonly Value[]).map((element) => valueToProto(element, type.of)) },
      };
    case 'struct':
      return { case: 'structValue', value: { $typeName: 'thyme.v1.StructValue', fields: structToProto(value as readonly Value[], type) } };
  }
}

function structToProto(members: readonly Value[], type: ValueType & { readonly kind: 'struct' }): Record<string, ValueMessage> {
  const fields: Record<string, ValueMessage> = {};
  for (const [i, field] of type.fields.entries()) setOwn(fields, field.name, valueToProto(members[i] ?? null, field.type));
  return fields;
}
