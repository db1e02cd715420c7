import { type Digest, digestWeight } from './digest.js';
import { digestValues, mergeDigests, takeOut } from './digest-builder.js';
import { decodeDigests, encodeDigests, takenOutOf } from './digest-page.js';
import { LATE_VALUES_MAX, TAKEN_OUT_SHARE_MAX } from './geometry.js';
import type { InnerPage } from './inner-page.js';
import { decodeLate, encodeLate } from './late-page.js';
import { COLUMN_COUNT, FLAG_DIGEST, FLAG_LATE } from './layout.js';
import { requirePage } from './page-header.js';
import { digestKey, lateKey } from './page-keys.js';
import type { RowKey, TimelineRow } from './timeline.js';
import type { Tree } from './tree.js';
import type { WritablePages } from './writable-pages.js';

/** A sealed page, by its entry. */
interface Sealed {
  readonly id: number;
  readonly page: InnerPage;
  readonly index: number;
}

/**
 * Keeps the digests of sealed inner pages: of those off the right edge, and of those on it that appends have
 * filled. A page is sealed with the very row that completes it. A late row's values are put beside the digests above it,
 * and become part of them when there are too many: merging all that lies below a page, on each level, for one row was nine
 * tenths of what that row cost. What there is follows from the rows and their order of arrival alone, not from ticks and flushes.
 */
export class DigestSeals {
  /** By page and column; of pages whose late values have been looked at. */
  readonly #late = new Map<number, number[][]>();
  readonly #changedLate = new Set<number>();

  constructor(
    private readonly pages: WritablePages,
    private readonly tree: Tree,
  ) {}

  insertLate(row: TimelineRow): void {
    const sealed = this.#sealedAbove(row);
    // Before the row: an entry keeps its flags when its page is halved.
    for (const { page, index } of sealed) this.#openLate(page, index);
    this.tree.insertLate(row);
    for (const { id } of sealed) this.#addLate(id, row);
  }

  /** Takes a row of the tree out, and its values out of the digests above it (S17). Undefined where there is no such row. */
  remove(key: RowKey): TimelineRow | undefined {
    const sealed = new Map(this.#sealedAbove(key).map(({ id, page, index }) => [id, page.hasLate(index)]));
    const row = this.tree.remove(key, (page, index) => {
      sealed.delete(page.child(index));
      this.drop(page, index);
    });
    if (row === undefined) return undefined;
    for (const [id, hasLate] of sealed) this.#takeOut(id, hasLate, row);
    return row;
  }

  /** Makes the digests that are due: to be called before late rows are put beside them, and before a flush. */
  update(): void {
    const { head, layout } = this.pages;
    if (layout.digestColumns.length === 0 || head.height < 2 || !this.pages.isChanged(head.root)) return;
    this.#updateBelow(head.root, { level: head.height, onEdge: true });
    this.pages.staleDigests.clear();
  }

  flush(): void {
    this.update();
    for (const id of this.#changedLate)
      this.pages.store.put(lateKey(this.pages.headKey, id), encodeLate(this.#lateOf(id), this.pages.layout));
    this.#changedLate.clear();
  }

  /** What there is for an entry's child, once that is digested anew or gone. */
  drop(page: InnerPage, index: number): void {
    const id = page.child(index);
    if (page.hasLate(index)) {
      this.#late.delete(id);
      this.#changedLate.delete(id);
      this.pages.store.delete(lateKey(this.pages.headKey, id));
    }
    if (page.hasDigest(index)) this.pages.store.delete(digestKey(this.pages.headKey, id));
    page.setFlags(index, 0);
  }

  /** The sealed pages that the row will come to lie below. */
  #sealedAbove(row: RowKey): Sealed[] {
    const { head, layout } = this.pages;
    if (layout.digestColumns.length === 0 || head.height < 2) return [];
    this.update();
    const sealed: Sealed[] = [];
    let page = this.pages.inner(head.root);
    for (let level = head.height; level > 1; level--) {
      const index = page.childFor(row);
      const child = page.child(index);
      if (page.hasDigest(index)) sealed.push({ id: child, page, index });
      page = this.pages.inner(child);
    }
    return sealed;
  }

  #openLate(page: InnerPage, index: number): void {
    if (page.hasLate(index)) return;
    this.#late.set(
      page.child(index),
      this.pages.layout.digestColumns.map(() => []),
    );
    page.setFlags(index, FLAG_DIGEST | FLAG_LATE);
  }

  /**
   * A value that came late is taken from beside the digest. At once, not with the pages: a parent's digest may be made
   * of it in this very flush.
   */
  #takeOut(id: number, hasLate: boolean, row: TimelineRow): void {
    if (this.pages.staleDigests.has(id)) return;
    const { layout, store, headKey } = this.pages;
    const stored = store.get(digestKey(headKey, id));
    requirePage(stored !== undefined, 'a digest that an entry points to is missing');
    const takenOut = takenOutOf(stored, layout) + 1;
    const digests = decodeDigests(stored, layout).map((digest, at) => {
      const value = row.values[layout.digestColumns[at]!];
      if (typeof value !== 'number' || (hasLate && this.#takeLate(id, at, value))) return digest;
      return takeOut(digest, value);
    });
    store.put(digestKey(headKey, id), encodeDigests(digests, layout, takenOut));
    if (digests.some((digest) => takenOut > TAKEN_OUT_SHARE_MAX * digestWeight(digest))) this.pages.staleDigests.add(id);
  }

  #takeLate(id: number, at: number, value: number): boolean {
    const list = this.#lateOf(id)[at]!;
    const index = list.indexOf(value);
    if (index < 0) return false;
    list.splice(index, 1);
    this.#changedLate.add(id);
    return true;
  }

  #addLate(id: number, row: TimelineRow): void {
    if (this.pages.staleDigests.has(id)) return;
    const lists = this.#lateOf(id);
    this.pages.layout.digestColumns.forEach((column, at) => {
      const value = row.values[column];
      if (typeof value === 'number' && !Number.isNaN(value) && lists[at]!.push(value + 0) > LATE_VALUES_MAX)
        this.pages.staleDigests.add(id);
    });
    this.#changedLate.add(id);
  }

  #lateOf(id: number): number[][] {
    let lists = this.#late.get(id);
    if (lists === undefined) {
      const value = this.pages.store.get(lateKey(this.pages.headKey, id));
      requirePage(value !== undefined, 'late values that an entry points to are missing');
      lists = decodeLate(value, this.pages.layout).map((list) => [...list]);
      this.#late.set(id, lists);
    }
    return lists;
  }

  /** Children first: a digest is made of theirs. A changed page's parent is changed too, so nothing is missed. */
  #updateBelow(id: number, { level, onEdge }: { readonly level: number; readonly onEdge: boolean }): void {
    const page = this.pages.inner(id);
    for (let index = 0; index < page.count; index++) {
      const child = page.child(index);
      const childOnEdge = onEdge && index === page.count - 1;
      if (!this.pages.isChanged(child) && (childOnEdge || page.hasDigest(index))) continue;
      if (level > 2) this.#updateBelow(child, { level: level - 1, onEdge: childOnEdge });
      const isSealed = !childOnEdge || this.tree.isComplete(child, level - 1);
      if (isSealed === page.hasDigest(index) && !this.pages.staleDigests.has(child)) continue;
      const digests = isSealed ? this.#digest(page, index) : [];
      this.drop(page, index);
      if (isSealed) this.#put(page, index, digests);
      this.pages.touch(id);
    }
  }

  #digest(parent: InnerPage, index: number): Digest[] {
    const child = this.pages.inner(parent.child(index));
    const digests = child.level === 1 ? this.#digestRows(child) : this.#mergeChildren(child);
    digests.forEach((digest, at) => {
      const column = this.pages.layout.digestColumns[at]!;
      const count = parent.field(index, this.pages.layout.partialAt[column]! + COLUMN_COUNT);
      requirePage(digestWeight(digest) === count, 'a digest weighs something else than its page has values');
    });
    return digests;
  }

  #digestRows(page: InnerPage): Digest[] {
    const leaves = Array.from({ length: page.count }, (_, index) => this.pages.leaf(page.child(index)));
    return this.pages.layout.digestColumns.map((column) => {
      const values = new Float64Array(leaves.reduce((sum, leaf) => sum + leaf.count, 0));
      let count = 0;
      for (const leaf of leaves) {
        for (let row = 0; row < leaf.count; row++) {
          const value = leaf.number(row, column);
          if (value === value) values[count++] = value;
        }
      }
      return digestValues(values.subarray(0, count));
    });
  }

  #mergeChildren(page: InnerPage): Digest[] {
    const parts = this.pages.layout.digestColumns.map((): Digest[] => []);
    for (let index = 0; index < page.count; index++) {
      requirePage(page.hasDigest(index), 'a sealed page has a child without digests');
      const child = page.child(index);
      const value = this.pages.store.get(digestKey(this.pages.headKey, child));
      requirePage(value !== undefined, 'a digest that an entry points to is missing');
      decodeDigests(value, this.pages.layout).forEach((digest, at) => parts[at]!.push(digest));
      if (page.hasLate(index)) this.#lateOf(child).forEach((list, at) => parts[at]!.push(digestValues(Float64Array.from(list))));
    }
    return parts.map(mergeDigests);
  }

  /** At once, not with the pages: a parent's digest may need it in this very flush. */
  #put(page: InnerPage, index: number, digests: readonly Digest[]): void {
    this.pages.store.put(digestKey(this.pages.headKey, page.child(index)), encodeDigests(digests, this.pages.layout));
    page.setFlags(index, FLAG_DIGEST);
  }
}
