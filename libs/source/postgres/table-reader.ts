import type pg from 'pg';
import type { Clock } from '../../time/clock.js';
import type { BatchLimits, JsonValue, SourceBatch, SourceLag, SourceReader } from '../connector.js';
import { cannotReset } from '../seek-error.js';
import { SourceError } from '../source-error.js';
import type { RowPlace } from '../table/row-place.js';
import { postgresError } from './postgres-client.js';
import { pagesOf, type FetchedRow, type PageOptions, type Snapshot } from './table-pages.js';
import { afterLatePage, afterLateRows, afterNewPage, beginPass, endPass, type Taken } from './table-pass.js';
import { AT_THE_BEGINNING, decodePosition, encodePosition, type TablePosition } from './table-position.js';
import {
  farRowQuery,
  lastRowQuery,
  lateRowsQuery,
  lookBackQuery,
  newRowsQuery,
  nullCursorQuery,
  type BoundQuery,
} from './table-queries.js';
import { seekTable } from './table-seek.js';
import type { TableShape } from './table-shape.js';

export interface TableReaderOptions {
  readonly client: pg.Client;
  readonly shape: TableShape;
  readonly clock: Pick<Clock, 'nowUs'>;
  /** How far behind the place late commits are looked for; and of a view, how old a row must be. */
  readonly lookBackS: number;
}

type Rows = readonly (readonly (string | null)[])[];

const FLOOR_EVERY_S = 60;
/** At the first look, late commits are expected among so many rows before the end, in columns that are no times. */
const FIRST_FLOOR_ROWS = 10_000;
const TIMES = /^(timestamp|date)/;
/** A position is stored anew without rows when this many transactions have passed, well before their numbers come around. */
const XIDS_UNSTORED_MAX = 1_000_000n;

/** Polls a table in the order of (cursor, key). Each poll is a pass in one snapshot (table-position.ts). */
export class TableReader implements SourceReader {
  readonly #options: TableReaderOptions;
  #lag: SourceLag = {};

  constructor(options: TableReaderOptions) {
    this.#options = options;
  }

  async *read(stored: JsonValue | undefined, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const { client, shape } = this.#options;
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      yield* this.#pass(decodePosition(stored), limits, signal);
      await client.query('COMMIT');
      this.#lag = { seconds: 0 };
    } catch (error) {
      if (signal.aborted) return;
      throw postgresError(`reading ${shape.sqlName} failed`, error);
    }
  }

  async seek(to: string | undefined, stored: JsonValue | undefined, signal: AbortSignal): Promise<JsonValue> {
    const { client, shape, lookBackS } = this.#options;
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const snapshot = await this.#snapshot();
      const rows = (query: BoundQuery): Promise<Rows> => this.#rows(query);
      const floorOf = (place: RowPlace): Promise<string | undefined> => this.#floor(AT_THE_BEGINNING, place);
      const seek = { client, shape, snapshot, rows, floorOf, settledS: lookBackS, signal };
      return encodePosition(await seekTable(seek, to, stored === undefined ? undefined : decodePosition(stored)));
    } catch (error) {
      if (error instanceof SourceError) throw error;
      if (isNoValue(error)) throw cannotReset(`'${to ?? ''}' is no ${shape.cursor.sqlType}, which ${shape.cursor.name} is`);
      throw postgresError(`looking for the place in ${shape.sqlName} failed`, error);
    }
  }

  describe(position: JsonValue): string {
    const { place, heldFrom } = decodePosition(position);
    if (place === undefined) return 'the beginning';
    const { cursor, key } = this.#options.shape;
    const at = `${cursor.name} ${place.cursor}, ${key.map(({ name }, i) => `${name} ${place.key[i] ?? ''}`).join(', ')}`;
    return heldFrom === undefined ? at : `${at}; rows from ${heldFrom} on wait for older transactions to end`;
  }

  lag(): SourceLag {
    return this.#lag;
  }

  async close(): Promise<void> {
    await this.#options.client.end();
  }

  async *#pass(before: TablePosition, limits: BatchLimits, signal: AbortSignal): AsyncGenerator<SourceBatch> {
    const { client, shape, lookBackS } = this.#options;
    const snapshot = await this.#snapshot();
    if (before.xmin !== undefined && snapshot.xmax < BigInt(before.xmin)) throw restored();
    await this.#refuseNullCursor();
    const pages: PageOptions = { client, shape, snapshot, limits, signal };
    let at = beginPass(before === AT_THE_BEGINNING ? await this.#firstLook() : before, snapshot.xmin);
    let rows = 0;
    const take = ({ rows: taken, position }: Taken): SourceBatch => {
      at = position;
      rows += taken.length;
      return { rows: taken, position: encodePosition(position) };
    };
    if (at.pass?.late !== null) {
      if (at.place !== undefined && shape.hasXmin) {
        const late = lateRowsQuery(shape, { ...at, place: at.place }, await this.#floor(at, at.place));
        for await (const page of pagesOf(late, pages)) {
          const batch = take(afterLatePage(page, at, shape.hasXmin));
          if (batch.rows.length > 0) yield batch;
        }
      }
      at = afterLateRows(at);
    }
    for await (const page of pagesOf(newRowsQuery(shape, at, lookBackS), pages)) {
      refuseInfinite(shape, page);
      yield take(afterNewPage(page, at, shape.hasXmin));
    }
    at = endPass(at, this.#floorsOf(at));
    if (rows > 0 || at.heldFrom !== before.heldFrom || isFarFrom(before, snapshot)) yield { rows: [], position: encodePosition(at) };
  }

  async #snapshot(): Promise<Snapshot> {
    const [row] = await this.#rows({
      text: 'SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text FROM pg_current_snapshot() AS s',
      values: [],
    });
    return { xmin: BigInt(row?.[0] ?? '0'), xmax: BigInt(row?.[1] ?? '0') };
  }

  /** What the table's end was, and where late commits may lie in front of it. */
  async #firstLook(): Promise<TablePosition> {
    const { shape } = this.#options;
    const [last] = await this.#rows(lastRowQuery(shape));
    const [far] = TIMES.test(shape.cursor.sqlType) ? [] : await this.#rows(farRowQuery(shape, FIRST_FLOOR_ROWS));
    return {
      ...AT_THE_BEGINNING,
      initialEnd: last === undefined ? undefined : { cursor: last[0] ?? '', key: last.slice(1).map((value) => value ?? '') },
      floors: far === undefined ? [] : [[0, far[0] ?? '']],
    };
  }

  async #refuseNullCursor(): Promise<void> {
    const { shape } = this.#options;
    const [row] = await this.#rows(nullCursorQuery(shape));
    if (row === undefined) return;
    const place = shape.key.map(({ name }, i) => `${name} = ${row[i] ?? 'null'}`).join(', ');
    throw new SourceError(
      'stop',
      'THYME_SOURCE_CURSOR',
      `${shape.cursor.name} is null where ${place}: such a row has no place in the order; fill it, or read a view without such rows`,
    );
  }

  /** Late rows are looked for from here on; undefined for anywhere. */
  async #floor({ floors }: TablePosition, place: RowPlace): Promise<string | undefined> {
    const { shape, clock, lookBackS } = this.#options;
    const oldEnoughS = clock.nowUs() / 1e6 - lookBackS;
    if (!TIMES.test(shape.cursor.sqlType)) return floors.filter(([seconds]) => seconds <= oldEnoughS).at(-1)?.[1];
    const [row] = await this.#rows(lookBackQuery(shape.cursor, place.cursor, lookBackS));
    return row?.[0] ?? undefined;
  }

  /** By the minute, as far back as is looked, and the last one before that. */
  #floorsOf({ floors, place }: TablePosition): TablePosition['floors'] {
    const { shape, clock, lookBackS } = this.#options;
    if (place === undefined || TIMES.test(shape.cursor.sqlType)) return [];
    const nowS = Math.floor(clock.nowUs() / 1e6);
    const kept = floors.filter((_floor, i) => (floors[i + 1]?.[0] ?? Infinity) > nowS - lookBackS);
    const last = kept.at(-1);
    return last === undefined || nowS - last[0] >= FLOOR_EVERY_S ? [...kept, [nowS, place.cursor]] : kept;
  }

  async #rows({ text, values }: BoundQuery): Promise<Rows> {
    const { rows } = await this.#options.client.query<(string | null)[]>({ text, values: [...values], rowMode: 'array' });
    return rows;
  }
}

/** Class 22 of SQLSTATE: what was given is none of the type's values. */
function isNoValue(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('22');
}

function isFarFrom({ xmin }: TablePosition, snapshot: Snapshot): boolean {
  return xmin === undefined || snapshot.xmin - BigInt(xmin) > XIDS_UNSTORED_MAX;
}

function refuseInfinite({ cursor }: TableShape, page: readonly FetchedRow[]): void {
  const place = page.find((row) => /^-?infinity$|^nan$/i.test(row.place.cursor))?.place;
  if (place === undefined) return;
  throw new SourceError(
    'stop',
    'THYME_SOURCE_CURSOR',
    `${cursor.name} is ${place.cursor} at key ${place.key.join(', ')}: nothing can come behind it; give the row another value`,
  );
}

function restored(): SourceError {
  return new SourceError(
    'stop',
    'THYME_SOURCE_RESTORED',
    'the database numbers its transactions below where the source had come: it was restored or replaced, and late rows cannot be told; raise the version of the dataset',
  );
}
