import type pg from 'pg';
import Cursor from 'pg-cursor';
import type { BatchLimits } from '../connector.js';
import { unlessAborted } from '../unless-aborted.js';
import { AS_TEXT } from './postgres-client.js';
import type { TableColumn } from './table-shape.js';
import type { BoundQuery } from './table-queries.js';

/** A row as the server sends it, every value as text. */
export type Cells = readonly (string | null)[];

export interface CursorOptions {
  readonly client: pg.Client;
  readonly limits: BatchLimits;
  readonly signal: AbortSignal;
}

/** Rows that one fetch brings at most. */
const FETCH_ROWS = 500;

/** The rows of a query, as pages within the limits, by a server-side cursor. A row that is larger than they allow is a page alone. */
export async function* cursorPages(query: BoundQuery, { client, limits, signal }: CursorOptions): AsyncGenerator<readonly Cells[]> {
  const cursor = client.query(new Cursor<(string | null)[]>(query.text, [...query.values], { rowMode: 'array', types: AS_TEXT }));
  let page: Cells[] = [];
  let pageBytes = 0;
  for (;;) {
    const fetched = await unlessAborted(cursor.read(Math.min(FETCH_ROWS, limits.rowsMax - page.length)), signal);
    for (const cells of fetched) {
      const bytes = bytesOf(cells);
      if (page.length > 0 && pageBytes + bytes > limits.bytesMax) {
        yield page;
        [page, pageBytes] = [[], 0];
      }
      page.push(cells);
      pageBytes += bytes;
    }
    if (page.length >= limits.rowsMax || (fetched.length === 0 && page.length > 0)) {
      yield page;
      [page, pageBytes] = [[], 0];
    }
    // Before its end it is left to the session's: one that broke does not answer when it is closed.
    if (fetched.length === 0) return cursor.close();
  }
}

export function bytesOf(cells: readonly (string | null | undefined)[]): number {
  return cells.reduce((total, text) => total + (text?.length ?? 0), 0);
}

/** Puts the columns that are not null, the first of which is cell `from`, into `input` as a push would say them. */
export function decodeInto(input: Record<string, unknown>, columns: readonly TableColumn[], cells: Cells, from: number): void {
  for (const [i, { name, decode }] of columns.entries()) {
    const text = cells[from + i];
    if (text !== null && text !== undefined) input[name] = decode(text);
  }
}
