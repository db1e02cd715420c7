import type pg from 'pg';
import type { DatasetDefinition } from '../../definition/definitions.js';
import { describeType } from '../../schema/value-type.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { listedNames, missingColumn, shapeError } from '../table/table-words.js';
import { type ColumnType, type DecodeText, decoderOf } from './column-decoder.js';

export interface TableColumn {
  readonly name: string;
  /** As `format_type` gives it: what a bound value is cast to. */
  readonly sqlType: string;
  readonly decode: DecodeText;
}

/** A table, partitioned table or view, as its catalog and the dataset's fields have it together. */
export interface TableShape {
  /** Quoted, with its schema. */
  readonly sqlName: string;
  /** Those that the dataset has fields for. */
  readonly columns: readonly TableColumn[];
  readonly cursor: KeyColumn;
  readonly key: readonly KeyColumn[];
  /** Whether rows tell which transaction wrote them: those of tables do, those of views and foreign tables do not. */
  readonly hasXmin: boolean;
}

export interface KeyColumn {
  readonly name: string;
  readonly sqlType: string;
}

export interface CatalogColumn {
  readonly name: string;
  readonly sqltype: string;
  readonly type: string;
  readonly typeoid: string;
  readonly category: string;
  readonly iskey: string;
  readonly kind: string;
}

/** An array is told by its element's type; the key is the primary one. */
const CATALOG = `
  SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS sqltype, coalesce(e.typname, t.typname) AS type, a.atttypid::text AS typeoid,
         CASE WHEN e.oid IS NOT NULL THEN 'A' WHEN t.typtype = 'e' THEN 'E' ELSE '' END || CASE WHEN e.typtype = 'e' THEN 'E' ELSE '' END AS category,
         coalesce(a.attnum = ANY(i.indkey::int2[]), false) AS iskey, c.relkind AS kind
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type d ON d.oid = a.atttypid
    JOIN pg_type t ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END
    LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
   WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   ORDER BY a.attnum`;

/** Tables and partitioned tables; a materialised view is written anew as a whole. */
const WRITTEN_BY_ROW = ['r', 'p'];

/** Throws a SourceError that names what is missing, or does not fit. */
export async function readShape(client: pg.Client, settings: SourceSettings): Promise<TableShape> {
  const { dataset, source, parameters } = settings;
  const schema = String(parameters.get('schema') ?? 'public');
  const table = textParameter(settings, 'table');
  const rows = await readColumns(client, schema, table);
  const [first] = rows;
  if (first === undefined) throw shapeError(`there is no table or view ${schema}.${table} that this role can see`);
  const known = new Map(rows.map((column) => [column.name, column]));
  const keyOf = (name: string): KeyColumn => {
    const column = known.get(name);
    if (column === undefined) throw missingColumn(`${schema}.${table}`, name, known.keys());
    return { name, sqlType: column.sqltype };
  };
  const names = keyNames(parameters.get('key'), rows);
  if (names.length === 0)
    throw shapeError(
      `${schema}.${table} has no primary key: name columns that tell its rows apart, as in postgres({ table: '${table}', key: 'id' })`,
    );
  return {
    sqlName: `${quoted(schema)}.${quoted(table)}`,
    columns: dataset.fields.flatMap((field) => columnOf(field, known.get(field.name), { dataset, schema, table })),
    cursor: keyOf(source.cursor ?? ''),
    key: names.map(keyOf),
    hasXmin: WRITTEN_BY_ROW.includes(first.kind),
  };
}

export async function readColumns(client: pg.Client, schema: string, table: string): Promise<readonly CatalogColumn[]> {
  return (await client.query<CatalogColumn>(CATALOG, [schema, table])).rows;
}

/** As the parameter names them, or those of the primary key; none where there is none. */
export function keyNames(given: string | number | boolean | undefined, columns: readonly CatalogColumn[]): readonly string[] {
  if (given === undefined) return columns.filter(({ iskey }) => iskey === 't').map(({ name }) => name);
  return listedNames(given);
}

type Field = DatasetDefinition['fields'][number];

export function columnOf(
  { name, type }: Field,
  column: CatalogColumn | undefined,
  { dataset, schema, table }: { readonly dataset: DatasetDefinition; readonly schema: string; readonly table: string },
): readonly TableColumn[] {
  if (column === undefined) {
    if (type.optional) return []; // it is null in every row
    throw shapeError(`${schema}.${table} has no column '${name}', which ${dataset.name} needs: add it, or declare the field .optional`);
  }
  const decode = decoderOf(type, columnTypeOf(column));
  if (decode === undefined)
    throw shapeError(
      `${schema}.${table}.${name} is ${column.sqltype}, which cannot fill ${describeType(type)} of ${dataset.name}: declare the field as what it is`,
    );
  return [{ name, sqlType: column.sqltype, decode }];
}

export function columnTypeOf({ type, category }: Pick<CatalogColumn, 'type' | 'category'>): ColumnType {
  return { type, isEnum: category.includes('E'), isArray: category.startsWith('A') };
}

/** An identifier in SQL, whatever it holds. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
