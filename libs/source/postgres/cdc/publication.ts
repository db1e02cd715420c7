import type pg from 'pg';
import { SourceError } from '../../source-error.js';
import { postgresError } from '../postgres-client.js';
import { quoted } from '../table-shape.js';
import type { CapturedTable } from './captured-table.js';

interface PublicationRow {
  readonly inserts: string;
  readonly updates: string;
  readonly deletes: string;
  readonly truncates: string;
  readonly viaroot: string;
  readonly table: string | null;
}

/** Before version 15 of the server there are no row filters and lists of columns. */
const PUBLICATION = `
  SELECT p.pubinsert::text AS inserts, p.pubupdate::text AS updates, p.pubdelete::text AS deletes, p.pubtruncate::text AS truncates, p.pubviaroot::text AS viaroot,
         (SELECT to_jsonb(t)::text FROM pg_publication_tables t WHERE t.pubname = p.pubname AND t.schemaname = $2 AND t.tablename = $3) AS table
    FROM pg_publication p WHERE p.pubname = $1`;

/** What an owner of the table would run to make it. */
export function publicationStatement(name: string, { sqlName, hasIdentity }: CapturedTable): string {
  // To publish updates of a table without an identity would make the server refuse its updates.
  const publish = hasIdentity ? 'insert, update, delete, truncate' : 'insert, truncate';
  return `CREATE PUBLICATION ${quoted(name)} FOR TABLE ${sqlName} WITH (publish = '${publish}', publish_via_partition_root = true)`;
}

/**
 * Whether the publication is there, and has all that is needed of the table; false where there is none. Throws, with the
 * statement that mends it, where it leaves something out: rows or columns that it filters would be missing without a word.
 */
export async function hasPublication(client: pg.Client, name: string, table: CapturedTable, isAppend: boolean): Promise<boolean> {
  const [row] = (await client.query<PublicationRow>(PUBLICATION, [name, table.schema, table.name])).rows;
  if (row === undefined) return false;
  const alter = (change: string): string => `ALTER PUBLICATION ${quoted(name)} ${change}`;
  if (table.isPartitioned && row.viaroot !== 'true')
    throw publicationError(
      `the publication ${name} tells changes of ${table.name}'s partitions, not of the table: ${alter('SET (publish_via_partition_root = true)')}`,
    );
  if (row.table === null)
    throw publicationError(`the publication ${name} does not have ${table.sqlName}: ${alter(`ADD TABLE ${table.sqlName}`)}`);
  const told = [row.inserts, row.truncates, ...(isAppend ? [] : [row.updates, row.deletes])];
  if (told.some((each) => each !== 'true'))
    throw publicationError(
      `the publication ${name} leaves changes out: ${alter(`SET (publish = '${table.hasIdentity ? 'insert, update, delete, truncate' : 'insert, truncate'}')`)}`,
    );
  const { rowfilter, attnames } = JSON.parse(row.table) as {
    readonly rowfilter?: string | null;
    readonly attnames?: readonly string[] | null;
  };
  if (rowfilter !== undefined && rowfilter !== null)
    throw publicationError(
      `the publication ${name} filters rows of ${table.sqlName}: name one of its own for this source with 'publication'`,
    );
  const missing = [...table.columns, ...table.key].find((column) => attnames?.includes(column.name) === false);
  if (missing !== undefined)
    throw publicationError(
      `the publication ${name} leaves out the column ${missing.name} of ${table.sqlName}: add it to its list, or name another with 'publication'`,
    );
  return true;
}

/** Makes it where it is not there. It must be older than the slot: a slot reads its log with the catalog of then. */
export async function ensurePublication(client: pg.Client, name: string, table: CapturedTable, isAppend: boolean): Promise<void> {
  if (await hasPublication(client, name, table, isAppend)) return;
  const statement = publicationStatement(name, table);
  try {
    await client.query(`BEGIN READ WRITE; ${statement}; COMMIT`);
  } catch (error) {
    const { message, disposition } = postgresError('it failed', error);
    await client.query('ROLLBACK').catch(() => undefined); // a session that broke is in no transaction
    if (disposition === 'retry') throw postgresError(`making the publication ${name} failed`, error);
    throw publicationError(
      `there is no publication ${name}, and this role may not make it (${message}): let the owner of the table run ${statement}`,
    );
  }
}

/** For a slot that is older: it reads its log with the publications of then. */
export async function requirePublication(client: pg.Client, name: string, table: CapturedTable, isAppend: boolean): Promise<void> {
  if (await hasPublication(client, name, table, isAppend)) return;
  throw publicationError(
    `the publication ${name} is not there any more, without which the slot cannot be read: raise the version of the dataset, which reads the table anew`,
  );
}

function publicationError(message: string): SourceError {
  return new SourceError('stop', 'THYME_SOURCE_PUBLICATION', message);
}
