import type { TimelineShape } from './timeline.js';

// Rows and entries are counted in words of 8 bytes, in the machine's own order (little-endian on every
// machine that Node runs on), so that a page is read through typed views without being decoded.
//
//   row     | event time f64 | order source f64 | order offset f64 | known f64 | column ... | start f64, if retractable |
//           number column: f64, NaN = null
//           bytes column:  offset u32 | length u32 into the page's heap; offset ffffffff = null
//           start: the row counts from it on (S17); -Infinity: from its event time on. A word that is the same in all rows
//           is a seventh of what a head costs, so timelines that nothing is taken back from have none
//           no end: a row that has one is in the timeline of ended rows (ended-rows.ts)
//
//   entry   | child u32, flags u32 | rows | alive | t min | t max | max source | max offset |
//           | max start | min known | max known | column ... |
//           number column: | count | sum hi | sum lo | sum error | min | max |
//           bytes column:  | count |
//           (t max, max source, max offset) is the key of the child's last row. `max start` is -Infinity
//           where no row has a start. All f64 but the first word.

export const ROW_TIME = 0;
export const ROW_SOURCE = 1;
export const ROW_OFFSET = 2;
export const ROW_KNOWN = 3;
export const ROW_COLUMNS = 4;

export const NULL_OFFSET = 0xffff_ffff;

export const ENTRY_CHILD = 0;
export const ENTRY_ROWS = 1;
export const ENTRY_ALIVE = 2;
export const ENTRY_TIME_MIN = 3;
export const ENTRY_TIME_MAX = 4;
export const ENTRY_SOURCE_MAX = 5;
export const ENTRY_OFFSET_MAX = 6;
export const ENTRY_START_MAX = 7;
export const ENTRY_KNOWN_MIN = 8;
export const ENTRY_KNOWN_MAX = 9;
export const ENTRY_COLUMNS = 10;

/** Where a column's figures lie within an entry; all but the count are for number columns only. */
export const COLUMN_COUNT = 0;
export const COLUMN_SUM_HI = 1;
export const COLUMN_SUM_LO = 2;
export const COLUMN_SUM_ERROR = 3;
export const COLUMN_MIN = 4;
export const COLUMN_MAX = 5;

/** The child has digests under its own id. */
export const FLAG_DIGEST = 1;

/** And values beside them, which came later. */
export const FLAG_LATE = 2;

/** What follows from a shape; computed once for each. */
export interface Layout {
  readonly columnCount: number;
  readonly rowWords: number;
  /** The word of a row's start; -1 in timelines that nothing is taken back from. */
  readonly startAt: number;
  readonly entryWords: number;
  /** Where each column's partial begins within an entry. */
  readonly partialAt: readonly number[];
  readonly isNumber: readonly boolean[];
  readonly hasBytes: boolean;
  readonly digestColumns: readonly number[];
}

const layouts = new WeakMap<TimelineShape, Layout>();

export function layoutOf(shape: TimelineShape): Layout {
  let layout = layouts.get(shape);
  if (layout === undefined) {
    layout = computeLayout(shape);
    layouts.set(shape, layout);
  }
  return layout;
}

function computeLayout({ columns, retractable = false }: TimelineShape): Layout {
  let entryWords = ENTRY_COLUMNS;
  const partialAt: number[] = [];
  const digestColumns: number[] = [];
  columns.forEach((column, index) => {
    partialAt.push(entryWords);
    entryWords += column.kind === 'number' ? COLUMN_MAX + 1 : 1;
    if (column.kind === 'number' && column.digest) digestColumns.push(index);
  });
  return {
    columnCount: columns.length,
    rowWords: ROW_COLUMNS + columns.length + (retractable ? 1 : 0),
    startAt: retractable ? ROW_COLUMNS + columns.length : -1,
    entryWords,
    partialAt,
    isNumber: columns.map((column) => column.kind === 'number'),
    hasBytes: columns.some((column) => column.kind === 'bytes'),
    digestColumns,
  };
}
