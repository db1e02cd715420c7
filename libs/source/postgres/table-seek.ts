import type pg from 'pg';
import { cannotReset, wouldRepeat } from '../seek-error.js';
import { SourceError } from '../source-error.js';
import type { RowPlace } from '../table/row-place.js';
import { pagesOf, type Snapshot } from './table-pages.js';
import { AT_THE_BEGINNING, SEEN_MAX, seenMark, type TablePosition } from './table-position.js';
import { isBeforeQuery, lastRowQuery, lateRowsQuery, type BoundQuery } from './table-queries.js';
import type { TableShape } from './table-shape.js';

export interface TableSeek {
  readonly client: pg.Client;
  readonly shape: TableShape;
  /** Of the transaction that is open. */
  readonly snapshot: Snapshot;
  readonly rows: (query: BoundQuery) => Promise<readonly (readonly (string | null)[])[]>;
  /** Late commits are looked for from this cursor on; undefined for anywhere. */
  readonly floorOf: (place: RowPlace) => Promise<string | undefined>;
  /** Of a view, rows that are younger are not read yet. */
  readonly settledS: number;
  readonly signal: AbortSignal;
}

const PAGE = { rowsMax: SEEN_MAX, bytesMax: 4 * 1024 * 1024 };

/**
 * The position behind the last row whose cursor is `to` or less; behind the last row there is where nothing is named. Rows up to
 * it that this snapshot sees count as read; what is still being written is found when it is committed, as after any pass.
 */
export async function seekTable(seek: TableSeek, to: string | undefined, from: TablePosition | undefined): Promise<TablePosition> {
  const { shape, snapshot, rows, settledS } = seek;
  const bound = to === undefined ? (shape.hasXmin ? undefined : { settledS }) : { cursor: to };
  const [last] = await rows(lastRowQuery(shape, bound));
  if (last === undefined && to !== undefined) throw cannotReset(`no row has a ${shape.cursor.name} at or before '${to}'`);
  const xmin = String(snapshot.xmin);
  if (last === undefined) return { ...AT_THE_BEGINNING, xmin };
  const place = { cursor: last[0] ?? '', key: last.slice(1).map((value) => value ?? '') };
  if (to !== undefined && from?.place !== undefined) {
    const [[isBefore] = []] = await rows(isBeforeQuery(shape, place, from.place));
    if (isBefore === 't') throw wouldRepeat(`${shape.cursor.name} ${to}`, `${shape.cursor.name} ${from.place.cursor}`);
  }
  return { ...AT_THE_BEGINNING, place, xmin, seen: shape.hasXmin ? await seenUpTo(place, xmin, seek) : new Map<string, string>() };
}

/** Rows that the next pass meets again, since transactions that are no younger than theirs are still open. */
async function seenUpTo(place: RowPlace, xmin: string, { floorOf, ...pages }: TableSeek): Promise<ReadonlyMap<string, string>> {
  const seen = new Map<string, string>();
  const query = lateRowsQuery(pages.shape, { ...AT_THE_BEGINNING, place, xmin }, await floorOf(place));
  for await (const page of pagesOf(query, { ...pages, limits: PAGE }))
    for (const row of page) {
      if (row.xmin < BigInt(xmin)) continue;
      seen.set(seenMark(row.place.key, row.xmin), String(row.xmin));
      if (seen.size > SEEN_MAX)
        throw new SourceError(
          'retry',
          'THYME_SOURCE_RESET',
          `more than ${SEEN_MAX} rows are younger than a transaction that is still open: reset again when it has ended`,
        );
    }
  return seen;
}
