import { checkRow } from './check-row.js';
import { PRODUCTION_GEOMETRY } from './geometry.js';
import { BOUNDARY_WORD, HEAD_BYTES, HeadPage, HORIZON_WORD } from './head-page.js';
import { type Layout, ROW_COLUMNS, ROW_KNOWN, ROW_OFFSET, ROW_SOURCE, ROW_TIME } from './layout.js';
import { aligned, PageKind, readHeader, setCount, VERSION_WITHOUT_END } from './page-header.js';
import { allocatePage, RowPage } from './row-page.js';
import type { PageWriter } from './page-access.js';
import type { TimelineRow } from './timeline.js';

export interface AppendPlace {
  readonly store: PageWriter;
  readonly headKey: Uint8Array;
  readonly horizonUs: number;
}

/**
 * Puts rows behind the head's bytes as they lie, at a fifth of what a writer costs. False, and nothing is changed, where they need
 * more than that. The pages are the same either way.
 */
export function appendRows(layout: Layout, { store, headKey, horizonUs }: AppendPlace, rows: readonly TimelineRow[]): boolean {
  if (layout.hasBytes) return false; // their heap lies behind the rows
  const stored = store.get(headKey);
  const before = stored === undefined ? emptyHead(layout) : aligned(stored);
  const { version, count } = readHeader(before, PageKind.head, layout.columnCount);
  if (version < VERSION_WITHOUT_END) return false; // its rows are to be read first
  if (count + rows.length >= PRODUCTION_GEOMETRY.headRows) return false; // it spills
  const page = allocatePage(before.length + rows.length * layout.rowWords * 8, store);
  page.set(before);
  const words = new Float64Array(page.buffer, page.byteOffset, page.length / 8);
  const trimmedUs = words[HORIZON_WORD]!;
  if (horizonUs > trimmedUs) return false;
  let at = HEAD_BYTES / 8 + count * layout.rowWords;
  // Behind the newest row, or in an empty head behind the tree's last.
  let newest = count === 0 ? BOUNDARY_WORD : at - layout.rowWords;
  for (const row of rows) {
    checkRow(row, layout);
    if (row.eventTimeUs < trimmedUs || !isAfter(row, words, newest)) return false;
    putRow(row, words, at, layout);
    newest = at;
    at += layout.rowWords;
  }
  setCount(page, count + rows.length);
  store.put(headKey, page);
  return true;
}

const emptyHeads = new WeakMap<Layout, Uint8Array>();

/** The head of a group that has nothing yet; not to be changed. */
function emptyHead(layout: Layout): Uint8Array {
  let head = emptyHeads.get(layout);
  if (head === undefined) {
    head = new HeadPage(RowPage.empty(layout, 0)).encode();
    emptyHeads.set(layout, head);
  }
  return head;
}

/** Whether the row is after the key at `at`: time, source and offset, as rows and the boundary have them. */
function isAfter(row: TimelineRow, words: Float64Array, at: number): boolean {
  const time = words[at + ROW_TIME]!;
  if (time !== row.eventTimeUs) return time < row.eventTimeUs;
  const source = words[at + ROW_SOURCE]!;
  if (source !== row.orderSource) return source < row.orderSource;
  return words[at + ROW_OFFSET]! < row.orderOffset;
}

function putRow(row: TimelineRow, words: Float64Array, at: number, layout: Layout): void {
  words[at + ROW_TIME] = row.eventTimeUs;
  words[at + ROW_SOURCE] = row.orderSource;
  words[at + ROW_OFFSET] = row.orderOffset;
  words[at + ROW_KNOWN] = row.knownUs;
  if (layout.startAt >= 0) words[at + layout.startAt] = row.startUs ?? Number.NEGATIVE_INFINITY;
  for (let column = 0; column < layout.columnCount; column++) {
    const value = row.values[column];
    // As RowPage has it: NaN is null, and -0 becomes 0.
    words[at + ROW_COLUMNS + column] = typeof value === 'number' ? value + 0 : Number.NaN;
  }
}
