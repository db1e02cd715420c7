import { compileFieldValue } from '../../files/field-values.js';
import type { DatasetDefinition } from '../../definition/definitions.js';
import { nearestName } from '../../errors/errors.js';
import { describeType, type Field, type ValueType } from '../../schema/value-type.js';
import { plain } from '../objects/object-rows.js';
import { SourceError } from '../source-error.js';
import type { TableMetadata } from './table-metadata.js';
import { checkReadable, describeIcebergType, type IcebergField, type IcebergType } from './table-schema.js';
import type { ReadValue } from './value-readers.js';

/** A field of the dataset, and the column that fills it. */
export interface PlannedColumn {
  readonly field: Field;
  readonly column: IcebergField;
  /** From the value of a file to that of a push. */
  readonly input: ReadValue;
}

/** Kinds of columns that fill a field. */
const FILLS: Readonly<Record<Exclude<ValueType['kind'], 'list' | 'struct'>, RegExp>> = {
  string: /^(string|uuid)$/,
  enum: /^string$/,
  int: /^(int|long)$/,
  float: /^(float|double|int|long|decimal.*)$/,
  decimal: /^(decimal.*|int|long)$/,
  bool: /^boolean$/,
  bytes: /^(binary|fixed.*)$/,
  timestamp: /^(timestamp|timestamptz|date)$/,
  date: /^date$/,
};

/**
 * The columns of the dataset's fields, by their names in the table's current schema. A column that was renamed since is found
 * by the name that it had. Throws for one that is missing or does not fit; where the field is optional, a missing one is null.
 */
export function planColumns(
  { name, fields }: DatasetDefinition,
  table: Pick<TableMetadata, 'fields' | 'schemas'>,
): readonly PlannedColumn[] {
  return fields.flatMap((field) => {
    const column = table.fields.find((one) => one.name === field.name) ?? renamed(field.name, table);
    if (column === undefined) {
      if (field.type.optional) return [];
      const nearest = nearestName(
        field.name,
        table.fields.map((one) => one.name),
      );
      throw shapeError(
        `the table has no column '${field.name}' for ${name}.${field.name}${nearest === undefined ? '' : ` (did you mean '${nearest}'?)`}: add it, or make the field optional`,
      );
    }
    checkReadable(column, '');
    if (!fits(field.type, column.type))
      throw shapeError(
        `the column ${column.name} is ${describeIcebergType(column.type)}, which does not fill ${name}.${field.name} (${describeType(field.type)}): declare the field as what the column is`,
      );
    const read = compileFieldValue(field.type.kind, false);
    return [{ field, column, input: (value: unknown) => plain(read(value), field.type) }];
  });
}

function fits(type: ValueType, column: IcebergType): boolean {
  switch (type.kind) {
    case 'list':
      return column.kind === 'list' && fits(type.of, column.element.type);
    case 'struct':
      // Missing members are judged with the row, as those of a push are.
      if (column.kind === 'map') return type.fields.every((field) => fits(field.type, column.value.type));
      return (
        column.kind === 'struct' &&
        type.fields.every((field) => {
          const member = column.fields.find(({ name }) => name === field.name);
          return member === undefined ? field.type.optional : fits(field.type, member.type);
        })
      );
    default:
      return column.kind === 'primitive' && FILLS[type.kind].test(column.name);
  }
}

/** The column that once had the name, if it is still there under another one. */
function renamed(name: string, { fields, schemas }: Pick<TableMetadata, 'fields' | 'schemas'>): IcebergField | undefined {
  for (const schema of [...schemas].reverse()) {
    const id = schema.find((field) => field.name === name)?.id;
    if (id !== undefined) return fields.find((field) => field.id === id);
  }
  return undefined;
}

function shapeError(message: string): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_SHAPE', message);
}
