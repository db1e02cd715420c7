// What a field can hold. Types are plain data, one to one with the protobuf `ValueType`.

export type ScalarKind = 'string' | 'int' | 'float' | 'bool' | 'bytes' | 'timestamp' | 'date' | 'decimal';

export type ValueType =
  | { readonly kind: ScalarKind; readonly optional: boolean }
  | { readonly kind: 'enum'; readonly values: readonly string[]; readonly optional: boolean }
  | { readonly kind: 'list'; readonly of: ValueType; readonly optional: boolean }
  | { readonly kind: 'struct'; readonly fields: readonly Field[]; readonly optional: boolean };

export interface Field {
  readonly name: string;
  readonly type: ValueType;
}

/**
 * A value as the engine holds it.
 *
 * | type | held as |
 * |---|---|
 * | string, enum | string |
 * | int, float | number: an int is a safe integer, a float is finite |
 * | bool | boolean |
 * | bytes | Uint8Array |
 * | timestamp | microseconds since the epoch |
 * | date | days since the epoch |
 * | decimal | canonical text: no exponent, no trailing zeros after the point |
 * | list | array |
 * | struct | array of the members' values, in the order declared |
 */
export type Value = null | string | number | boolean | Uint8Array | readonly Value[];

/** The values of a record, in the order of its dataset's fields. */
export type Row = readonly Value[];

/** The type's spelling in definitions and messages, such as `t.list(t.float).optional`. */
export function describeType(type: ValueType): string {
  const optional = type.optional ? '.optional' : '';
  switch (type.kind) {
    case 'enum':
      return `t.enum(${type.values.map((value) => `'${value}'`).join(', ')})${optional}`;
    case 'list':
      return `t.list(${describeType(type.of)})${optional}`;
    case 'struct':
      return `t.struct({ ${type.fields.map((field) => `${field.name}: ${describeType(field.type)}`).join(', ')} })${optional}`;
    default:
      return `t.${type.kind}${optional}`;
  }
}

/** Whether both types hold the same values. */
export function sameType(a: ValueType, b: ValueType): boolean {
  return describeType(a) === describeType(b);
}
