import { formatTimestamp, parseTimestamp } from '../../time/timestamp.js';
import {
  type BatchLimits,
  type JsonValue,
  type SourceBatch,
  type SourceLag,
  type SourceReader,
  type SourceRow,
  UnreadableRow,
} from '../connector.js';
import { SourceError } from '../source-error.js';
import { cursorTimeAt, isEarlier } from '../table/cursor-time.js';
import { keyWords, LANE } from '../table/table-words.js';
import { type ChangesPosition, decodeChanges, encodeChanges } from './changes-position.js';
import { type Interval, intervalSelect, type TrackedTable } from './changes-sql.js';
import { historyIsOver, isWithoutHistory } from './snowflake-error.js';
import type { Cells, SnowflakeSession } from './snowflake-session.js';
import { clockUs, inputOf, isNull } from './snowflake-table.js';

/** An interval ends so long before the system's clock: what was committed until then is seen by every part of it. */
const SETTLED_US = 10e6;
const INSTANT = { isDate: false, zone: '+00:00', fractionMax: 9 } as const;

type Input = Readonly<Record<string, unknown>>;

/** The table as it was at the first look, and then its changes, interval by interval; each row once (changes-position.ts, S17). */
export class ChangesReader implements SourceReader {
  readonly #session: SnowflakeSession;
  readonly #table: TrackedTable;
  #lag: SourceLag = {};

  constructor(session: SnowflakeSession, table: TrackedTable) {
    this.#session = session;
    this.#table = table;
  }

  async *read(stored: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const before = decodeChanges(stored);
    try {
      const nowUs = await clockUs(this.#session, signal);
      const until = before.until ?? cursorTimeAt(nowUs - SETTLED_US, INSTANT);
      if (before.at !== null && !isEarlier(before.at, until)) return; // nothing is settled since
      yield* this.#interval({ ...before, until }, limits, signal);
      this.#lag = { seconds: Math.max(0, (nowUs - parseTimestamp(until.replace(/(\.\d{6})\d+/, '$1'))) / 1e6) };
      yield { rows: [], position: encodeChanges({ at: until, until: null, taken: 0 }) };
    } catch (error) {
      if (signal.aborted) return;
      // A table that is younger than the interval's end is there in a moment; later it is history that has ended.
      if (isWithoutHistory(error)) throw historyIsOver(this.#table.words, error, { isFirst: before.at === null && before.until === null });
      throw error;
    }
  }

  describe(position: JsonValue): string {
    const { at, until, taken } = decodeChanges(position);
    const begun = at === null ? 'the beginning' : `changes up to ${at}`;
    return until === null ? begun : `${begun}; ${taken} rows of those up to ${until}`;
  }

  lag(): SourceLag {
    return this.#lag;
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async *#interval(interval: Interval, { rowsMax, bytesMax }: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    let rows: SourceRow[] = [];
    let bytes = 0;
    let { taken } = interval;
    const batch = (): SourceBatch => {
      const position: ChangesPosition = { ...interval, taken };
      const given = rows;
      [rows, bytes] = [[], 0];
      return { rows: given, position: encodeChanges(position) };
    };
    const sqlText = intervalSelect(this.#table, interval);
    for await (const page of this.#session.pages({ sqlText, binds: [], pageRows: rowsMax }, signal))
      for (const cells of page) {
        const size = sizeOf(cells);
        if (rows.length > 0 && (rows.length >= rowsMax || bytes + size > bytesMax)) yield batch();
        rows.push(this.#row(cells, interval));
        bytes += size;
        taken++;
      }
    if (rows.length > 0) yield batch();
  }

  /** When within the interval a row was changed the system does not tell: it counts from the interval's end on. */
  #row(cells: Cells, { at, until }: Interval): SourceRow {
    const { fields, words, keyColumns } = this.#table;
    const opTime = formatTimestamp(parseTimestamp(until.replace(/(\.\d{6})\d+/, '$1')));
    const keyFields = fields
      .map((field, i) => ({ field, cell: cells[1 + i] }))
      .filter(({ field }) => keyColumns.includes(field.column.name));
    const isDelete = cells[0] === 'DELETE';
    const input = isDelete
      ? inputOf(['', ...keyFields.map(({ cell }) => cell)], 1, { fields: keyFields.map(({ field }) => field), words })
      : inputOf(cells, 1, this.#table);
    const key = keyFields.map(({ cell }) => (isNull(cell) ? 'null' : String(cell)));
    return {
      input: input instanceof UnreadableRow ? input : { ...(input as Input), op_time: opTime, ...(isDelete ? { op: 'delete' } : {}) },
      lane: LANE,
      historical: at === null,
      place: `${words} ${keyWords(
        keyColumns.map((name) => ({ name })),
        key,
      )}`,
    };
  }
}

function sizeOf(cells: Cells): number {
  return cells.reduce((total: number, cell) => total + (typeof cell === 'string' ? cell.length : 8), 0);
}

/** Throws a SourceError where `rowKey` has a field that no column fills. */
export function trackedTable(table: Omit<TrackedTable, 'keyColumns'>, rowKey: readonly string[]): TrackedTable {
  const keyColumns = rowKey.map((name) => {
    const column = table.fields.find((field) => field.name === name)?.column.name;
    if (column !== undefined) return column;
    throw new SourceError('stop', 'THYME_SOURCE_SHAPE', `${table.words} has no column for ${name}, which rowKey tells its rows by`);
  });
  return { ...table, keyColumns };
}
