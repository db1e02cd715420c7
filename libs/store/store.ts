// The store: an ordered map of bytes with synchronous reads and atomic batches. Keys order as
// unsigned bytes. One contract suite (test/contract/store-contract.ts) for every driver.

export interface StoreReader {
  /** The value, not to be changed, or undefined. Synchronous: the hot path has no promise per lookup (DESIGN 7). */
  get(key: Uint8Array): Uint8Array | undefined;
}

export interface StoreSnapshot extends StoreReader {
  /** Must be called once; reads after it throw. */
  close(): void;
}

/** Make one when there is something to write: a batch that is neither written nor let go of is held until the store closes. */
export interface StoreBatch {
  /** Copies both: the buffers may be used again at once. */
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /**
   * Atomic. With `sync`, durable when it resolves. A batch is written once. UNAVAILABLE if the disk
   * fails: nothing of it is readable, and the store takes no more writes until it is opened again,
   * which also shows whether the failed one survived.
   */
  write(options: { readonly sync: boolean }): Promise<void>;
  /** Lets go of a batch that is not to be written. Absent where nothing is held. */
  discard?(): void;
}

export interface RangeOptions {
  /** First key, included. */
  readonly from?: Uint8Array;
  /** End, excluded. */
  readonly to?: Uint8Array;
  readonly limit?: number;
  readonly reverse?: boolean;
}

export interface Store extends StoreReader {
  snapshot(): StoreSnapshot;
  batch(): StoreBatch;
  /** Entries of the range in key order, as of the call. To be iterated, to its end or not: that frees it. */
  entries(range: RangeOptions): AsyncIterable<readonly [Uint8Array, Uint8Array]>;
  /**
   * Writes the files anew, without what was replaced or deleted: else that stays in them for as long as nothing is written near
   * it. Absent where there are none.
   */
  compact?(): Promise<void>;
  /** What a call found broken on the disk (THYME_STORE_DAMAGED), once one has: who can, builds another store. */
  readonly damage?: Error | undefined;
  /** The failed write after which it takes no more until it is opened again, once there was one. */
  readonly failure?: Error | undefined;
  close(): Promise<void>;
}
