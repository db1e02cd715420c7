import type { PageShelf } from './page-shelf.js';
import type { PageRoom } from './row-page.js';

/** Where pages lie: an overlay over a store, or a store. Keys and values are owned by the callee once put. */
export interface PageReader {
  get(key: Uint8Array): Uint8Array | undefined;
  /** Where a group's pages are kept decoded for whoever reads it next, in the state that `get` shows; absent where nothing is kept. */
  shelf?(headKey: Uint8Array): PageShelf | undefined;
  /** Told of a page that cannot be decoded: what it lies in is to be built anew. */
  damaged?(cause: Error): void;
}

export interface PageWriter extends PageReader, PageRoom {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
}
