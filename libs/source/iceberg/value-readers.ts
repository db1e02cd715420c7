import { floatValue } from '../../files/exact-values.js';
import { compileParquetValue, uuidText } from '../../files/parquet-values.js';
import type { ParquetColumn } from '../../files/parquet-file.js';
import { ValueError } from '../../files/row-file.js';
import type { IcebergField, IcebergType } from './table-schema.js';
import { mappedName, type NameMapping } from './name-mapping.js';

// Readers of what stands in data files, made for one file: a column of the table, and each part of a nested one, is found in
// the file by its id, whatever it was called or where it stood when the file was written.

/** Makes a value that a row holds of one that stands in a file; null where there is none. Throws ValueError. */
export type ReadValue = (raw: unknown) => unknown;

/** `column` is the file's. */
export function compileParquetColumn({ type }: IcebergField, column: ParquetColumn, mapping: NameMapping | undefined): ReadValue {
  const read = parquetReader(type, column, mapping);
  return (raw) => (raw === null || raw === undefined ? null : read(raw));
}

/** The child of the id; in files without ids, the one whose name is mapped to it. */
export function findParquetColumn(
  id: number,
  columns: readonly ParquetColumn[],
  mapping: NameMapping | undefined,
): ParquetColumn | undefined {
  return mapping === undefined
    ? columns.find(({ element }) => element.field_id === id)
    : columns.find(({ element }) => mappedName(mapping, element.name)?.id === id);
}

function parquetReader(type: IcebergType, column: ParquetColumn, mapping: NameMapping | undefined): ReadValue {
  const mapped = (name: string): NameMapping | undefined => (mapping === undefined ? undefined : (mappedName(mapping, name)?.fields ?? []));
  switch (type.kind) {
    case 'primitive':
      return type.name === 'uuid' ? uuidReader(compileParquetValue(column)) : compileParquetValue(column);
    case 'struct': {
      const members = type.fields.map((field) => {
        const child = findParquetColumn(field.id, column.children, mapping);
        return {
          name: field.name,
          at: child?.element.name ?? '',
          read: child === undefined ? nothing : compileParquetColumn(field, child, mapped(child.element.name)),
        };
      });
      return (raw) => {
        const given = objectOf(raw);
        return Object.fromEntries(members.map(({ name, at, read }) => [name, read(given[at])]));
      };
    }
    case 'list': {
      const [repeated] = column.children;
      const element = repeated?.children[0] ?? repeated;
      if (element === undefined) return broken;
      const read = compileParquetColumn(type.element, element, mapped('element'));
      return (raw) => (Array.isArray(raw) ? raw.map(read) : broken());
    }
    case 'map': {
      const value = column.children[0]?.children[1];
      if (value === undefined) return broken;
      const read = compileParquetColumn(type.value, value, mapped('value'));
      return (raw) => Object.fromEntries(Object.entries(objectOf(raw)).map(([key, member]) => [key, read(member)]));
    }
  }
}

/** A part of a schema of Avro, with the attributes that Iceberg gives it. */
export interface AvroSchema {
  readonly type?: unknown;
  readonly fields?: readonly (AvroSchema & { readonly name: string })[];
  readonly items?: unknown;
  readonly values?: unknown;
  readonly 'field-id'?: number;
}

/** `schema` is the file's. */
export function compileAvroColumn({ type }: IcebergField, schema: unknown): ReadValue {
  const read = avroReader(type, presentSchema(schema));
  return (raw) => (raw === null || raw === undefined ? null : read(raw));
}

export function findAvroField(id: number, schema: unknown): (AvroSchema & { readonly name: string }) | undefined {
  return presentSchema(schema).fields?.find((field) => field['field-id'] === id);
}

function avroReader(type: IcebergType, schema: AvroSchema): ReadValue {
  switch (type.kind) {
    case 'primitive':
      return avroLeaf(type.name);
    case 'struct': {
      const members = type.fields.map((field) => {
        const found = findAvroField(field.id, schema);
        return { name: field.name, at: found?.name ?? '', read: found === undefined ? nothing : compileAvroColumn(field, found.type) };
      });
      return (raw) => Object.fromEntries(members.map(({ name, at, read }) => [name, read(objectOf(raw)[at])]));
    }
    case 'list': {
      const read = compileAvroColumn(type.element, schema.items);
      return (raw) => (Array.isArray(raw) ? raw.map(read) : broken());
    }
    case 'map': {
      const items = presentSchema(schema.items);
      const read = compileAvroColumn(type.value, schema.values ?? items.fields?.[1]?.type);
      // Maps whose keys are no text are lists of pairs.
      const pairs = (raw: unknown): (readonly [string, unknown])[] =>
        Array.isArray(raw) ? raw.map((pair) => [String(objectOf(pair)['key']), objectOf(pair)['value']]) : Object.entries(objectOf(raw));
      return (raw) => Object.fromEntries(pairs(raw).map(([key, member]) => [key, read(member)]));
    }
  }
}

/** Of the values that `avroOptions` makes: integers, dates, decimals and times are exact already. */
export function avroLeaf(type: string): ReadValue {
  if (type === 'uuid') return uuidReader((raw) => raw);
  if (type === 'float' || type === 'double') return (raw) => floatValue(Number(raw));
  if (type === 'time') return refuseTime;
  return (raw) => (raw instanceof Uint8Array ? Uint8Array.from(raw) : raw);
}

function refuseTime(): never {
  throw new ValueError('is a time of day, which no field holds: cast it in the table');
}

/** Without the null that stands beside it. */
function presentSchema(schema: unknown): AvroSchema {
  const present: unknown = Array.isArray(schema) ? schema.find((branch) => branch !== 'null') : schema;
  if (typeof present !== 'object' || present === null) return {};
  const { type } = present as AvroSchema; // whatever it is, it may have a type
  return typeof type === 'object' && type !== null ? presentSchema(type) : present;
}

function uuidReader(read: ReadValue): ReadValue {
  return (raw) => {
    const value = read(raw);
    return value instanceof Uint8Array ? uuidText(value) : value;
  };
}

function nothing(): null {
  return null;
}

function broken(): never {
  throw new ValueError('is of another shape in its file than in the table');
}

function objectOf(raw: unknown): Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? (raw as Readonly<Record<string, unknown>>) : broken();
}
