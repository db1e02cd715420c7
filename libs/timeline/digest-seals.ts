import assert from 'node:assert/strict';
import { type Digest, digestWeight } from './digest.js';
import { digestValues, mergeDigests } from './digest-builder.js';
import { decodeDigests, encodeDigests } from './digest-page.js';
import type { InnerPage } from './inner-page.js';
import { COLUMN_COUNT } from './layout.js';
import { digestKey } from './page-keys.js';
import type { Tree } from './tree.js';
import type { WritablePages } from './writable-pages.js';

/**
 * Keeps the digests of sealed inner pages: of those off the right edge, and of those on it that appends have
 * filled. A page is sealed by the flush of the very row that completes it, and digested anew when a
 * late row changes it: its digest depends on its rows alone, not on when it was asked for (S4).
 */
export class DigestSeals {
  constructor(private readonly pages: WritablePages, private readonly tree: Tree) {}

  /** Before a flush, while the changed pages are known as such. */
  update(): void {
    const { head, layout } = this.pages;
    if (layout.digestColumns.length === 0 || head.height < 2 || !this.pages.isChanged(head.root)) return;
    this.#updateBelow(head.root, { level: head.height, onEdge: true });
  }

  /** Children first: a digest is made of theirs. A changed page's parent is changed too, so nothing is missed. */
  #updateBelow(id: number, { level, onEdge }: { readonly level: number; readonly onEdge: boolean }): void {
    const page = this.pages.inner(id);
    for (let index = 0; index < page.count; index++) {
      const child = page.child(index);
      const isChanged = this.pages.isChanged(child);
      const childOnEdge = onEdge && index === page.count - 1;
      if (!isChanged && (childOnEdge || page.hasDigest(index))) continue;
      if (level > 2) this.#updateBelow(child, { level: level - 1, onEdge: childOnEdge });
      const isSealed = !childOnEdge || this.tree.isComplete(child, level - 1);
      if (isSealed) this.#put(child, this.#digest(page, index));
      else if (page.hasDigest(index)) this.pages.store.delete(digestKey(this.pages.headKey, child));
      if (isSealed !== page.hasDigest(index)) {
        page.setDigest(index, isSealed);
        this.pages.touch(id);
      }
    }
  }

  #digest(parent: InnerPage, index: number): Digest[] {
    const child = this.pages.inner(parent.child(index));
    const digests = child.level === 1 ? this.#digestRows(child) : this.#mergeChildren(child);
    digests.forEach((digest, at) => {
      const column = this.pages.layout.digestColumns[at]!;
      const count = parent.field(index, this.pages.layout.partialAt[column]! + COLUMN_COUNT);
      assert.equal(digestWeight(digest), count, 'a digest weighs something else than its page has values');
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
    const children = Array.from({ length: page.count }, (_, index) => {
      assert(page.hasDigest(index), 'a sealed page has a child without digests');
      const value = this.pages.store.get(digestKey(this.pages.headKey, page.child(index)));
      assert(value !== undefined, 'a digest that an entry points to is missing');
      return decodeDigests(value, this.pages.layout);
    });
    return this.pages.layout.digestColumns.map((_, at) => mergeDigests(children.map((digests) => digests[at]!)));
  }

  /** At once, not with the pages: a parent's digest may need it in this very flush. */
  #put(id: number, digests: readonly Digest[]): void {
    this.pages.store.put(digestKey(this.pages.headKey, id), encodeDigests(digests, this.pages.layout));
  }
}
