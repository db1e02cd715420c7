import { endedShape } from './ended-shape.js';
import { HeadPage } from './head-page.js';
import { InnerPage } from './inner-page.js';
import { ENTRY_ROWS, layoutOf } from './layout.js';
import { BasePage } from './base-page.js';
import { BASE_ID, baseKey, digestKey, endedKey, lateKey, pageKey } from './page-keys.js';
import { requirePage } from './page-header.js';
import { RowPage } from './row-page.js';
import { TimelineWriter } from './timeline-writer.js';
import type { PageWriter } from './page-access.js';
import type { RowEnd, RowKey, TimelineRow, TimelineShape } from './timeline.js';

/** The rows that go: those that one source has put there from one offset up to another (S7). From -Infinity on: the base as well. */
export interface ErasedRange {
  readonly orderSource: number;
  readonly fromOffset: number;
  readonly beforeOffset: number;
}

/** Whether a row, or the end of one, is of those that go. */
export function isWithin(range: ErasedRange, { orderSource, orderOffset }: Pick<RowKey, 'orderSource' | 'orderOffset'>): boolean {
  return orderSource === range.orderSource && orderOffset >= range.fromOffset && orderOffset < range.beforeOffset;
}

/**
 * Drops rows of one group as if they had never come (S26): for every T and every state of knowledge, ended ones and those that
 * were trimmed into its base included. What stays is written anew, in order, so that no partial and no digest remembers the
 * others. Returns how many rows went.
 */
export function eraseRows(shape: TimelineShape, store: PageWriter, headKey: Uint8Array, range: ErasedRange): number {
  const all = takeAll(shape, store, headKey, range.fromOffset === Number.NEGATIVE_INFINITY);
  const kept = all.rows.filter((row) => !isWithin(range, row));
  const keptEnded = all.ended.filter(({ row }) => !isWithin(range, row));
  if (kept.length + keptEnded.length > 0 || all.horizonUs > Number.NEGATIVE_INFINITY) {
    const writer = new TimelineWriter(shape, store, headKey);
    for (const row of [...kept, ...keptEnded.map(({ row }) => row)].sort(inOrder)) writer.insert(row);
    for (const { end } of keptEnded) writer.end(end);
    writer.trim(all.horizonUs); // as before: the base goes on standing for what is below
    writer.flush();
  }
  return all.trimmed + all.rows.length - kept.length + all.ended.length - keptEnded.length;
}

interface Taken {
  readonly rows: readonly TimelineRow[];
  readonly ended: readonly { readonly row: TimelineRow; readonly end: RowEnd }[];
  /** Rows that the base stood for, where it went too. */
  readonly trimmed: number;
  /** Of a base that stays; -Infinity for none. */
  readonly horizonUs: number;
}

function takeAll(shape: TimelineShape, store: PageWriter, headKey: Uint8Array, withBase: boolean): Taken {
  const layout = layoutOf(shape);
  const head = store.get(headKey);
  const horizonUs = withBase || head === undefined ? Number.NEGATIVE_INFINITY : HeadPage.decode(head, layout).horizonUs;
  const trimmed = withBase ? takeBase(shape, store, headKey) : 0;
  const rows = takePages(shape, store, headKey);
  if (layout.startAt < 0) return { rows, ended: [], trimmed, horizonUs };
  const ended = takePages(endedShape(shape), store, endedKey(headKey)).map((row) => {
    const values = row.values.slice(0, layout.columnCount);
    const [eventTimeUs, endKnownUs] = [Number(row.values.at(-2)), Number(row.values.at(-1))];
    const { orderSource, orderOffset, eventTimeUs: endUs } = row;
    return { row: { ...row, eventTimeUs, values }, end: { eventTimeUs, orderSource, orderOffset, endUs, endKnownUs } };
  });
  return { rows, ended, trimmed, horizonUs };
}

/** The rows of a head and its tree, whose pages are deleted. */
function takePages(shape: TimelineShape, store: PageWriter, headKey: Uint8Array): TimelineRow[] {
  const layout = layoutOf(shape);
  const stored = store.get(headKey);
  if (stored === undefined) return [];
  const head = HeadPage.decode(stored, layout);
  const rows: TimelineRow[] = [];
  const gather = (page: RowPage): void => {
    for (let index = 0; index < page.count; index++) rows.push(page.rowAt(index));
  };
  const take = (id: number, level: number): void => {
    const key = pageKey(headKey, id);
    const value = store.get(key);
    requirePage(value !== undefined, 'an entry points to it, and it is missing');
    if (level === 0) gather(RowPage.decodeLeaf(value, layout));
    else {
      const page = InnerPage.decode(value, layout);
      for (let index = 0; index < page.count; index++) take(page.child(index), level - 1);
      store.delete(digestKey(headKey, id));
      store.delete(lateKey(headKey, id));
    }
    store.delete(key);
  };
  if (head.root !== 0) take(head.root, head.height);
  gather(head.rows);
  store.delete(headKey);
  return rows;
}

function takeBase(shape: TimelineShape, store: PageWriter, headKey: Uint8Array): number {
  const stored = store.get(baseKey(headKey));
  if (stored === undefined) return 0;
  const { entry } = BasePage.decode(stored, layoutOf(shape));
  store.delete(baseKey(headKey));
  store.delete(digestKey(headKey, BASE_ID));
  return entry.count === 0 ? 0 : entry.field(0, ENTRY_ROWS);
}

function inOrder(a: TimelineRow, b: TimelineRow): number {
  return a.eventTimeUs - b.eventTimeUs || a.orderSource - b.orderSource || a.orderOffset - b.orderOffset;
}
