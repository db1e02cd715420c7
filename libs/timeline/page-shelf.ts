import { isHeadKeyOf, pageOfKey, PageTag } from './page-keys.js';
import type { BasePage } from './base-page.js';
import type { Digest } from './digest.js';
import type { HeadPage } from './head-page.js';
import type { InnerPage } from './inner-page.js';
import type { LeafPage } from './leaf-page.js';

/** What a page costs beside its bytes: the objects around them, its place in a map. */
const PAGE_OVERHEAD_BYTES = 400;

/**
 * The pages of one group, decoded, as far as they have been read: whoever reads the group next finds them here. They show
 * one state of the store; when that changes, what was not written moves on to the next state's shelf, and a
 * reading that is still under way fetches again, from its own snapshot, what it lacks.
 */
export class PageShelf {
  /** Undefined until it is looked for, null where there is none. */
  head: HeadPage | null | undefined;
  base: BasePage | null | undefined;
  /** The pages of its ended rows; absent until they are asked for. */
  #ended: PageShelf | undefined;
  #leaves = new Map<number, LeafPage>();
  #inner = new Map<number, InnerPage>();
  #digests = new Map<number, readonly Digest[]>();
  #late = new Map<number, readonly Float64Array[]>();
  #bytes = PAGE_OVERHEAD_BYTES;

  /** What it holds in memory, about. Grows as pages are read. */
  get bytes(): number {
    return this.#bytes + (this.#ended?.bytes ?? 0);
  }

  get ended(): PageShelf {
    return (this.#ended ??= new PageShelf());
  }

  leaf(id: number): LeafPage | undefined {
    return this.#leaves.get(id);
  }

  inner(id: number): InnerPage | undefined {
    return this.#inner.get(id);
  }

  digests(id: number): readonly Digest[] | undefined {
    return this.#digests.get(id);
  }

  late(id: number): readonly Float64Array[] | undefined {
    return this.#late.get(id);
  }

  putLeaf(id: number, page: LeafPage): void {
    this.#leaves.set(id, page);
    this.#bytes += leafBytes(page);
  }

  putInner(id: number, page: InnerPage): void {
    this.#inner.set(id, page);
    this.#bytes += innerBytes(page);
  }

  putDigests(id: number, digests: readonly Digest[]): void {
    this.#digests.set(id, digests);
    this.#bytes += digestBytes(digests);
  }

  putLate(id: number, lists: readonly Float64Array[]): void {
    this.#late.set(id, lists);
    this.#bytes += lateBytes(lists);
  }

  /** The shelf of the state after this one, for which nothing is known to have changed yet. This one is empty then, but for its head. */
  succeed(): PageShelf {
    const next = new PageShelf();
    next.head = this.head;
    next.base = this.base;
    next.#ended = this.#ended?.succeed();
    [next.#leaves, this.#leaves] = [this.#leaves, next.#leaves];
    [next.#inner, this.#inner] = [this.#inner, next.#inner];
    [next.#digests, this.#digests] = [this.#digests, next.#digests];
    [next.#late, this.#late] = [this.#late, next.#late];
    [next.#bytes, this.#bytes] = [this.#bytes, next.#bytes];
    return next;
  }

  /** The store has something else under this key of the group now, or nothing. */
  forget(key: Uint8Array, headKeyLength: number): void {
    if (isHeadKeyOf(key, headKeyLength)) {
      this.head = undefined;
      return;
    }
    const { tag, id } = pageOfKey(key, headKeyLength);
    if (tag === PageTag.base) this.base = undefined;
    else if (tag === PageTag.ended) this.#ended?.forget(key, headKeyLength + 1);
    else if (tag === PageTag.digest) this.#remove(this.#digests, id, digestBytes);
    else if (tag === PageTag.late) this.#remove(this.#late, id, lateBytes);
    else {
      this.#remove(this.#leaves, id, leafBytes);
      this.#remove(this.#inner, id, innerBytes);
    }
  }

  #remove<P>(pages: Map<number, P>, id: number, bytesOf: (page: P) => number): void {
    const page = pages.get(id);
    if (page === undefined) return;
    pages.delete(id);
    this.#bytes -= bytesOf(page);
  }
}

/** As if values had been sorted in every column that may be asked for its ranks: they are soon. */
function leafBytes({ rows }: LeafPage): number {
  return PAGE_OVERHEAD_BYTES + rows.words.byteLength + rows.heapBytes + rows.layout.digestColumns.length * rows.count * 8;
}

function innerBytes({ words }: InnerPage): number {
  return PAGE_OVERHEAD_BYTES + words.byteLength;
}

function digestBytes(digests: readonly Digest[]): number {
  return digests.reduce((sum, { low }) => sum + 3 * low.byteLength, PAGE_OVERHEAD_BYTES);
}

function lateBytes(lists: readonly Float64Array[]): number {
  return lists.reduce((sum, { byteLength }) => sum + byteLength, PAGE_OVERHEAD_BYTES);
}
