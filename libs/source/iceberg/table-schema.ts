import type { ExactJson } from '../../codec/exact-json.js';
import { icebergError } from './iceberg-error.js';
import { type JsonObject, listOf, numberOf, objectOf, textOf } from './metadata-json.js';

/** A column, or a part of a nested one. Its id stays when it is renamed, moved or widened; names are for people. */
export interface IcebergField {
  readonly id: number;
  readonly name: string;
  readonly type: IcebergType;
}

export type IcebergType =
  | { readonly kind: 'primitive'; readonly name: string }
  | { readonly kind: 'struct'; readonly fields: readonly IcebergField[] }
  | { readonly kind: 'list'; readonly element: IcebergField }
  | { readonly kind: 'map'; readonly key: IcebergField; readonly value: IcebergField };

/** What of format version 3 is not read, by the names of types. */
const NOT_READ = /^(variant|geometry|geography|unknown|timestamp_ns|timestamptz_ns)/;

export function readFields(json: ExactJson | undefined, place: string): readonly IcebergField[] {
  return listOf(json, place).map((one) => {
    const field = objectOf(one, place);
    const name = textOf(field['name'], `${place}.name`);
    if (field['initial-default'] !== undefined && field['initial-default'] !== null)
      throw icebergError(
        'UNSUPPORTED',
        `the column ${name} has an initial-default (format version 3), which is not read: rewrite the table without it`,
      );
    return { id: numberOf(field['id'], `${place}.id`), name, type: readType(field['type'], `${place}.${name}`) };
  });
}

function readType(json: ExactJson | undefined, place: string): IcebergType {
  if (typeof json === 'string') return { kind: 'primitive', name: json.replaceAll(' ', '') };
  const type = objectOf(json, place);
  switch (type['type']) {
    case 'struct':
      return { kind: 'struct', fields: readFields(type['fields'], place) };
    case 'list':
      return { kind: 'list', element: part(type, 'element', place) };
    case 'map':
      return { kind: 'map', key: part(type, 'key', place), value: part(type, 'value', place) };
    default:
      throw icebergError('UNSUPPORTED', `${place} is of the type ${JSON.stringify(type['type'])}, which is not read`);
  }
}

function part(type: JsonObject, name: string, place: string): IcebergField {
  return { id: numberOf(type[`${name}-id`], `${place}.${name}-id`), name, type: readType(type[name], `${place}.${name}`) };
}

/** Throws where the type, or a part of it, is one that is not read. */
export function checkReadable({ name, type }: IcebergField, place: string): void {
  switch (type.kind) {
    case 'primitive':
      if (NOT_READ.test(type.name))
        throw icebergError(
          'UNSUPPORTED',
          `the column ${place}${name} is ${type.name} (format version 3), which is not read: take the field away, or cast the column`,
        );
      return;
    case 'struct':
      for (const field of type.fields) checkReadable(field, `${place}${name}.`);
      return;
    case 'list':
      return checkReadable(type.element, `${place}${name}.`);
    case 'map':
      return checkReadable(type.value, `${place}${name}.`);
  }
}

/** As people write it: `list<long>`. */
export function describeIcebergType(type: IcebergType): string {
  switch (type.kind) {
    case 'primitive':
      return type.name;
    case 'struct':
      return `struct<${type.fields.map((field) => `${field.name}: ${describeIcebergType(field.type)}`).join(', ')}>`;
    case 'list':
      return `list<${describeIcebergType(type.element.type)}>`;
    case 'map':
      return `map<${describeIcebergType(type.key.type)}, ${describeIcebergType(type.value.type)}>`;
  }
}
