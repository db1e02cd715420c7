import { InnerPage } from './inner-page.js';
import { ROW_OFFSET, ROW_SOURCE } from './layout.js';
import { describeInner, describeLeaf } from './partials.js';
import type { RowKey, TimelineRow } from './timeline.js';
import type { WritablePages } from './writable-pages.js';

/**
 * The tree of a timeline as it grows. Two ways in: the head's rows are appended behind the last leaf,
 * where pages are filled to the brim and never opened again; a late row goes into the middle (S11), where a
 * full page is halved. Entries are described anew along the path (T3). What the tree looks like follows
 * from the rows and their order of arrival alone, not from ticks and flushes.
 */
export class Tree {
  constructor(private readonly pages: WritablePages) {}

  /** Takes all of the head's rows. */
  appendHead(): void {
    const { head, geometry, layout } = this.pages;
    const { rows } = head;
    let taken = 0;
    while (taken < rows.count) {
      const lastId = head.root === 0 ? 0 : this.#lastLeaf();
      const last = lastId === 0 ? undefined : this.pages.leaf(lastId);
      const free = last === undefined ? 0 : Math.max(0, geometry.leafRows - last.count);
      const end = Math.min(rows.count, taken + (free > 0 ? free : geometry.leafRows));
      if (last !== undefined && free > 0) {
        last.append(rows, taken, end);
        this.pages.touch(lastId);
        this.#describeSpine(head.root, head.height);
      } else {
        this.#appendLeaf(this.pages.add(rows.writable(geometry.leafRows, taken, end)));
      }
      taken = end;
    }
    const at = (rows.count - 1) * layout.rowWords;
    head.boundaryTimeUs = rows.time(rows.count - 1);
    head.boundarySource = rows.words[at + ROW_SOURCE]!;
    head.boundaryOffset = rows.words[at + ROW_OFFSET]!;
    rows.clear();
    // A full root gets a parent at once: its digests must come with the row that fills it (S4).
    if (head.height > 0 && this.isComplete(head.root, head.height)) this.#grow([head.root]);
  }

  insertLate(row: TimelineRow): void {
    const { head } = this.pages;
    const sibling = this.#insertBelow(head.root, head.height, row);
    if (sibling !== 0) this.#grow([head.root, sibling]);
  }

  /**
   * Takes a row out, and the pages that have none left: `onDrop` is told of each inner page's entry before it goes. Entries are
   * described anew along the path. Undefined where there is no such row.
   */
  remove(key: RowKey, onDrop: (page: InnerPage, index: number) => void): TimelineRow | undefined {
    const { head } = this.pages;
    if (head.root === 0) return undefined;
    const row = this.#removeBelow(head.root, head.height, { key, onDrop });
    if (row === undefined || !this.#isEmpty(head.root, head.height)) return row;
    this.pages.remove(head.root);
    head.root = 0;
    head.height = 0;
    return row;
  }

  #removeBelow(
    id: number,
    level: number,
    what: { readonly key: RowKey; readonly onDrop: (page: InnerPage, index: number) => void },
  ): TimelineRow | undefined {
    if (level === 0) return this.#removeFromLeaf(id, what.key);
    const inner = this.pages.inner(id);
    const index = inner.childFor(what.key);
    const child = inner.child(index);
    const row = this.#removeBelow(child, level - 1, what);
    if (row === undefined) return undefined;
    if (this.#isEmpty(child, level - 1)) {
      what.onDrop(inner, index);
      inner.remove(index);
      this.pages.remove(child);
      this.pages.touch(id);
    } else this.describe(id, index);
    return row;
  }

  #removeFromLeaf(id: number, key: RowKey): TimelineRow | undefined {
    const leaf = this.pages.leaf(id);
    const index = leaf.find(key);
    if (index < 0) return undefined;
    const row = leaf.rowAt(index);
    leaf.remove(index);
    this.pages.touch(id);
    return row;
  }

  #isEmpty(id: number, level: number): boolean {
    return (level === 0 ? this.pages.leaf(id) : this.pages.inner(id)).count === 0;
  }

  /** Whether appends can add nothing more below a page of the right edge. */
  isComplete(id: number, level: number): boolean {
    if (level === 0) return this.pages.leaf(id).count >= this.pages.geometry.leafRows;
    const inner = this.pages.inner(id);
    return inner.count >= this.pages.geometry.fanOut && this.isComplete(inner.child(inner.count - 1), level - 1);
  }

  #lastLeaf(): number {
    let id = this.pages.head.root;
    for (let level = this.pages.head.height; level > 0; level--) {
      const inner = this.pages.inner(id);
      id = inner.child(inner.count - 1);
    }
    return id;
  }

  #describeSpine(id: number, level: number): void {
    if (level === 0) return;
    const inner = this.pages.inner(id);
    this.#describeSpine(inner.child(inner.count - 1), level - 1);
    this.#describeGrown(id, inner.count - 1);
  }

  /** A sealed page that appends come to lies on the right edge again, since all behind it ended (S17): its digest lacks them. */
  #describeGrown(id: number, index: number): void {
    const inner = this.pages.inner(id);
    if (inner.hasDigest(index)) this.pages.staleDigests.add(inner.child(index));
    this.describe(id, index);
  }

  #appendLeaf(leafId: number): void {
    const { head } = this.pages;
    if (head.root === 0) {
      head.root = leafId;
      return;
    }
    const sibling = head.height === 0 ? leafId : this.#appendBelow(head.root, head.height, leafId);
    if (sibling !== 0) this.#grow([head.root, sibling]);
  }

  /** Returns the id of a new right sibling, or 0: full pages are left full. */
  #appendBelow(id: number, level: number, leafId: number): number {
    const inner = this.pages.inner(id);
    const last = inner.count - 1;
    const child = level === 1 ? leafId : this.#appendBelow(inner.child(last), level - 1, leafId);
    if (level > 1 && child === 0) this.#describeGrown(id, last);
    if (child === 0) return 0;
    if (inner.count < this.pages.geometry.fanOut) {
      this.#addEntry(id, inner.count, child);
      return 0;
    }
    return this.#addInner(level, [child]);
  }

  /** Returns the id of a new right sibling when the page was halved, or 0. */
  #insertBelow(id: number, level: number, row: TimelineRow): number {
    if (level === 0) return this.#insertIntoLeaf(id, row);
    const inner = this.pages.inner(id);
    const index = inner.childFor(row);
    const sibling = this.#insertBelow(inner.child(index), level - 1, row);
    this.describe(id, index);
    if (sibling !== 0) this.#addEntry(id, index + 1, sibling);
    return inner.count > this.pages.geometry.fanOut ? this.#halveInner(id, inner) : 0;
  }

  #insertIntoLeaf(id: number, row: TimelineRow): number {
    const leaf = this.pages.leaf(id);
    this.pages.touch(id);
    const { leafRows } = this.pages.geometry;
    if (leaf.count < leafRows) {
      leaf.insert(row);
      return 0;
    }
    const middle = leaf.count >>> 1;
    const right = leaf.writable(leaf.count + 1, middle);
    const left = leaf.writable(leaf.count + 1, 0, middle);
    (left.isLastAfter(row) ? left : right).insert(row);
    this.pages.replace(id, left);
    return this.pages.add(right);
  }

  #halveInner(id: number, inner: InnerPage): number {
    const middle = inner.count >>> 1;
    const right = inner.writable(this.pages.geometry.fanOut + 1, middle);
    inner.count = middle;
    this.pages.staleDigests.add(id);
    return this.pages.add(right);
  }

  #grow(children: readonly number[]): void {
    const { head } = this.pages;
    head.root = this.#addInner(head.height + 1, children);
    head.height++;
  }

  #addInner(level: number, children: readonly number[]): number {
    const id = this.pages.add(InnerPage.empty(this.pages.layout, level, this.pages.geometry.fanOut + 1));
    children.forEach((child, index) => this.#addEntry(id, index, child));
    return id;
  }

  #addEntry(id: number, index: number, child: number): void {
    this.pages.inner(id).insertEntry(index, child);
    this.describe(id, index);
  }

  /** Fills an entry anew from its child. */
  describe(id: number, index: number): void {
    const inner = this.pages.inner(id);
    if (inner.level === 1) describeLeaf(inner, index, this.pages.leaf(inner.child(index)));
    else describeInner(inner, index, this.pages.inner(inner.child(index)));
    this.pages.touch(id);
  }
}
