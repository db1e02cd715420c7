import type { DigestSeals } from './digest-seals.js';
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
