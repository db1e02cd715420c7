import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  ValueType_Kind,
  type Field as FieldMessage,
  type FieldSchema,
  type ValueType as TypeMessage,
  type ValueTypeSchema,
} from '../../gen/thyme/v1/values_pb.js';
import { invalidArgument } from '../errors/errors.js';
import type { Field, ScalarKind, ValueType } from '../schema/value-type.js';

const KIND_OF: Readonly<Record<ValueType['kind'], ValueType_Kind>> = {
  string: ValueType_Kind.STRING,
  int: ValueType_Kind.INT,
  float: ValueType_Kind.FLOAT,
  bool: ValueType_Kind.BOOL,
  bytes: ValueType_Kind.BYTES,
  timestamp: ValueType_Kind.TIMESTAMP,
  date: ValueType_Kind.DATE,
  decimal: ValueType_Kind.DECIMAL,
  enum: ValueType_Kind.ENUM,
  list: ValueType_Kind.LIST,
  struct: ValueType_Kind.STRUCT,
};

const SCALAR_OF = new Map<ValueType_Kind, ScalarKind>([
  [ValueType_Kind.STRING, 'string'],
  [ValueType_Kind.INT, 'int'],
  [ValueType_Kind.FLOAT, 'float'],
  [ValueType_Kind.BOOL, 'bool'],
  [ValueType_Kind.BYTES, 'bytes'],
  [ValueType_Kind.TIMESTAMP, 'timestamp'],
  [ValueType_Kind.DATE, 'date'],
  [ValueType_Kind.DECIMAL, 'decimal'],
]);

export function kindToProto(kind: ValueType['kind']): ValueType_Kind {
  return KIND_OF[kind];
}

/** The scalar that the kind names; undefined for enum, list, struct and what this version does not know. */
export function scalarFromProto(kind: ValueType_Kind): ScalarKind | undefined {
  return SCALAR_OF.get(kind);
}

export function typeToProto(type: ValueType): MessageInitShape<typeof ValueTypeSchema> {
  const { optional } = type;
  const kind = kindToProto(type.kind);
  switch (type.kind) {
    case 'enum':
      return { kind, optional, values: [...type.values] };
    case 'list':
      return { kind, optional, of: typeToProto(type.of) };
    case 'struct':
      return { kind, optional, fields: type.fields.map(fieldToProto) };
    default:
      return { kind, optional };
  }
}

export function typeFromProto(message: TypeMessage | undefined, place: string): ValueType {
  if (message === undefined) throw invalidArgument(place, 'has no type: send its ValueType');
  const { optional } = message;
  const scalar = scalarFromProto(message.kind);
  if (scalar !== undefined) return { kind: scalar, optional };
  switch (message.kind) {
    case ValueType_Kind.ENUM:
      return { kind: 'enum', values: message.values, optional };
    case ValueType_Kind.LIST:
      return { kind: 'list', of: typeFromProto(message.of, `${place}[]`), optional };
    case ValueType_Kind.STRUCT:
      return { kind: 'struct', fields: message.fields.map((field) => fieldFromProto(field, place)), optional };
    default:
      throw invalidArgument(place, `has a type of kind ${message.kind}, which this server does not know: upgrade it`);
  }
}

export function fieldToProto(field: Field): MessageInitShape<typeof FieldSchema> {
  return { name: field.name, type: typeToProto(field.type) };
}

export function fieldFromProto(message: FieldMessage, owner: string): Field {
  return { name: message.name, type: typeFromProto(message.type, `${owner}.${message.name}`) };
}
