import type { SourceRow } from '../connector.js';
import type { CursorTime } from './cursor-time.js';
import type { RowPlace } from './row-place.js';

/** A row as a query of the table gave it. */
export interface TableRow {
  readonly place: RowPlace;
  /** The column of cursor and key that is null, where one is: such a row has no place. */
  readonly gap?: string;
  /** The last instant that its cursor can mean, in microseconds since the epoch: of a date, the end of its day. */
  readonly cursorUs: number;
  /** Roughly, in memory. */
  readonly bytes: number;
  readonly row: SourceRow;
}

/** Where a query begins, and up to which row it calls rows history. */
export interface QueryStart {
  readonly place: RowPlace | undefined;
  readonly initialEnd: RowPlace | null | undefined;
  /** No row with a cursor beyond it; absent: up to the source's clock. */
  readonly until?: string;
}

export interface TableQuery {
  /** The source's own clock, not later than what the query sees. */
  readonly nowUs: number;
  /** All of one snapshot. */
  readonly pages: AsyncIterable<readonly TableRow[]>;
}

/** A table that is asked by queries, each of which sees one snapshot. Whatever fails is a SourceError. */
export interface PolledTable {
  /**
   * Rows behind the place whose cursor is not later than the source's clock, in the order of (cursor, key), at most `rowsMax`;
   * and in front of them those without a cursor, which are no rows to read. A page has at most `pageRows`.
   */
  newRows(start: QueryStart, options: { readonly rowsMax: number; readonly pageRows: number }, signal: AbortSignal): Promise<TableQuery>;
  /** The last of these rows that there is, among those whose cursor is `until` or less. */
  lastPlace(signal: AbortSignal, until?: string): Promise<RowPlace | undefined>;
  /** The source's own clock. */
  nowUs(signal: AbortSignal): Promise<number>;
  /** What the position is called: the cursor's and the key's columns. */
  readonly cursorName: string;
  readonly keyNames: readonly string[];
  readonly cursorTime: CursorTime;
  /** What it has cost so far, for people, such as `12 MB scanned by 3 queries`; undefined where nobody counts. */
  cost(): string | undefined;
  close(): Promise<void>;
}
