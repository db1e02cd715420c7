import assert from 'node:assert';
import { PooledCopies } from './pooled-copies.js';
import type { RangeOptions, Store, StoreBatch, StoreSnapshot } from './store.js';
import { storeClosed } from './store-errors.js';

/**
 * Keys are held as latin-1 strings, one character a byte: those compare in the order of unsigned
 * bytes. A map is never changed once a snapshot or an iteration has seen it, so both are free;
 * the next write copies it.
 */
type Entries = Map<string, Uint8Array>;
type Operation = readonly [key: string, value: Uint8Array | undefined];

/** A store for tests: everything in memory, nothing survives. Sorted when somebody asks for a range. */
export class MemoryStore implements Store {
  #entries: Entries | undefined = new Map();
  #entriesAreShared = false;
  /** As LevelDB hands values out: tests are to notice who takes them for arrays of their own. */
  readonly #copies = new PooledCopies();
  #sortedKeys: readonly string[] | undefined;

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#open().get(toText(key));
  }

  snapshot(): StoreSnapshot {
    let entries: Entries | undefined = this.#share();
    return {
      get: (key) => {
        this.#open(); // A snapshot does not outlive its store.
        if (entries === undefined) throw storeClosed();
        return entries.get(toText(key));
      },
      close: () => {
        entries = undefined;
      },
    };
  }

  batch(): StoreBatch {
    const operations: Operation[] = [];
    let written = false;
    return {
      // Copied, as LevelDB does: the caller may reuse its buffers at once.
      put: (key, value) => void operations.push([toText(key), this.#copies.copy(value)]),
      delete: (key) => void operations.push([toText(key), undefined]),
      write: async () => {
        assert(!written, 'a batch is written once');
        written = true;
        this.#apply(operations);
      },
    };
  }

  entries(range: RangeOptions): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    const entries = this.#share();
    this.#sortedKeys ??= [...entries.keys()].sort();
    return iterate(entries, select(this.#sortedKeys, range), this.#copies);
  }

  async close(): Promise<void> {
    this.#entries = undefined;
    this.#sortedKeys = undefined;
  }

  #open(): Entries {
    if (this.#entries === undefined) throw storeClosed();
    return this.#entries;
  }

  #share(): Entries {
    const entries = this.#open();
    this.#entriesAreShared = true;
    return entries;
  }

  #apply(operations: readonly Operation[]): void {
    let entries = this.#open();
    if (operations.length === 0) return;
    if (this.#entriesAreShared) entries = new Map(entries);
    for (const [key, value] of operations) {
      if (value === undefined) entries.delete(key);
      else entries.set(key, value);
    }
    this.#entries = entries;
    this.#entriesAreShared = false;
    this.#sortedKeys = undefined;
  }
}

async function* iterate(
  entries: Entries,
  keys: readonly string[],
  copies: PooledCopies,
): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
  for (const key of keys) {
    const value = entries.get(key);
    assert(value !== undefined);
    yield [copies.copy(Buffer.from(key, 'latin1')), value];
  }
}

function select(sortedKeys: readonly string[], range: RangeOptions): readonly string[] {
  const start = range.from === undefined ? 0 : lowerBound(sortedKeys, toText(range.from));
  const end = range.to === undefined ? sortedKeys.length : lowerBound(sortedKeys, toText(range.to));
  const keys = sortedKeys.slice(start, Math.max(start, end));
  if (range.reverse === true) keys.reverse();
  return range.limit === undefined ? keys : keys.slice(0, range.limit);
}

/** The index of the first key that is not below `key`. */
function lowerBound(sortedKeys: readonly string[], key: string): number {
  let low = 0;
  let high = sortedKeys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sortedKeys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function toText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
