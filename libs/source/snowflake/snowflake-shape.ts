import type { DatasetDefinition } from '../../definition/definitions.js';
import { describeType } from '../../schema/value-type.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { listedNames, missingColumn, shapeError } from '../table/table-words.js';
import { ROW, type SelectShape } from '../table/table-sql.js';
import { columnNamed, quoted, storedName } from './snowflake-names.js';
import type { SnowflakeSession } from './snowflake-session.js';
import { type DecodeCell, decoderOf, kindOf, selectedAs, type SnowflakeColumn, TIMES } from './snowflake-values.js';

export interface FilledField {
  /** As the dataset calls it. */
  readonly name: string;
  readonly column: SnowflakeColumn;
  readonly decode: DecodeCell;
}

/** A table or view, as the system and the dataset's fields have it together. */
export interface SnowflakeTable {
  /** Quoted, with all that it lies in. */
  readonly sqlName: string;
  /** For people: `SHOP.PUBLIC.ORDERS`. */
  readonly words: string;
  readonly fields: readonly FilledField[];
  readonly columns: readonly SnowflakeColumn[];
}

/** One that is polled, in the order of cursor and key. */
export interface SnowflakeShape extends SelectShape, SnowflakeTable {
  readonly cursorColumn: SnowflakeColumn;
  readonly keyColumns: readonly SnowflakeColumn[];
}

const CURSORS = [...TIMES, 'DATE'];
const KEYS = ['NUMBER', 'VARCHAR', 'BOOLEAN', ...CURSORS];
/** Where the columns of SHOW PRIMARY KEYS say the column and its place in the key. */
const KEY_COLUMN = 4;
const KEY_SEQUENCE = 5;

/** Throws a SourceError that names what is missing, or does not fit. */
export async function readTable(session: SnowflakeSession, settings: SourceSettings, signal: AbortSignal): Promise<SnowflakeTable> {
  const { dataset } = settings;
  const path = pathOf(settings);
  const [sqlName, words] = [path.map(quoted).join('.'), path.join('.')];
  const described = await session.rows(`DESCRIBE TABLE ${sqlName}`, signal);
  const columns = described.map((cells) => ({ name: String(cells[0]), sqlType: String(cells[1]) }));
  const fields = dataset.fields.flatMap((field) => filledField(field, columnNamed(columns, field.name), { dataset, words }));
  return { sqlName, words, columns, fields };
}

/** The same, of a table that is polled. */
export async function readShape(session: SnowflakeSession, settings: SourceSettings, signal: AbortSignal): Promise<SnowflakeShape> {
  const { source, parameters } = settings;
  const { sqlName, words, columns, fields } = await readTable(session, settings, signal);
  const named = (name: string): SnowflakeColumn => {
    const column = columnNamed(columns, name);
    if (column !== undefined) return column;
    throw missingColumn(
      words,
      name,
      columns.map((one) => one.name),
    );
  };
  const given = parameters.get('key');
  const key = given === undefined ? await primaryKey(session, sqlName, signal) : listedNames(given).map((name) => named(name));
  const keyColumns =
    given === undefined ? key.flatMap(({ name }) => columns.filter((column) => column.name === name)) : (key as readonly SnowflakeColumn[]);
  if (keyColumns.length === 0)
    throw shapeError(
      `${words} has no primary key: name columns that tell its rows apart, as in snowflake({ table: '${textParameter(settings, 'table')}', key: 'id' })`,
    );
  const cursorColumn = inOrder(named(source.cursor ?? ''), CURSORS, { words, role: 'the cursor' });
  for (const column of keyColumns) inOrder(column, KEYS, { words, role: 'of the key' });
  return {
    sqlName,
    words,
    columns,
    fields,
    cursorColumn,
    keyColumns,
    cursor: orderColumn(cursorColumn),
    key: keyColumns.map(orderColumn),
    selected: fields.map(({ column }) => selectedAs(column, `${ROW}.${quoted(column.name)}`)),
  };
}

/** Database, schema and table, as far as they are told; the rest is the session's. */
function pathOf(settings: SourceSettings): readonly string[] {
  const { parameters } = settings;
  const table = storedName(textParameter(settings, 'table'), 'table');
  const [database, schema] = [parameters.get('database'), parameters.get('schema')];
  if (database === undefined) return schema === undefined ? [table] : [storedName(String(schema), 'schema'), table];
  return [storedName(String(database), 'database'), storedName(String(schema ?? 'PUBLIC'), 'schema'), table];
}

async function primaryKey(session: SnowflakeSession, sqlName: string, signal: AbortSignal): Promise<readonly { readonly name: string }[]> {
  const rows = await session.rows(`SHOW PRIMARY KEYS IN TABLE ${sqlName}`, signal);
  return [...rows].sort((a, b) => Number(a[KEY_SEQUENCE]) - Number(b[KEY_SEQUENCE])).map((cells) => ({ name: String(cells[KEY_COLUMN]) }));
}

/** A value is bound by a cast to the type without length, which holds any. */
function orderColumn(column: SnowflakeColumn): { readonly name: string; readonly sqlType: string } {
  const kind = kindOf(column);
  return { name: column.name, sqlType: kind === 'NUMBER' ? column.sqlType : kind };
}

interface OrderWords {
  readonly words: string;
  readonly role: string;
}

function inOrder(column: SnowflakeColumn, kinds: readonly string[], { words, role }: OrderWords): SnowflakeColumn {
  const { name, sqlType } = column;
  if (!kinds.includes(kindOf(column))) throw shapeError(`${words}.${name} is ${sqlType}, and ${role} has to be one of ${kinds.join(', ')}`);
  if (/COLLATE/i.test(sqlType))
    throw shapeError(`${words}.${name} is ${sqlType}: by its collation texts that differ may be one; use another column for ${role}`);
  return column;
}

type Field = DatasetDefinition['fields'][number];

function filledField(
  { name, type }: Field,
  column: SnowflakeColumn | undefined,
  { dataset, words }: { readonly dataset: DatasetDefinition; readonly words: string },
): readonly FilledField[] {
  if (column === undefined) {
    if (type.optional) return []; // it is null in every row
    throw shapeError(
      `${words} has no column '${name}', nor ${name.toUpperCase()}, which ${dataset.name} needs: add it, or declare the field .optional`,
    );
  }
  const decode = decoderOf(type, column);
  if (decode === undefined)
    throw shapeError(
      `${words}.${column.name} is ${column.sqlType}, which cannot fill ${describeType(type)} of ${dataset.name}: declare the field as what it is`,
    );
  return [{ name, column, decode }];
}
