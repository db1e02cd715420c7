import type { DigestSeals } from './digest-seals.js';
import { endsBelow, entryEndsBelow } from './ended-rows.js';
import { ENTRY_TIME_MAX } from './layout.js';
import type { Tree } from './tree.js';
import type { TrimmedBase } from './trimmed-base.js';
import type { WritablePages } from './writable-pages.js';

interface Node {
  readonly id: number;
  readonly level: number;
  readonly onEdge: boolean;
}

/**
 * Drops the leaves that lie wholly below the horizon (S20), after the base has taken them. A leaf astride it stays
 * whole, and so do the last leaf and the head: the newest rows of a group are never dropped, however old.
 */
export function trimTree(
  pages: WritablePages,
  parts: { readonly tree: Tree; readonly seals: DigestSeals; readonly base: TrimmedBase },
  horizonUs: number,
): void {
  const { head } = pages;
  if (head.root === 0 || head.height === 0) return;

  const drop = (id: number, level: number): void => {
    if (level === 0) parts.base.take(pages.leaf(id));
    else {
      const page = pages.inner(id);
      for (let index = 0; index < page.count; index++) {
        parts.seals.drop(page, index);
        drop(page.child(index), level - 1);
      }
    }
    pages.remove(id);
  };

  const trim = ({ id, level, onEdge }: Node): void => {
    const page = pages.inner(id);
    let dropped = 0;
    while (page.field(dropped, ENTRY_TIME_MAX) < horizonUs && !(onEdge && dropped === page.count - 1)) {
      parts.seals.drop(page, dropped);
      drop(page.child(dropped++), level - 1);
    }
    page.removeFirst(dropped);
    if (dropped > 0) {
      pages.touch(id);
      pages.staleDigests.add(id);
    }
    if (level === 1) return;
    const first = { id: page.child(0), level: level - 1, onEdge: onEdge && page.count === 1 };
    trim(first);
    if (pages.isChanged(first.id)) parts.tree.describe(id, 0);
    if (pages.staleDigests.has(first.id)) pages.staleDigests.add(id);
  };
  trim({ id: head.root, level: head.height, onEdge: true });
}

/**
 * Drops the ended rows that no instant sees any more, where none below the horizon may be asked for (S20): those that ended by then,
 * as was known by then. From the first on, as far as they follow one another: ends rise, so others go a little later. Nothing is
 * left of them, since they are in no window, whatever its length.
 */
export function trimEnded(pages: WritablePages, tree: Tree, horizonUs: number): void {
  const { head } = pages;
  if (horizonUs <= head.horizonUs) return;
  head.horizonUs = horizonUs;
  pages.headChanged = true;
  if (head.root !== 0 && trimEndedBelow({ pages, tree, horizonUs }, head.root, head.height)) {
    pages.remove(head.root);
    head.root = 0;
    head.height = 0;
  }
  if (head.root !== 0) return;
  while (head.rows.count > 0 && endsBelow(head.rows, 0, horizonUs)) head.rows.remove(0);
}

interface EndedTrim {
  readonly pages: WritablePages;
  readonly tree: Tree;
  readonly horizonUs: number;
}

/** Whether nothing is left below the page, which is then the caller's to remove. */
function trimEndedBelow(trim: EndedTrim, id: number, level: number): boolean {
  const { pages, tree, horizonUs } = trim;
  if (level === 0) {
    const leaf = pages.leaf(id);
    for (let row = 0; row < leaf.count; row++) if (!endsBelow(leaf, row, horizonUs)) return false;
    return true;
  }
  const page = pages.inner(id);
  let dropped = 0;
  while (dropped < page.count && entryEndsBelow(page, dropped, horizonUs)) dropPages(pages, page.child(dropped++), level - 1);
  page.removeFirst(dropped);
  if (dropped > 0) pages.touch(id);
  if (page.count === 0) return true;
  if (level > 1) {
    trimEndedBelow(trim, page.child(0), level - 1);
    if (pages.isChanged(page.child(0))) tree.describe(id, 0);
  }
  return false;
}

function dropPages(pages: WritablePages, id: number, level: number): void {
  if (level > 0) {
    const page = pages.inner(id);
    for (let index = 0; index < page.count; index++) dropPages(pages, page.child(index), level - 1);
  }
  pages.remove(id);
}
