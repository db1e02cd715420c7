import { parseTimestamp } from '../../time/timestamp.js';
import { UnreadableRow } from '../connector.js';
import { DecodeError } from '../table/decode-error.js';
import type { PolledTable, TableRow } from '../table/polled-table.js';
import { keyWords, LANE } from '../table/table-words.js';
import { lastPlaceSelect, newRowsSelect, type SqlDialect } from '../table/table-sql.js';
import type { BigQueryJobs } from './bigquery-jobs.js';
import { type BigQueryShape, quoted } from './bigquery-shape.js';
import { nullOr, timeText, wireBytes, type WireRow, type WireValue } from './bigquery-values.js';

const US_PER_DAY = 86_400e6;

export const DIALECT: SqlDialect = {
  quoted,
  bound: (index) => `@p${index}`, // its type goes with its value
  now: (sqlType) =>
    sqlType === 'TIMESTAMP' ? 'CURRENT_TIMESTAMP()' : sqlType === 'DATE' ? "CURRENT_DATE('UTC')" : "DATETIME(CURRENT_TIMESTAMP(), 'UTC')",
};

/** A table of BigQuery as it is polled. */
export function bigqueryTable(shape: BigQueryShape, jobs: BigQueryJobs, maximumBytesBilled: string | undefined): PolledTable {
  return {
    cursorName: shape.cursor.name,
    keyNames: shape.key.map(({ name }) => name),
    cursorTime: { isDate: shape.cursor.sqlType === 'DATE', zone: shape.cursor.sqlType === 'TIMESTAMP' ? 'Z' : '', fractionMax: 6 },
    async newRows(start, { rowsMax, pageRows }, signal) {
      const select = newRowsSelect(shape, start, { dialect: DIALECT, rowsMax });
      const { createdUs, pages } = await jobs.run({ select, pageRows, maximumBytesBilled }, signal);
      return { nowUs: createdUs, pages: tableRows(pages, shape) };
    },
    async lastPlace(signal, until) {
      const select = lastPlaceSelect(shape, { dialect: DIALECT, until });
      const { pages } = await jobs.run({ select, pageRows: 1, maximumBytesBilled }, signal);
      for await (const [row] of pages) return row === undefined ? undefined : orderTexts(row, 0, shape);
      return undefined;
    },
    async nowUs(signal) {
      const select = { text: 'SELECT 1', values: [] }; // reads nothing, and costs nothing
      return (await jobs.run({ select, pageRows: 1, maximumBytesBilled }, signal)).createdUs;
    },
    cost() {
      const { queries, bytes } = jobs.cost;
      return queries === 0
        ? undefined
        : `${bytesWords(bytes)} scanned by ${queries} ${queries === 1 ? 'query' : 'queries'} since it was opened`;
    },
    close: () => Promise.resolve(), // requests alone, each of which has ended
  };
}

/** `1.2 GB`, of 1,000 each, as the service bills. */
export function bytesWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  for (; bytes >= 1_000 && unit < units.length - 1; unit++) bytes /= 1_000;
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit] ?? ''}`;
}

/** By its fields; a value that cannot be read makes a dead letter of its row. */
export function inputOf(values: readonly WireValue[], { fields, words }: BigQueryShape): unknown {
  const input: Record<string, unknown> = {};
  for (const [i, { name, decode }] of fields.entries()) {
    try {
      const value = nullOr(values[i], decode);
      if (value !== null) input[name] = value;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return new UnreadableRow(JSON.stringify(values), `${words}.${name} ${error.message}`);
    }
  }
  return input;
}

async function* tableRows(pages: AsyncIterable<readonly WireRow[]>, shape: BigQueryShape): AsyncGenerator<readonly TableRow[]> {
  for await (const page of pages) yield page.map((row) => tableRow(row, shape));
}

function tableRow(wire: WireRow, shape: BigQueryShape): TableRow {
  const place = orderTexts(wire, 1, shape);
  const order = [shape.cursor, ...shape.key];
  const gap = order.find((_column, i) => isNull(wire, i + 1))?.name;
  const values = wire.f.slice(1 + order.length).map(({ v }) => v);
  return {
    place,
    ...(gap === undefined ? {} : { gap }),
    cursorUs: gap === undefined ? parseTimestamp(place.cursor) + (shape.cursor.sqlType === 'DATE' ? US_PER_DAY - 1 : 0) : 0,
    bytes: wireBytes(wire),
    row: {
      input: inputOf(values, shape),
      lane: LANE,
      historical: String(wire.f[0]?.v).toLowerCase() === 'true',
      place: `${shape.words} ${keyWords(shape.key, place.key)}`,
    },
  };
}

/** Cursor and key from column `from` on, as they are bound again. */
function orderTexts(wire: WireRow, from: number, { cursor, key }: BigQueryShape): TableRow['place'] {
  const [first = '', ...rest] = [cursor, ...key].map(({ sqlType }, i) =>
    isNull(wire, from + i) ? '' : timeText(String(wire.f[from + i]?.v), sqlType),
  );
  return { cursor: first, key: rest };
}

function isNull({ f }: WireRow, at: number): boolean {
  const value = f[at]?.v;
  return value === null || value === undefined;
}
