import assert from 'node:assert/strict';
import { type Layout, NULL_OFFSET, ROW_COLUMNS, ROW_KNOWN, ROW_OFFSET, ROW_SOURCE, ROW_TIME } from './layout.js';
import {
  aligned,
  HEADER_BYTES,
  PAGE_VERSION,
  type PageHeader,
  PageKind,
  readHeader,
  requirePage,
  VERSION_WITH_START,
  VERSION_WITHOUT_END,
  writeHeader,
} from './page-header.js';
import type { RowKey, TimelineRow } from './timeline.js';

const HEAP_BYTES_FIRST = 1_024;
const NO_BYTES = new Uint8Array(0);

/**
 * Rows in order of (event time, order), as they lie in a head or a leaf: fixed-width rows, then the heap
 * of their byte values. A page read from the store is a view and must not be changed; one to be written
 * is a copy with room to grow (`writable`). Indexes are the caller's to keep within `count`.
 */
export class RowPage {
  /** Rows from word 0; may be longer than `count` rows. */
  readonly words: Float64Array;
  /** The same memory, for the offsets and lengths of byte values. */
  readonly halves: Uint32Array;

  constructor(
    readonly layout: Layout,
    rows: Uint8Array,
    public count: number,
    private heap: Uint8Array,
    private heapLength: number,
  ) {
    this.words = new Float64Array(rows.buffer, rows.byteOffset, rows.byteLength / 8);
    this.halves = layout.hasBytes ? new Uint32Array(rows.buffer, rows.byteOffset, rows.byteLength / 4) : NO_HALVES;
  }

  static empty(layout: Layout, capacity: number): RowPage {
    return new RowPage(layout, new Uint8Array(capacity * layout.rowWords * 8), 0, NO_BYTES, 0);
  }

  /** The rows behind a header of `headerBytes` (a head's is longer), which says that the heap has `a` bytes. `page` is aligned. */
  static within(page: Uint8Array, headerBytes: number, layout: Layout, { version, count, a: heapBytes }: PageHeader): RowPage {
    const hasEnd = version < VERSION_WITHOUT_END;
    requirePage(version >= VERSION_WITH_START === layout.startAt >= 0, 'it has rows of another form than its timeline');
    const rowBytes = count * (layout.rowWords + (hasEnd ? 1 : 0)) * 8;
    requirePage(page.length === headerBytes + rowBytes + heapBytes, 'it has not the length that its header says');
    const rows = page.subarray(headerBytes, headerBytes + rowBytes);
    return new RowPage(
      layout,
      hasEnd ? withoutEnds(rows, layout, count) : rows,
      count,
      heapBytes === 0 ? NO_BYTES : page.subarray(headerBytes + rowBytes),
      heapBytes,
    );
  }

  static decodeLeaf(value: Uint8Array, layout: Layout): RowPage {
    const page = aligned(value);
    const header = readHeader(page, PageKind.leaf, layout.columnCount);
    return RowPage.within(page, HEADER_BYTES, layout, header);
  }

  encodeLeaf(room?: PageRoom): Uint8Array {
    const page = this.encodeBehind(HEADER_BYTES, room);
    const header = { kind: PageKind.leaf, columnCount: this.layout.columnCount, count: this.count, a: this.heapLength, b: 0 };
    writeHeader(page, header, rowVersion(this.layout));
    return page;
  }

  /** Bytes of its own with the rows and the heap behind `headerBytes` that the caller fills. */
  encodeBehind(headerBytes: number, room?: PageRoom): Uint8Array {
    const rowBytes = this.count * this.layout.rowWords * 8;
    const page = allocatePage(headerBytes + rowBytes + this.heapLength, room);
    page.set(new Uint8Array(this.words.buffer, this.words.byteOffset, rowBytes), headerBytes);
    if (this.heapLength > 0) page.set(this.heap.subarray(0, this.heapLength), headerBytes + rowBytes);
    return page;
  }

  get heapBytes(): number {
    return this.heapLength;
  }

  /** A copy of rows [start, end) with room for `capacity` rows. */
  writable(capacity: number, start = 0, end = this.count): RowPage {
    const copy = RowPage.empty(this.layout, capacity);
    copy.append(this, start, end);
    return copy;
  }

  time(index: number): number {
    return this.words[index * this.layout.rowWords + ROW_TIME]!;
  }

  known(index: number): number {
    return this.words[index * this.layout.rowWords + ROW_KNOWN]!;
  }

  /** From when on it counts (S17); -Infinity where nothing is said. For layouts with starts only. */
  start(index: number): number {
    return this.words[index * this.layout.rowWords + this.layout.startAt]!;
  }

  /** NaN for null. */
  number(index: number, column: number): number {
    return this.words[index * this.layout.rowWords + ROW_COLUMNS + column]!;
  }

  /** A view of the page, not a copy. */
  bytes(index: number, column: number): Uint8Array | null {
    const at = 2 * (index * this.layout.rowWords + ROW_COLUMNS + column);
    const offset = this.halves[at]!;
    if (offset === NULL_OFFSET) return null;
    return this.heap.subarray(offset, offset + this.halves[at + 1]!);
  }

  isNull(index: number, column: number): boolean {
    const at = index * this.layout.rowWords + ROW_COLUMNS + column;
    return this.layout.isNumber[column]! ? Number.isNaN(this.words[at]!) : this.halves[2 * at] === NULL_OFFSET;
  }

  /** The first row whose event time is not below `timeUs`. */
  lowerBound(timeUs: number): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.time(middle) < timeUs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first row whose event time is above `timeUs`. */
  upperBound(timeUs: number): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.time(middle) <= timeUs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Puts a row where its (event time, order) says (S7, S11). Most rows are the newest: the search begins at the end. */
  insert(row: TimelineRow): void {
    const { rowWords } = this.layout;
    let index = this.count;
    while (index > 0 && this.isAfter(index - 1, row)) index--;
    const at = index * rowWords;
    this.words.copyWithin(at + rowWords, at, this.count * rowWords);
    this.count++;
    this.words[at + ROW_TIME] = row.eventTimeUs;
    this.words[at + ROW_SOURCE] = row.orderSource;
    this.words[at + ROW_OFFSET] = row.orderOffset;
    this.words[at + ROW_KNOWN] = row.knownUs;
    if (this.layout.startAt >= 0) this.words[at + this.layout.startAt] = row.startUs ?? Number.NEGATIVE_INFINITY;
    for (let column = 0; column < this.layout.columnCount; column++)
      this.setValue(at + ROW_COLUMNS + column, row.values[column], this.layout.isNumber[column]!);
  }

  /** Copies rows [start, end) of another page behind this one's. They must belong there. */
  append(source: RowPage, start: number, end: number): void {
    const { rowWords, columnCount, hasBytes, isNumber } = this.layout;
    const first = this.count;
    this.words.set(source.words.subarray(start * rowWords, end * rowWords), first * rowWords);
    this.count += end - start;
    if (!hasBytes) return;
    for (let index = start; index < end; index++) {
      for (let column = 0; column < columnCount; column++) {
        const at = (first + index - start) * rowWords + ROW_COLUMNS + column;
        if (!isNumber[column]!) this.setBytes(at, source.bytes(index, column));
      }
    }
  }

  /** Where the row with this key is; -1 where it is not. */
  find(key: RowKey): number {
    let index = this.lowerBound(key.eventTimeUs);
    while (index < this.count && this.isBefore(index, key)) index++;
    return index < this.count && !this.isAfter(index, key) ? index : -1;
  }

  keyAt(index: number): RowKey {
    const at = index * this.layout.rowWords;
    return { eventTimeUs: this.time(index), orderSource: this.words[at + ROW_SOURCE]!, orderOffset: this.words[at + ROW_OFFSET]! };
  }

  /** A copy of a row. */
  rowAt(index: number): TimelineRow {
    const { rowWords, columnCount, isNumber, startAt } = this.layout;
    const at = index * rowWords;
    const values: (number | Uint8Array | null)[] = [];
    for (let column = 0; column < columnCount; column++) {
      if (this.isNull(index, column)) values.push(null);
      // Not `slice`, which of a Buffer is a view: the page belongs to the store.
      else values.push(isNumber[column]! ? this.number(index, column) : Uint8Array.from(this.bytes(index, column)!));
    }
    const startUs = startAt >= 0 && this.start(index) > Number.NEGATIVE_INFINITY ? this.start(index) : undefined;
    const [orderSource, orderOffset] = [this.words[at + ROW_SOURCE]!, this.words[at + ROW_OFFSET]!];
    return { eventTimeUs: this.time(index), orderSource, orderOffset, knownUs: this.known(index), values, startUs };
  }

  /** Takes a row out. */
  remove(index: number): void {
    const { rowWords, hasBytes } = this.layout;
    this.words.copyWithin(index * rowWords, (index + 1) * rowWords, this.count * rowWords);
    this.count--;
    if (!hasBytes) return;
    // The heap anew, without what the row had: a page that is updated for ever would else grow for ever.
    const kept = this.writable(this.count);
    this.heap = kept.heap;
    this.heapLength = kept.heapLength;
    this.halves.set(kept.halves);
  }

  clear(): void {
    this.count = 0;
    this.heapLength = 0;
  }

  /** Whether the page's last row is after `row`. */
  isLastAfter(row: RowKey): boolean {
    return this.isAfter(this.count - 1, row);
  }

  /** Whether a row is after one of another page of the timeline. */
  isAfterRow(index: number, page: RowPage, other: number): boolean {
    const at = other * page.layout.rowWords;
    const [orderSource, orderOffset] = [page.words[at + ROW_SOURCE]!, page.words[at + ROW_OFFSET]!];
    return this.isAfter(index, { eventTimeUs: page.time(other), orderSource, orderOffset });
  }

  isBefore(index: number, key: RowKey): boolean {
    const at = index * this.layout.rowWords;
    const time = this.words[at + ROW_TIME]!;
    if (time !== key.eventTimeUs) return time < key.eventTimeUs;
    const source = this.words[at + ROW_SOURCE]!;
    if (source !== key.orderSource) return source < key.orderSource;
    return this.words[at + ROW_OFFSET]! < key.orderOffset;
  }

  private isAfter(index: number, row: RowKey): boolean {
    const at = index * this.layout.rowWords;
    const time = this.words[at + ROW_TIME]!;
    if (time !== row.eventTimeUs) return time > row.eventTimeUs;
    const source = this.words[at + ROW_SOURCE]!;
    if (source !== row.orderSource) return source > row.orderSource;
    return this.words[at + ROW_OFFSET]! > row.orderOffset;
  }

  /** Values have been checked: numbers are finite and in columns of numbers. */
  private setValue(at: number, value: number | Uint8Array | null | undefined, isNumber: boolean): void {
    if (!isNumber) this.setBytes(at, value instanceof Uint8Array ? value : null);
    // -0 becomes 0: which of two equal values is the least must not depend on the order of arrival (S11).
    else this.words[at] = typeof value === 'number' ? value + 0 : Number.NaN;
  }

  private setBytes(at: number, value: Uint8Array | null): void {
    this.halves[2 * at] = value === null ? NULL_OFFSET : this.heapLength;
    this.halves[2 * at + 1] = value === null ? 0 : value.length;
    if (value === null) return;
    const end = this.heapLength + value.length;
    assert(end < NULL_OFFSET, 'the byte values of a page exceed 4 GB');
    if (end > this.heap.length) {
      const larger = new Uint8Array(Math.max(HEAP_BYTES_FIRST, 2 * this.heap.length, end));
      larger.set(this.heap.subarray(0, this.heapLength));
      this.heap = larger;
    }
    this.heap.set(value, this.heapLength);
    this.heapLength = end;
  }
}

/** Rows of an older page, without the word behind ROW_KNOWN. */
function withoutEnds(rows: Uint8Array, { rowWords }: Layout, count: number): Uint8Array {
  const older = new Float64Array(rows.buffer, rows.byteOffset, rows.byteLength / 8);
  const words = new Float64Array(count * rowWords);
  for (let row = 0; row < count; row++) {
    const at = row * (rowWords + 1);
    words.set(older.subarray(at, at + ROW_COLUMNS), row * rowWords);
    words.set(older.subarray(at + ROW_COLUMNS + 1, at + rowWords + 1), row * rowWords + ROW_COLUMNS);
  }
  return new Uint8Array(words.buffer);
}

/** The version of heads and leaves of such rows. */
export function rowVersion({ startAt }: Layout): number {
  return startAt >= 0 ? VERSION_WITH_START : PAGE_VERSION;
}

/** Where encoded pages may find room: whoever they are put to. */
export interface PageRoom {
  /** Room for a page that is put next, aligned and not zeroed; absent where pages bring their own. */
  allocate?(length: number): Uint8Array;
}

export function allocatePage(length: number, room?: PageRoom): Uint8Array {
  return room?.allocate?.(length) ?? new Uint8Array(length);
}

const NO_HALVES = new Uint32Array(0);
