import type { WindowBounds } from './cover.js';
import type { InnerPage } from './inner-page.js';
import { COLUMN_MAX, COLUMN_MIN, ENTRY_KNOWN_MIN, ENTRY_TIME_MAX } from './layout.js';
import { RowPage } from './row-page.js';
import type { TimelinePages } from './timeline-pages.js';
import type { RowEnd, TimelineRow } from './timeline.js';

// The ended rows of a timeline (S17): a timeline of its own, in the order of their ends, so that an end is an append, and
// that those which still count at some T lie behind it. Its rows have two columns more than the others':
//
//   event time := end | order | known | column ... | the row's own event time f64 | when its end was known f64 | start f64

export function endedRow(row: TimelineRow, { endUs, endKnownUs }: RowEnd): TimelineRow {
  const { eventTimeUs, orderSource, orderOffset, knownUs, startUs } = row;
  return { eventTimeUs: endUs, orderSource, orderOffset, knownUs, values: row.values.concat(eventTimeUs, endKnownUs), startUs };
}

/** Whether there is an instant, and a state of knowledge, at which it counts. */
export function countsEver({ eventTimeUs, startUs = eventTimeUs, knownUs }: TimelineRow, { endUs, endKnownUs }: RowEnd): boolean {
  return endUs > Math.max(eventTimeUs, startUs) || endKnownUs > knownUs;
}

/**
 * Whether an ended row counts at no instant from the horizon on, for whoever knows what was known at the horizon (S20): it had ended
 * by then, and that was known.
 */
export function endsBelow(page: RowPage, index: number, horizonUs: number): boolean {
  return page.time(index) <= horizonUs && page.number(index, page.layout.columnCount - 1) <= horizonUs;
}

/** The same of all rows below an entry. */
export function entryEndsBelow(page: InnerPage, index: number, horizonUs: number): boolean {
  const { partialAt, columnCount } = page.layout;
  return page.field(index, ENTRY_TIME_MAX) <= horizonUs && page.field(index, partialAt[columnCount - 1]! + COLUMN_MAX) <= horizonUs;
}

/** The ended rows that count in the window at its instant, in the order of their event times; undefined for none. */
export function endedWithin(pages: TimelinePages, bounds: WindowBounds): RowPage | undefined {
  const ended = pages.ended();
  if (ended?.head === undefined) return undefined;
  const { head } = ended;
  const rows: TimelineRow[] = [];
  // Ends rise: what lies in the tree ended at its boundary or before.
  if (head.root !== 0 && (head.boundaryTimeUs > bounds.toUs || bounds.knownAtUs < Number.POSITIVE_INFINITY))
    gatherBelow(ended, { id: head.root, level: head.height }, bounds, rows);
  gatherRows(head.rows, bounds, rows);
  if (rows.length === 0) return undefined;
  rows.sort((a, b) => a.eventTimeUs - b.eventTimeUs || a.orderSource - b.orderSource || a.orderOffset - b.orderOffset);
  const page = RowPage.empty(pages.layout, rows.length);
  for (const row of rows) page.insert(row);
  return page;
}

/** Passes over subtrees by the extremes of their ends, of when these were known, and of their rows' event times. */
function gatherBelow(
  ended: TimelinePages,
  node: { readonly id: number; readonly level: number },
  bounds: WindowBounds,
  rows: TimelineRow[],
): void {
  if (node.level === 0) {
    gatherRows(ended.leaf(node.id).rows, bounds, rows);
    return;
  }
  const page = ended.inner(node.id);
  const { partialAt, columnCount } = ended.layout;
  const [timeAt, endKnownAt] = [partialAt[columnCount - 2]!, partialAt[columnCount - 1]!];
  for (let index = 0; index < page.count; index++) {
    if (page.field(index, ENTRY_TIME_MAX) <= bounds.toUs && page.field(index, endKnownAt + COLUMN_MAX) <= bounds.knownAtUs) continue;
    if (page.field(index, timeAt + COLUMN_MIN) > bounds.toUs || page.field(index, timeAt + COLUMN_MAX) < bounds.fromUs) continue;
    if (page.field(index, ENTRY_KNOWN_MIN) > bounds.knownAtUs) continue;
    gatherBelow(ended, { id: page.child(index), level: node.level - 1 }, bounds, rows);
  }
}

function gatherRows(page: RowPage, { fromUs, toUs, knownAtUs }: WindowBounds, rows: TimelineRow[]): void {
  const columnCount = page.layout.columnCount - 2;
  for (let index = 0; index < page.count; index++) {
    if (page.time(index) <= toUs && page.number(index, columnCount + 1) <= knownAtUs) continue;
    const eventTimeUs = page.number(index, columnCount);
    if (eventTimeUs < fromUs || eventTimeUs > toUs || page.start(index) > toUs || page.known(index) > knownAtUs) continue;
    const row = page.rowAt(index);
    rows.push({ ...row, eventTimeUs, values: row.values.slice(0, columnCount) });
  }
}
