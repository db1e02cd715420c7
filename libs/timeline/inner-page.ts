import { ENTRY_CHILD, ENTRY_OFFSET_MAX, ENTRY_SOURCE_MAX, ENTRY_TIME_MAX, FLAG_DIGEST, FLAG_LATE, type Layout } from './layout.js';
import { aligned, HEADER_BYTES, PageKind, readHeader, requirePage, writeHeader } from './page-header.js';
import type { RowKey } from './timeline.js';

/**
 * An inner page of the tree: one entry for each child, in time order, with the child's partials. Level 1
 * has leaves for children. The base (S20) is one of level 0 with one entry, whose child is 0: no page.
 */
export class InnerPage {
  /** Entries from word 0; may be longer than `count` entries. */
  readonly words: Float64Array;
  private readonly halves: Uint32Array;

  constructor(
    readonly layout: Layout,
    readonly level: number,
    entries: Uint8Array,
    public count: number,
  ) {
    this.words = new Float64Array(entries.buffer, entries.byteOffset, entries.byteLength / 8);
    this.halves = new Uint32Array(entries.buffer, entries.byteOffset, entries.byteLength / 4);
  }

  static empty(layout: Layout, level: number, capacity: number): InnerPage {
    return new InnerPage(layout, level, new Uint8Array(capacity * layout.entryWords * 8), 0);
  }

  static decode(value: Uint8Array, layout: Layout): InnerPage {
    const page = aligned(value);
    const header = readHeader(page, PageKind.inner, layout.columnCount);
    requirePage(
      page.length === HEADER_BYTES + header.count * layout.entryWords * 8,
      'an inner page has not the length that its header says',
    );
    return new InnerPage(layout, header.a, page.subarray(HEADER_BYTES), header.count);
  }

  encode(): Uint8Array {
    const entryBytes = this.count * this.layout.entryWords * 8;
    const page = new Uint8Array(HEADER_BYTES + entryBytes);
    page.set(new Uint8Array(this.words.buffer, this.words.byteOffset, entryBytes), HEADER_BYTES);
    writeHeader(page, { kind: PageKind.inner, columnCount: this.layout.columnCount, count: this.count, a: this.level, b: 0 });
    return page;
  }

  /** A copy of entries [start, end) with room for `capacity`. */
  writable(capacity: number, start = 0, end = this.count): InnerPage {
    const { entryWords } = this.layout;
    const copy = InnerPage.empty(this.layout, this.level, Math.max(capacity, end - start));
    copy.words.set(this.words.subarray(start * entryWords, end * entryWords));
    copy.count = end - start;
    return copy;
  }

  /** A field of an entry, by its word. */
  field(index: number, word: number): number {
    return this.words[index * this.layout.entryWords + word]!;
  }

  child(index: number): number {
    return this.halves[2 * (index * this.layout.entryWords + ENTRY_CHILD)]!;
  }

  hasDigest(index: number): boolean {
    return (this.#flags(index) & FLAG_DIGEST) !== 0;
  }

  /** Whether values came late to the child, and are not in its digests. */
  hasLate(index: number): boolean {
    return (this.#flags(index) & FLAG_LATE) !== 0;
  }

  setFlags(index: number, flags: number): void {
    this.halves[2 * (index * this.layout.entryWords + ENTRY_CHILD) + 1] = flags;
  }

  /**
   * The child that a late row belongs to, or that has a row: the first whose last row is not before it. There is one,
   * for the row is not after the boundary.
   */
  childFor(row: RowKey): number {
    let index = 0;
    while (index < this.count - 1 && this.isBefore(index, row)) index++;
    return index;
  }

  /** Makes room for an entry; its partials are the caller's to fill. */
  insertEntry(index: number, child: number): void {
    const { entryWords } = this.layout;
    const at = index * entryWords;
    this.words.copyWithin(at + entryWords, at, this.count * entryWords);
    this.words.fill(0, at, at + entryWords);
    this.halves[2 * (at + ENTRY_CHILD)] = child;
    this.count++;
  }

  removeFirst(count: number): void {
    this.remove(0, count);
  }

  remove(index: number, count = 1): void {
    const { entryWords } = this.layout;
    this.words.copyWithin(index * entryWords, (index + count) * entryWords, this.count * entryWords);
    this.count -= count;
  }

  #flags(index: number): number {
    return this.halves[2 * (index * this.layout.entryWords + ENTRY_CHILD) + 1]!;
  }

  private isBefore(index: number, row: RowKey): boolean {
    const time = this.field(index, ENTRY_TIME_MAX);
    if (time !== row.eventTimeUs) return time < row.eventTimeUs;
    const source = this.field(index, ENTRY_SOURCE_MAX);
    if (source !== row.orderSource) return source < row.orderSource;
    return this.field(index, ENTRY_OFFSET_MAX) < row.orderOffset;
  }
}
