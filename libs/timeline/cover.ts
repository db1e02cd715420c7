import type { InnerPage } from './inner-page.js';
import { ENTRY_KNOWN_MAX, ENTRY_KNOWN_MIN, ENTRY_START_MAX, ENTRY_TIME_MAX, ENTRY_TIME_MIN } from './layout.js';
import type { LeafPage } from './leaf-page.js';
import { BASE_ID } from './page-keys.js';
import type { RowPage } from './row-page.js';
import type { TimelinePages } from './timeline-pages.js';

/** Rows [start, end) of a page; which of them were known in time is for the fold to see. */
export interface RowSpan {
  readonly kind: 'rows';
  readonly page: RowPage;
  readonly start: number;
  readonly end: number;
  /** Where all of a leaf's rows are meant, and all were known in time. */
  readonly leaf?: LeafPage;
}

/** All rows below an entry, every one within the window, begun and known in time: its partials may be used as they are. */
export interface WholeEntry {
  readonly kind: 'entry';
  readonly page: InnerPage;
  readonly index: number;
}

export type CoverItem = RowSpan | WholeEntry;

/** A window at an instant, both ends included (S2). */
export interface WindowBounds {
  readonly fromUs: number;
  readonly toUs: number;
  readonly knownAtUs: number;
}

/**
 * What a window consists of, oldest first: whole subtrees, and runs of rows at its two edges. Nothing
 * outside is in it, so nothing has ever to be subtracted (S8). Ended rows are not (ended-rows.ts).
 */
export function coverWindow(pages: TimelinePages, bounds: WindowBounds): CoverItem[] {
  const items: CoverItem[] = [];
  const { head } = pages;
  if (head === undefined) return items;
  if (bounds.fromUs === Number.NEGATIVE_INFINITY) coverBase(pages, bounds, items);
  if (head.root !== 0 && head.boundaryTimeUs >= bounds.fromUs) coverBelow(pages, { id: head.root, level: head.height }, bounds, items);
  coverRows(head.rows, bounds, items);
  return items;
}

/** What lies below a whole entry, oldest first; nothing below the base, whose rows are gone. */
export function expandEntry(pages: TimelinePages, { page, index }: WholeEntry): CoverItem[] {
  const id = page.child(index);
  if (id === BASE_ID) return [];
  if (page.level === 1) {
    const leaf = pages.leaf(id);
    return [{ kind: 'rows', page: leaf.rows, start: 0, end: leaf.rows.count, leaf }];
  }
  const child = pages.inner(id);
  return Array.from({ length: child.count }, (_, entry) => ({ kind: 'entry', page: child, index: entry }));
}

function coverBelow(
  pages: TimelinePages,
  node: { readonly id: number; readonly level: number },
  bounds: WindowBounds,
  items: CoverItem[],
): void {
  if (node.level === 0) {
    coverRows(pages.leaf(node.id).rows, bounds, items);
    return;
  }
  const page = pages.inner(node.id);
  for (let index = 0; index < page.count; index++) {
    const timeMin = page.field(index, ENTRY_TIME_MIN);
    const timeMax = page.field(index, ENTRY_TIME_MAX);
    if (timeMax < bounds.fromUs) continue;
    if (timeMin > bounds.toUs) return;
    if (page.field(index, ENTRY_KNOWN_MIN) > bounds.knownAtUs) continue;
    const whole =
      timeMin >= bounds.fromUs &&
      timeMax <= bounds.toUs &&
      page.field(index, ENTRY_KNOWN_MAX) <= bounds.knownAtUs &&
      page.field(index, ENTRY_START_MAX) <= bounds.toUs;
    if (whole) items.push({ kind: 'entry', page, index });
    else coverBelow(pages, { id: page.child(index), level: node.level - 1 }, bounds, items);
  }
}

function coverRows(page: RowPage, bounds: WindowBounds, items: CoverItem[]): void {
  const start = page.lowerBound(bounds.fromUs);
  const end = page.upperBound(bounds.toUs);
  if (start >= end) return;
  if (page.layout.startAt < 0 || hasBegun(page, { start, end }, bounds.toUs)) items.push({ kind: 'rows', page, start, end });
  else coverBegun(page, { start, end }, bounds.toUs, items);
}

function hasBegun(page: RowPage, { start, end }: { readonly start: number; readonly end: number }, asOfUs: number): boolean {
  for (let index = start; index < end; index++) if (page.start(index) > asOfUs) return false;
  return true;
}

/** The runs between the rows that do not count yet (S17). */
function coverBegun(page: RowPage, range: { readonly start: number; readonly end: number }, asOfUs: number, items: CoverItem[]): void {
  let start = range.start;
  for (let index = range.start; index <= range.end; index++) {
    if (index < range.end && page.start(index) <= asOfUs) continue;
    if (start < index) items.push({ kind: 'rows', page, start, end: index });
    start = index + 1;
  }
}

/** Endless windows only. What was known of trimmed rows is no longer told apart: the caller refuses instants that would need it (S20). */
function coverBase(pages: TimelinePages, bounds: WindowBounds, items: CoverItem[]): void {
  const entry = pages.base()?.entry;
  if (entry !== undefined && entry.field(0, ENTRY_KNOWN_MIN) <= bounds.knownAtUs) items.push({ kind: 'entry', page: entry, index: 0 });
}
