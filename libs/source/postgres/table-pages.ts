import type { SourceRow } from '../connector.js';
import type { RowPlace } from '../table/row-place.js';
import { keyWords, LANE } from '../table/table-words.js';
import { type Cells, cursorPages, type CursorOptions, decodeInto } from './cursor-pages.js';
import type { BoundQuery } from './table-queries.js';
import type { TableShape } from './table-shape.js';

/** One row of a page: its place, the transaction that wrote it, and the row itself. */
export interface FetchedRow {
  readonly place: RowPlace;
  readonly xmin: bigint;
  readonly row: SourceRow;
}

/** The transactions of one snapshot: the oldest that still ran, and the next to come. */
export interface Snapshot {
  readonly xmin: bigint;
  readonly xmax: bigint;
}

export interface PageOptions extends CursorOptions {
  readonly shape: TableShape;
  readonly snapshot: Snapshot;
}

/** The rows of a query, as pages within the limits. */
export async function* pagesOf(query: BoundQuery, { shape, snapshot, ...options }: PageOptions): AsyncGenerator<readonly FetchedRow[]> {
  for await (const page of cursorPages(query, options)) yield page.map((cells) => fetchedRow(cells, shape, snapshot));
}

function fetchedRow(cells: Cells, shape: TableShape, snapshot: Snapshot): FetchedRow {
  const [xmin, initial, cursor] = cells;
  const key = cells.slice(3, 3 + shape.key.length).map((cell) => cell ?? '');
  const input: Record<string, unknown> = {};
  decodeInto(input, shape.columns, cells, 3 + shape.key.length);
  return {
    place: { cursor: cursor ?? '', key },
    xmin: fullXid(BigInt(xmin ?? '0'), snapshot),
    row: { input, lane: LANE, historical: initial === 'true', place: `${shape.sqlName} ${keyWords(shape.key, key)}` },
  };
}

/** The 64 bits of a row version's transaction, of which it has the low 32: the newest such that the snapshot may know of. */
function fullXid(low: bigint, { xmax }: Snapshot): bigint {
  const full = (xmax & ~0xffff_ffffn) | low;
  return full >= xmax ? full - 0x1_0000_0000n : full;
}
