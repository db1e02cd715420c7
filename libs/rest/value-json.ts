import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { ValueSchema, type Value } from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../errors/errors.js';
import { formatDate } from '../schema/calendar-date.js';
import { formatTimestamp } from '../time/timestamp.js';
import { safeNumber } from '../wire/integers.js';
import { microsOf } from '../wire/timestamps.js';
import { JsonFloat, type JsonTree } from './json-text.js';

/**
 * A value as REST says it: floats with a point, ints without (REST 11), timestamps as RFC 3339 (S1),
 * dates as `YYYY-MM-DD`, bytes as base64, decimals as text.
 */
export function valueToJson(value: Value | undefined): JsonTree {
  if (value === undefined) return null;
  const { kind } = value;
  switch (kind.case) {
    case undefined:
      return null;
    case 'floatValue':
      return new JsonFloat(kind.value);
    case 'bytesValue':
      return Buffer.from(kind.value.buffer, kind.value.byteOffset, kind.value.byteLength).toString('base64');
    case 'timestampUs':
      return formatTimestamp(safeNumber(kind.value, 'timestamp'));
    case 'timestamp':
      return formatTimestamp(microsOf(kind.value, 'timestamp'));
    case 'dateDays':
      return formatDate(kind.value);
    case 'listValue':
      return kind.value.values.map(valueToJson);
    case 'structValue':
      return fieldsToJson(kind.value.fields);
    default:
      return kind.value;
  }
}

export function fieldsToJson(fields: Readonly<Record<string, Value>>): JsonTree {
  return new Map(Object.entries(fields).map(([name, value]) => [name, valueToJson(value)]));
}

type Kind = NonNullable<MessageInitShape<typeof ValueSchema>['kind']>;

/** JSON from outside as a value; whoever knows the field's type coerces it. `place` is what an error names. */
export function jsonToValue(json: unknown, place: string): Value {
  const kind = kindOf(json, place);
  // Written out where nothing lies within: `create` walks a description of the message, for every key of a training set.
  if (kind.case !== 'listValue' && kind.case !== 'structValue') return { $typeName: 'thyme.v1.Value', kind: kind as Value['kind'] };
  return create(ValueSchema, { kind });
}

function kindOf(json: unknown, place: string): Kind {
  switch (typeof json) {
    case 'string':
      return { case: 'stringValue', value: json };
    case 'boolean':
      return { case: 'boolValue', value: json };
    case 'number':
      return numberKind(json);
    case 'object':
      if (json === null) return { case: undefined };
      if (Array.isArray(json))
        return { case: 'listValue', value: { values: json.map((element, i) => jsonToValue(element, `${place}[${i}]`)) } };
      return { case: 'structValue', value: { fields: jsonToFields(json, place) } };
    default:
      throw invalidArgument(place, 'is no JSON value');
  }
}

/** The members of an object by name. Own members throughout: one called `__proto__` changes no prototype. */
export function jsonToFields(json: object, place: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(json).map(([name, member]) => [name, jsonToValue(member, `${place}.${name.slice(0, 64)}`)]));
}

/** JSON does not tell `5.0` from `5`: an integer is an int, and becomes a float where a float is wanted. */
function numberKind(value: number): Kind {
  if (!Number.isInteger(value)) return { case: 'floatValue', value };
  if (Number.isSafeInteger(value)) return { case: 'intValue', value: BigInt(value) };
  // Beyond 2^53 the parser has already rounded: as a float that is what it says, as a key it is somebody else's.
  return { case: 'floatValue', value };
}
