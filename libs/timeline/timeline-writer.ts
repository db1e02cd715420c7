// Writing a timeline: rows in, pages out.
//
//   writable-pages.ts  loads pages, and puts back those that changed
//   tree.ts            takes over the head's rows when it is full, and late rows
//   digest-seals.ts    digests of inner pages that appends have left behind, and what came late to them
//   write-rows.ts      a tick's rows and ends
//   append-rows.ts     the short way for rows that are only to be appended
//   trimming.ts        drops old leaves, whose partials trimmed-base.ts keeps
//   ended-rows.ts      the timeline of the rows that were ended

import { appendRows } from './append-rows.js';
import { checkEnd, checkRow } from './check-row.js';
import { DigestSeals } from './digest-seals.js';
import { countsEver, endedRow } from './ended-rows.js';
import { endedShape } from './ended-shape.js';
import { type Geometry, PRODUCTION_GEOMETRY } from './geometry.js';
import { layoutOf } from './layout.js';
import { endedKey } from './page-keys.js';
import { RowPage } from './row-page.js';
import type { PageWriter } from './page-access.js';
import type { RowEnd, RowKey, TimelineRow, TimelineShape } from './timeline.js';
import { Tree } from './tree.js';
import { TrimmedBase } from './trimmed-base.js';
import { trimEnded, trimTree } from './trimming.js';
import { WritablePages } from './writable-pages.js';

/**
 * Writes the timeline of one group. While it lives nothing else may write there. It may take many rows and
 * be flushed many times; `readWindows` sees what was flushed, so flush before reading. How often it is
 * flushed changes neither pages nor answers.
 */
export class TimelineWriter {
  readonly #pages: WritablePages;
  readonly #tree: Tree;
  readonly #seals: DigestSeals;
  readonly #base: TrimmedBase;
  readonly #shape: TimelineShape;
  /** Rows that ended since the last flush, for the timeline of these (S17). */
  #ended: TimelineRow[] = [];
  #endedHorizonUs = Number.NEGATIVE_INFINITY;

  constructor(shape: TimelineShape, store: PageWriter, headKey: Uint8Array, geometry: Geometry = PRODUCTION_GEOMETRY) {
    this.#shape = shape;
    this.#pages = new WritablePages(shape, geometry, store, headKey);
    this.#tree = new Tree(this.#pages);
    this.#seals = new DigestSeals(this.#pages, this.#tree);
    this.#base = new TrimmedBase(this.#pages);
  }

  /** Puts a row where its event time and order say, however late it comes (S7, S11). */
  insert(row: TimelineRow): void {
    const { head, layout, geometry } = this.#pages;
    checkRow(row, layout);
    if (row.eventTimeUs < head.horizonUs && layout.startAt < 0) {
      const rows = RowPage.empty(layout, 1);
      rows.insert(row);
      this.#base.take(rows);
      return;
    }
    if (!head.isAfterBoundary(row)) {
      const { root, nextId } = head;
      this.#seals.insertLate(row);
      // Most late rows open no page, and leave the head as it is.
      if (head.root !== root || head.nextId !== nextId) this.#pages.headChanged = true;
      return;
    }
    this.#pages.headChanged = true;
    head.rows.insert(row);
    if (head.rows.count >= geometry.headRows) this.#tree.appendHead();
  }

  /**
   * Takes the row out of the current ones (S17). False, and nothing is changed, where there is no such row: it was
   * never here, or was ended.
   */
  end(end: RowEnd): boolean {
    const { head, layout } = this.#pages;
    checkEnd(end, layout);
    const { root } = head;
    const row = head.isAfterBoundary(end) ? this.#removeFromHead(end) : this.#seals.remove(end);
    if (row === undefined) return false;
    if (head.root !== root) this.#pages.headChanged = true;
    if (countsEver(row, end)) this.#ended.push(endedRow(row, end));
    return true;
  }

  /** Puts the pages that changed. The store owns them from then on: what is put is a copy. */
  flush(): void {
    this.#base.flush();
    this.#seals.flush();
    this.#pages.flush();
    if (this.#ended.length > 0) this.#flushEnded();
  }

  /**
   * Drops what is older than the horizon, page by page (S20). From then on windows that begin below it, and endless ones
   * asked below it, are the caller's to refuse; `lastK` finds kept rows only. Never goes back. Of a retractable timeline rows that have
   * ended are dropped alone, with the next that ends: others may be ended still. What was known below the horizon is the
   * caller's to refuse there, too.
   */
  trim(horizonUs: number): void {
    const { head, layout } = this.#pages;
    if (layout.startAt >= 0) {
      this.#endedHorizonUs = Math.max(this.#endedHorizonUs, horizonUs);
      return;
    }
    if (horizonUs <= head.horizonUs) return;
    head.horizonUs = horizonUs;
    this.#pages.headChanged = true;
    trimTree(this.#pages, { tree: this.#tree, seals: this.#seals, base: this.#base }, horizonUs);
  }

  /** Most ends are the newest: those rows are only to be put behind the others. */
  #flushEnded(): void {
    const { store, headKey, geometry } = this.#pages;
    const [shape, place] = [endedShape(this.#shape), { store, headKey: endedKey(headKey), horizonUs: this.#endedHorizonUs }];
    const rows = this.#ended;
    this.#ended = [];
    if (geometry === PRODUCTION_GEOMETRY && appendRows(layoutOf(shape), place, rows)) return;
    const writer = new TimelineWriter(shape, store, place.headKey, geometry);
    for (const row of rows) writer.insert(row);
    trimEnded(writer.#pages, writer.#tree, this.#endedHorizonUs);
    writer.flush();
  }

  #removeFromHead(key: RowKey): TimelineRow | undefined {
    const { rows } = this.#pages.head;
    const index = rows.find(key);
    if (index < 0) return undefined;
    const row = rows.rowAt(index);
    rows.remove(index);
    this.#pages.headChanged = true;
    return row;
  }
}
