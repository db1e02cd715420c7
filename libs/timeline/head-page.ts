import type { Layout } from './layout.js';
import { aligned, PageKind, readHeader, writeHeader } from './page-header.js';
import { type PageRoom, RowPage, rowVersion } from './row-page.js';
import type { RowKey } from './timeline.js';

// The head:
//
//   | header 16 | root u32 | next id u32 | boundary time f64 | boundary source f64 | boundary offset f64 | horizon f64 | rows | heap |
export const HEAD_BYTES = 56;
const ROOT_HALF = 4;
const NEXT_ID_HALF = 5;
export const BOUNDARY_WORD = 3;
export const HORIZON_WORD = 6;

/**
 * The newest rows of a timeline, and where the rest is. All its rows are after the boundary, the key of
 * the tree's last row, so a row's key alone says whether it belongs here or in the tree.
 */
export class HeadPage {
  /** 0 while there is no tree. */
  root = 0;
  /** 0 while the root is a leaf. */
  height = 0;
  nextId = 1;
  boundaryTimeUs = Number.NEGATIVE_INFINITY;
  boundarySource = 0;
  boundaryOffset = 0;
  /** Rows below are in the base only (S20); -Infinity while nothing was trimmed and there is no base. */
  horizonUs = Number.NEGATIVE_INFINITY;

  constructor(readonly rows: RowPage) {}

  static decode(value: Uint8Array, layout: Layout): HeadPage {
    const page = aligned(value);
    const header = readHeader(page, PageKind.head, layout.columnCount);
    const head = new HeadPage(RowPage.within(page, HEAD_BYTES, layout, header));
    const halves = new Uint32Array(page.buffer, page.byteOffset, NEXT_ID_HALF + 1);
    const words = new Float64Array(page.buffer, page.byteOffset, HORIZON_WORD + 1);
    head.height = header.b;
    head.root = halves[ROOT_HALF]!;
    head.nextId = halves[NEXT_ID_HALF]!;
    head.boundaryTimeUs = words[BOUNDARY_WORD]!;
    head.boundarySource = words[BOUNDARY_WORD + 1]!;
    head.boundaryOffset = words[BOUNDARY_WORD + 2]!;
    head.horizonUs = words[HORIZON_WORD]!;
    return head;
  }

  encode(room?: PageRoom): Uint8Array {
    const page = this.rows.encodeBehind(HEAD_BYTES, room);
    const { layout, count, heapBytes } = this.rows;
    writeHeader(page, { kind: PageKind.head, columnCount: layout.columnCount, count, a: heapBytes, b: this.height }, rowVersion(layout));
    const halves = new Uint32Array(page.buffer, page.byteOffset, NEXT_ID_HALF + 1);
    const words = new Float64Array(page.buffer, page.byteOffset, HORIZON_WORD + 1);
    halves[ROOT_HALF] = this.root;
    halves[NEXT_ID_HALF] = this.nextId;
    words[BOUNDARY_WORD] = this.boundaryTimeUs;
    words[BOUNDARY_WORD + 1] = this.boundarySource;
    words[BOUNDARY_WORD + 2] = this.boundaryOffset;
    words[HORIZON_WORD] = this.horizonUs;
    return page;
  }

  /** The same head with rows that may be changed, up to `capacity` of them. */
  writable(capacity: number): HeadPage {
    const copy = new HeadPage(this.rows.writable(Math.max(capacity, this.rows.count + 1)));
    const { root, height, nextId, boundaryTimeUs, boundarySource, boundaryOffset, horizonUs } = this;
    return Object.assign(copy, { root, height, nextId, boundaryTimeUs, boundarySource, boundaryOffset, horizonUs });
  }

  isAfterBoundary(row: RowKey): boolean {
    if (this.root === 0) return true;
    if (row.eventTimeUs !== this.boundaryTimeUs) return row.eventTimeUs > this.boundaryTimeUs;
    if (row.orderSource !== this.boundarySource) return row.orderSource > this.boundarySource;
    return row.orderOffset > this.boundaryOffset;
  }
}
