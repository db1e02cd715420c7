import type { StoreBatch, StoreReader } from '../store/store.js';
import type { PageWriter } from '../timeline/timeline.js';

/** Writes of one tick, held over a store until they are written as one batch (C1). Reads see them. */
export class Overlay implements PageWriter {
  readonly #below: StoreReader;
  /** By key as latin-1 text, one character a byte; undefined where deleted. */
  readonly #writes = new Map<string, { readonly key: Uint8Array; readonly value: Uint8Array | undefined }>();

  constructor(below: StoreReader) {
    this.#below = below;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#writes.size === 0) return this.#below.get(key);
    const write = this.#writes.get(textOf(key));
    return write === undefined ? this.#below.get(key) : write.value;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#writes.set(textOf(key), { key, value });
  }

  delete(key: Uint8Array): void {
    this.#writes.set(textOf(key), { key, value: undefined });
  }

  /** Into the batch, in the order of the first write to each key. */
  writeTo(batch: StoreBatch): void {
    for (const { key, value } of this.#writes.values()) {
      if (value === undefined) batch.delete(key);
      else batch.put(key, value);
    }
  }

  clear(): void {
    this.#writes.clear();
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
