// The rows of a window one by one, for who asks why a value is what it is: newest first, page by page.
//
//   which      the rows
//   counted    that the window's answer at the instant is made of (S2, S17, S22)
//   ended      that lie in the window and were taken back by then (S17), the latest end first
//   later      that count now, and were not known at `knownAtUs` yet (S22)
//
// A page takes a bounded time, whatever it has to pass over: it may hold fewer rows than asked, or none, and still say
// where the next one begins.

import type { WindowBounds } from './cover.js';
import { visitNewestFirst } from './last-values.js';
import { COLUMN_COUNT, COLUMN_MAX, COLUMN_MIN, ENTRY_KNOWN_MAX, ENTRY_KNOWN_MIN, ENTRY_TIME_MIN } from './layout.js';
import type { RowPage } from './row-page.js';
import type { TimelinePages } from './timeline-pages.js';
import type { Instant, RowKey, TimelineRow } from './timeline.js';
import { WindowView } from './window-view.js';

export type WhichRows = 'counted' | 'ended' | 'later';

export interface RowsQuestion {
  readonly which: WhichRows;
  /** Null for everything up to the instant. */
  readonly windowUs: number | null;
  /** Rows with a null in one of these columns are no rows for this question. */
  readonly needs: readonly number[];
  readonly rowsMax: number;
  /** Behind this place: `next` of the page before. */
  readonly before?: RowKey | undefined;
}

export interface ListedRow extends TimelineRow {
  /** Of rows that were taken back. */
  readonly endUs?: number;
  readonly endKnownUs?: number;
}

export interface RowsPage {
  readonly rows: readonly ListedRow[];
  /** Of the last row that was looked at; of ended rows the event time stands for their end. Absent on the last page. */
  readonly next?: RowKey;
}

/** Rows that one page looks at behind its beginning: about two milliseconds. */
const LOOKED_AT_MAX = 10_000;
/** Byte values of one page, beyond its first row. */
const PAGE_BYTES_MAX = 1024 * 1024;

export function listRows(pages: TimelinePages, instant: Instant, question: RowsQuestion): RowsPage {
  if (pages.head === undefined) return { rows: [] };
  const { asOfUs, knownAtUs } = instant;
  const fromUs = question.windowUs === null ? Number.NEGATIVE_INFINITY : asOfUs - question.windowUs;
  const bounds = { fromUs, toUs: asOfUs, knownAtUs };
  if (question.which === 'ended') return listEnded(pages, bounds, question);
  return listCounted(pages, bounds, question);
}

/** Of `later`, the window is the one of all that is known, less what was known in time. */
function listCounted(pages: TimelinePages, bounds: WindowBounds, question: RowsQuestion): RowsPage {
  const isLater = question.which === 'later';
  const view = new WindowView(pages, isLater ? { ...bounds, knownAtUs: Number.POSITIVE_INFINITY } : bounds);
  const gathering = new Gathering(question);
  visitNewestFirst(
    view,
    {
      needs: question.needs,
      skips: (page, index) =>
        gathering.isBehind(page.field(index, ENTRY_TIME_MIN)) || (isLater && page.field(index, ENTRY_KNOWN_MAX) <= bounds.knownAtUs),
    },
    (page, index) => gathering.visit(page, index, () => (isLater && page.known(index) <= bounds.knownAtUs ? undefined : page.rowAt(index))),
  );
  return gathering.page();
}

/** The timeline of ended rows is in the order of their ends; what ended before the instant lies at its front. */
function listEnded(pages: TimelinePages, bounds: WindowBounds, question: RowsQuestion): RowsPage {
  const ended = pages.ended();
  const gathering = new Gathering(question);
  if (ended?.head === undefined) return gathering.page();
  const { head } = ended;
  const visitAll = (page: RowPage): boolean => {
    for (let index = page.count - 1; index >= 0; index--)
      if (!gathering.visit(page, index, () => endedRowOf(page, index, bounds))) return false;
    return true;
  };
  const { partialAt, columnCount } = ended.layout;
  const timeAt = partialAt[columnCount - 2]!;
  const visitBelow = (id: number, level: number): boolean => {
    if (level === 0) return visitAll(ended.leaf(id).rows);
    const page = ended.inner(id);
    for (let index = page.count - 1; index >= 0; index--) {
      if (gathering.isBehind(page.field(index, ENTRY_TIME_MIN)) || page.field(index, ENTRY_TIME_MIN) > bounds.toUs) continue;
      if (page.field(index, timeAt + COLUMN_MIN) > bounds.toUs || page.field(index, timeAt + COLUMN_MAX) < bounds.fromUs) continue;
      if (page.field(index, ENTRY_KNOWN_MIN) > bounds.knownAtUs) continue;
      if (question.needs.some((column) => page.field(index, partialAt[column]! + COLUMN_COUNT) === 0)) continue;
      if (!visitBelow(page.child(index), level - 1)) return false;
    }
    return true;
  };
  if (visitAll(head.rows) && head.root !== 0) visitBelow(head.root, head.height);
  return gathering.page();
}

function endedRowOf(page: RowPage, index: number, { fromUs, toUs, knownAtUs }: WindowBounds): ListedRow | undefined {
  const columnCount = page.layout.columnCount - 2;
  const [endUs, eventTimeUs, endKnownUs] = [page.time(index), page.number(index, columnCount), page.number(index, columnCount + 1)];
  if (endUs > toUs || endKnownUs > knownAtUs || page.known(index) > knownAtUs) return undefined;
  if (eventTimeUs < fromUs || eventTimeUs > toUs) return undefined;
  const row = page.rowAt(index);
  return { ...row, eventTimeUs, values: row.values.slice(0, columnCount), endUs, endKnownUs };
}

/** A page as it fills. */
class Gathering {
  readonly #question: RowsQuestion;
  readonly #rows: ListedRow[] = [];
  #lookedAt = 0;
  #bytes = 0;
  #last: RowKey | undefined;
  #isFull = false;

  constructor(question: RowsQuestion) {
    this.#question = question;
  }

  /** Whether all from this event time on was on pages before. */
  isBehind(timeUs: number): boolean {
    const { before } = this.#question;
    return before !== undefined && timeUs > before.eventTimeUs;
  }

  /** False once the page is full, and there is a row that it does not hold. */
  visit(page: RowPage, index: number, read: () => ListedRow | undefined): boolean {
    const { before, needs, rowsMax } = this.#question;
    if (before !== undefined && !page.isBefore(index, before)) return true;
    const row = needs.some((column) => page.isNull(index, column)) ? undefined : read();
    if (this.#lookedAt === LOOKED_AT_MAX || (row !== undefined && this.#hasNoRoomFor(row, rowsMax))) {
      this.#isFull = true;
      return false;
    }
    this.#lookedAt++;
    this.#last = page.keyAt(index);
    if (row === undefined) return true;
    this.#rows.push(row);
    this.#bytes += bytesOf(row);
    return true;
  }

  page(): RowsPage {
    return { rows: this.#rows, ...(this.#isFull && this.#last !== undefined ? { next: this.#last } : {}) };
  }

  #hasNoRoomFor(row: ListedRow, rowsMax: number): boolean {
    return this.#rows.length === rowsMax || (this.#rows.length > 0 && this.#bytes + bytesOf(row) > PAGE_BYTES_MAX);
  }
}

function bytesOf({ values }: TimelineRow): number {
  return values.reduce<number>((sum, value) => sum + (value instanceof Uint8Array ? value.length : 8), 0);
}
