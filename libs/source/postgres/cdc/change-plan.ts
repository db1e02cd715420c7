import type { DatasetDefinition } from '../../../definition/definitions.js';
import { describeType } from '../../../schema/value-type.js';
import { SourceError } from '../../source-error.js';
import { type DecodeText, decoderOf } from '../column-decoder.js';
import type { CapturedTable } from './captured-table.js';
import type { Cell, Relation } from './pgoutput.js';
import type { TypeCatalog } from './type-catalog.js';

/** How changes of a table, as one description of it has them, fill the dataset's fields. */
export interface ChangePlan {
  readonly fields: readonly { readonly name: string; readonly at: number; readonly decode: DecodeText }[];
  /** The key's columns, and the fields that they fill: all of them where rows replace earlier ones. */
  readonly key: readonly { readonly name: string; readonly at: number; readonly decode: DecodeText | undefined }[];
  readonly isFull: boolean;
}

/** Throws a SourceError where the table is not any more what the dataset needs. Added columns are nobody's concern. */
export async function planChanges(
  relation: Relation,
  table: CapturedTable,
  dataset: DatasetDefinition,
  types: TypeCatalog,
): Promise<ChangePlan> {
  const { columns } = relation;
  if (relation.name !== table.name || relation.schema !== table.schema)
    throw changed(
      `${table.sqlName} is called ${relation.schema}.${relation.name} now: give it its name again, or raise the version of ${dataset.name} with the new one`,
    );
  const at = new Map(columns.map(({ name }, i) => [name, i]));
  const wanted = dataset.fields.filter(({ name }) => at.has(name));
  await types.learn(wanted.flatMap(({ name }) => columns[at.get(name) ?? 0]?.typeOid ?? []));
  const fields = dataset.fields.flatMap(({ name, type }) => {
    const column = columns[at.get(name) ?? -1];
    if (column === undefined) {
      if (type.optional) return []; // it is null in every row
      throw changed(
        `${table.sqlName} had no column '${name}' any more, which ${dataset.name} needs: raise its version without the field, or with it .optional`,
      );
    }
    const known = types.of(column.typeOid);
    const decode = known === undefined ? undefined : decoderOf(type, known);
    if (decode !== undefined) return [{ name, at: at.get(name) ?? 0, decode }];
    throw changed(
      `${table.sqlName}.${name} became ${known?.type ?? 'of a type that is not there any more'}, which cannot fill ${describeType(type)} of ${dataset.name}: raise its version with the field as what it is`,
    );
  });
  const isFull = relation.identity === 'f';
  const key = table.key.map(({ name }) => {
    const place = at.get(name);
    const column = place === undefined ? undefined : columns[place];
    if (place === undefined || column === undefined)
      throw changed(`${table.sqlName} had no column '${name}' any more, which tells its rows apart: raise the version of ${dataset.name}`);
    if (dataset.cdc !== undefined && !column.isIdentity)
      throw changed(
        `the log of ${table.sqlName} names its rows no longer by '${name}': ALTER TABLE ${table.sqlName} REPLICA IDENTITY FULL, and raise the version of ${dataset.name}`,
      );
    return { name, at: place, decode: fields.find((field) => field.name === name)?.decode };
  });
  return { fields, key, isFull };
}

export function keyCells({ key }: ChangePlan, cells: readonly Cell[]): readonly (string | null)[] {
  return key.map(({ at }) => cells[at] ?? null);
}

function changed(message: string): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_SHAPE', message);
}
