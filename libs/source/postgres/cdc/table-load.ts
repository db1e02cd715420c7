import { formatTimestamp } from '../../../time/timestamp.js';
import type { SourceRow } from '../../connector.js';
import { keyWords, LANE } from '../../table/table-words.js';
import { type Cells, cursorPages, type CursorOptions, decodeInto } from '../cursor-pages.js';
import { postgresError } from '../postgres-client.js';
import type { BoundQuery } from '../table-queries.js';
import { quoted } from '../table-shape.js';
import type { CapturedTable } from './captured-table.js';
import type { LoadedPart } from './stream-position.js';

/** With a session of the load's own. */
export interface LoadOptions extends CursorOptions {
  readonly table: CapturedTable;
  readonly snapshot: string;
  /** When the snapshot was asked for: the change time of its rows, where rows replace earlier ones (S17). */
  readonly timeUs: number;
  readonly isUpsert: boolean;
  /** Rows up to this key were loaded before. */
  readonly after: LoadedPart['upTo'];
}

export interface LoadedPage {
  readonly rows: readonly SourceRow[];
  /** Of the last row. */
  readonly key: readonly string[];
}

/** Begins the load's transaction; once it resolves, the session that exported the snapshot may go on. */
export async function importSnapshot({ client, snapshot }: Pick<LoadOptions, 'client' | 'snapshot'>): Promise<void> {
  await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '${snapshot}'`);
}

/** The rows of a snapshot behind a key, in the order of keys. */
export async function* loadPages(options: LoadOptions): AsyncGenerator<LoadedPage> {
  const { table, after } = options;
  const time = formatTimestamp(options.timeUs);
  try {
    for await (const page of cursorPages(loadQuery(table, after), options))
      yield { rows: page.map((cells) => loadedRow(options, cells, time)), key: keyOf(table, page.at(-1) ?? []) };
  } catch (error) {
    throw postgresError(`the first load of ${table.sqlName} failed`, error);
  }
}

function loadedRow({ table, isUpsert }: LoadOptions, cells: Cells, time: string): SourceRow {
  const input: Record<string, unknown> = isUpsert ? { op_time: time } : {};
  decodeInto(input, table.columns, cells, table.key.length);
  const place = `${table.sqlName} ${keyWords(table.key, keyOf(table, cells))}, first load`;
  return { input, lane: LANE, historical: true, place };
}

function keyOf({ key }: CapturedTable, cells: Cells): readonly string[] {
  return cells.slice(0, key.length).map((cell) => cell ?? '');
}

function loadQuery({ sqlName, columns, key }: CapturedTable, after: LoadedPart['upTo']): BoundQuery {
  const names = key.map(({ name }) => `"row".${quoted(name)}`);
  const selected = [...names, ...columns.map(({ name }) => `"row".${quoted(name)}`)].map((name) => `${name}::text`);
  const bound = key.map(({ sqlType }, i) => `$${i + 1}::text::${sqlType}`);
  const where = after === null ? '' : ` WHERE (${names.join(', ')}) > (${bound.join(', ')})`;
  return { text: `SELECT ${selected.join(', ')} FROM ${sqlName} AS "row"${where} ORDER BY ${names.join(', ')}`, values: after ?? [] };
}
