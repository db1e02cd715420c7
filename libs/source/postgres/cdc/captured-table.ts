import type pg from 'pg';
import { type SourceSettings, textParameter } from '../../source-settings.js';
import { missingColumn, shapeError } from '../../table/table-words.js';
import { type CatalogColumn, columnOf, keyNames, quoted, type TableColumn } from '../table-shape.js';

/** A column that tells rows apart; ordered in SQL as `"name"` is, with `collation` where that is not the database's. */
export interface CapturedKey {
  readonly name: string;
  readonly sqlType: string;
  readonly collation: string | undefined;
}

/** A table whose changes are read from the log. */
export interface CapturedTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly sqlName: string;
  readonly isPartitioned: boolean;
  /** Those that the dataset has fields for. */
  readonly columns: readonly TableColumn[];
  /** In the order in which the first load reads: the rowKey, or of an append-only dataset the primary key. */
  readonly key: readonly CapturedKey[];
  /** Whether the log holds whole rows before their change (REPLICA IDENTITY FULL). */
  readonly isFull: boolean;
  /** Whether updates and deletes can be told at all. */
  readonly hasIdentity: boolean;
}

interface CatalogTable {
  readonly oid: string;
  readonly kind: string;
  readonly persistence: string;
  readonly identity: string;
  readonly mayRead: string;
  readonly mayUse: string;
  /** Of unique indexes of columns alone: `[kind, names]`, kind one of primary, identity, unique. */
  readonly indexes: string;
  /** Of its partitions that hold rows, whose identity is another one. */
  readonly otherwise: string;
}

const TABLE = `
  SELECT c.oid::text, c.relkind AS kind, c.relpersistence AS persistence, c.relreplident AS identity,
         has_table_privilege(c.oid, 'SELECT') AS "mayRead", has_schema_privilege(n.oid, 'USAGE') AS "mayUse",
         (SELECT coalesce(json_agg(json_build_object('primary', i.indisprimary, 'identity', i.indisreplident, 'columns',
                   (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(i.indkey::int2[])))), '[]')
            FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL) AS indexes,
         (SELECT coalesce(json_agg(p.relname), '[]') FROM pg_partition_tree(c.oid) t JOIN pg_class p ON p.oid = t.relid
           WHERE c.relkind = 'p' AND t.isleaf AND p.relreplident <> c.relreplident) AS otherwise
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = $1 AND c.relname = $2`;

const COLLATIONS = `
  SELECT a.attname AS name, quote_ident(n.nspname) || '.' || quote_ident(l.collname) AS collation
    FROM pg_attribute a JOIN pg_collation l ON l.oid = a.attcollation JOIN pg_namespace n ON n.oid = l.collnamespace
   WHERE a.attrelid = $1 AND l.collname <> 'default'`;

const KINDS: Readonly<Record<string, string>> = { v: 'a view', m: 'a materialised view', f: 'a foreign table' };

/** Throws a SourceError that names what is missing, or does not fit, with the statement that mends it. */
export async function captureTable(client: pg.Client, settings: SourceSettings, columns: readonly CatalogColumn[]): Promise<CapturedTable> {
  const { dataset, parameters } = settings;
  const schema = String(parameters.get('schema') ?? 'public');
  const name = textParameter(settings, 'table');
  const sqlName = `${quoted(schema)}.${quoted(name)}`;
  const [table] = (await client.query<CatalogTable>(TABLE, [schema, name])).rows;
  if (table === undefined) throw shapeError(`there is no table ${schema}.${name} that this role can see`);
  const kind = KINDS[table.kind];
  if (kind !== undefined)
    throw shapeError(`${schema}.${name} is ${kind}, whose changes are not in the log: read its tables, or poll it (without mode 'cdc')`);
  if (table.persistence !== 'p')
    throw shapeError(`${schema}.${name} is unlogged or temporary, so its changes are not in the log: ALTER TABLE ${sqlName} SET LOGGED`);
  const role = quoted(textParameter(settings, 'user'));
  if (table.mayUse !== 't')
    throw shapeError(`this role may not use the schema ${schema}: GRANT USAGE ON SCHEMA ${quoted(schema)} TO ${role}`);
  if (table.mayRead !== 't') throw shapeError(`this role may not read ${schema}.${name}: GRANT SELECT ON ${sqlName} TO ${role}`);
  const otherwise = JSON.parse(table.otherwise) as readonly string[];
  const [odd] = otherwise;
  if (odd !== undefined && dataset.cdc !== undefined)
    throw shapeError(
      `the partition ${schema}.${odd} has another replica identity than ${schema}.${name}: ALTER TABLE ${quoted(schema)}.${quoted(odd)} REPLICA IDENTITY ${table.identity === 'f' ? 'FULL' : 'DEFAULT'}`,
    );
  const known = new Map(columns.map((column) => [column.name, column]));
  const indexes = JSON.parse(table.indexes) as readonly UniqueIndex[];
  const identity = identityOf(table.identity, indexes);
  const names = keyOf(settings, columns, { identity, indexes, isFull: table.identity === 'f', sqlName, place: `${schema}.${name}` });
  const collations = await client.query<{ readonly name: string; readonly collation: string }>(COLLATIONS, [table.oid]);
  const collationOf = new Map(collations.rows.map((each) => [each.name, each.collation]));
  return {
    oid: Number(table.oid),
    schema,
    name,
    sqlName,
    isPartitioned: table.kind === 'p',
    columns: dataset.fields.flatMap((field) => columnOf(field, known.get(field.name), { dataset, schema, table: name })),
    key: names.map((each) => {
      const column = known.get(each);
      if (column === undefined) throw missingColumn(`${schema}.${name}`, each, known.keys());
      return { name: each, sqlType: column.sqltype, collation: collationOf.get(each) };
    }),
    isFull: table.identity === 'f',
    hasIdentity: table.identity === 'f' || identity !== undefined,
  };
}

interface UniqueIndex {
  readonly primary: boolean;
  readonly identity: boolean;
  readonly columns: readonly string[];
}

/** The columns that the log has of a row that is deleted; undefined where it has none, or all. */
function identityOf(identity: string, indexes: readonly UniqueIndex[]): readonly string[] | undefined {
  if (identity === 'd') return indexes.find(({ primary }) => primary)?.columns;
  return identity === 'i' ? indexes.find((index) => index.identity)?.columns : undefined;
}

interface IdentityFacts {
  readonly identity: readonly string[] | undefined;
  readonly indexes: readonly UniqueIndex[];
  readonly isFull: boolean;
  readonly sqlName: string;
  readonly place: string;
}

function keyOf(
  { dataset, parameters }: SourceSettings,
  columns: readonly CatalogColumn[],
  { identity, indexes, isFull, sqlName, place }: IdentityFacts,
): readonly string[] {
  if (dataset.cdc === undefined) {
    const names = keyNames(parameters.get('key'), columns);
    if (names.length > 0) return names;
    throw shapeError(
      `${place} has no primary key, by which the first load goes on after a break: name columns that tell its rows apart with 'key'`,
    );
  }
  const { rowKey } = dataset.cdc;
  if (!isFull && identity === undefined)
    throw shapeError(
      `${place} has no replica identity, so its log does not say which rows are updated and deleted: ALTER TABLE ${sqlName} REPLICA IDENTITY DEFAULT with a primary key, USING INDEX a unique one, or FULL`,
    );
  if (!isFull && identity !== undefined && !isSame(identity, rowKey))
    throw shapeError(
      `the log of ${place} names rows by ${identity.join(', ')}, and the rowKey of ${dataset.name} is ${rowKey.join(', ')}: make them the same, or ALTER TABLE ${sqlName} REPLICA IDENTITY FULL`,
    );
  if (isFull && !indexes.some((index) => index.columns.every((column) => rowKey.includes(column))))
    throw shapeError(
      `nothing in ${place} keeps rows of one ${rowKey.join(', ')} (the rowKey of ${dataset.name}) apart: CREATE UNIQUE INDEX ON ${sqlName} (${rowKey.map(quoted).join(', ')})`,
    );
  return rowKey;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}
