import { UnreadableRow } from '../connector.js';
import { SourceError } from '../source-error.js';
import { DecodeError } from '../table/decode-error.js';
import type { PolledTable, TableRow } from '../table/polled-table.js';
import { keyWords, LANE } from '../table/table-words.js';
import { type BoundSelect, lastPlaceSelect, newRowsSelect, type SqlDialect } from '../table/table-sql.js';
import { quoted } from './snowflake-names.js';
import type { Cells, SnowflakeSession } from './snowflake-session.js';
import type { SnowflakeShape, SnowflakeTable } from './snowflake-shape.js';
import { type Cell, cursorUs, orderText } from './snowflake-values.js';

const US_PER_DAY = 86_400e6;

export const DIALECT: SqlDialect = {
  quoted,
  bound: (_index, sqlType) => `CAST(? AS ${sqlType})`,
  now(sqlType) {
    if (sqlType === 'DATE') return 'CAST(SYSDATE() AS DATE)';
    return sqlType === 'TIMESTAMP_NTZ' ? 'SYSDATE()' : 'CURRENT_TIMESTAMP()'; // SYSDATE is in UTC
  },
};

/** A table of Snowflake as it is polled. */
export function snowflakeTable(shape: SnowflakeShape, session: SnowflakeSession): PolledTable {
  const pages = (select: BoundSelect, pageRows: number, signal: AbortSignal): AsyncIterable<readonly Cells[]> =>
    session.pages({ sqlText: select.text, binds: select.values.map(({ value }) => value), pageRows }, signal);
  return {
    cursorName: shape.cursor.name,
    keyNames: shape.key.map(({ name }) => name),
    cursorTime: { isDate: shape.cursor.sqlType === 'DATE', zone: shape.cursor.sqlType === 'TIMESTAMP_NTZ' ? '' : '+00:00', fractionMax: 9 },
    async newRows(start, { rowsMax, pageRows }, signal) {
      const nowUs = await clockUs(session, signal);
      const select = newRowsSelect(shape, start, { dialect: DIALECT, rowsMax });
      return { nowUs, pages: tableRows(pages(select, pageRows, signal), shape) };
    },
    async lastPlace(signal, until) {
      for await (const [row] of pages(lastPlaceSelect(shape, { dialect: DIALECT, until }), 1, signal))
        return row === undefined ? undefined : placeOf(row, 0, shape);
      return undefined;
    },
    nowUs: (signal) => clockUs(session, signal),
    cost: () => undefined, // by the time that the warehouse runs
    close: () => session.close(),
  };
}

/** By its fields; a value that cannot be read makes a dead letter of its row. */
export function inputOf(cells: Cells, from: number, { fields, words }: Pick<SnowflakeTable, 'fields' | 'words'>): unknown {
  const input: Record<string, unknown> = {};
  for (const [i, { name, column, decode }] of fields.entries()) {
    const cell = cells[from + i];
    if (isNull(cell)) continue;
    try {
      const value = decode(cell);
      if (value !== null) input[name] = value;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return new UnreadableRow(JSON.stringify(cells.slice(from)), `${words}.${column.name} ${error.message}`);
    }
  }
  return input;
}

export async function clockUs(session: SnowflakeSession, signal: AbortSignal): Promise<number> {
  const [[cell] = []] = await session.rows('SELECT SYSDATE()', signal);
  if (!isNull(cell)) return Math.floor(cursorUs(cell));
  throw new SourceError('retry', 'THYME_SOURCE_SNOWFLAKE', 'the system does not say what time it is');
}

async function* tableRows(pages: AsyncIterable<readonly Cells[]>, shape: SnowflakeShape): AsyncGenerator<readonly TableRow[]> {
  for await (const page of pages) yield page.map((cells) => tableRow(cells, shape));
}

function tableRow(cells: Cells, shape: SnowflakeShape): TableRow {
  const place = placeOf(cells, 1, shape);
  const order = [shape.cursor, ...shape.key];
  const gap = order.find((_column, i) => isNull(cells[i + 1]))?.name;
  const dayUs = shape.cursor.sqlType === 'DATE' ? US_PER_DAY - 1 : 0;
  return {
    place,
    ...(gap === undefined ? {} : { gap }),
    cursorUs: gap === undefined ? cursorUs(cells[1]) + dayUs : 0,
    bytes: cells.reduce((total: number, cell) => total + (typeof cell === 'string' ? cell.length : 8), 0),
    row: {
      input: inputOf(cells, 1 + order.length, shape),
      lane: LANE,
      historical: cells[0] === true,
      place: `${shape.words} ${keyWords(shape.key, place.key)}`,
    },
  };
}

/** Cursor and key from cell `from` on, as they are bound again. */
function placeOf(cells: Cells, from: number, { cursorColumn, keyColumns }: SnowflakeShape): TableRow['place'] {
  const [cursor = '', ...key] = [cursorColumn, ...keyColumns].map((column, i) => {
    const cell = cells[from + i];
    return isNull(cell) ? '' : orderText(cell, column);
  });
  return { cursor, key };
}

export function isNull(cell: Cell): boolean {
  return cell === null || cell === undefined;
}
