const CHUNK_BYTES = 1_024 * 1_024;
/** What a tick at full load needs; a larger one's chunks are given back. */
const CHUNKS_KEPT_MAX = 4;

/**
 * Room for the pages that one tick makes, used again for the next: a buffer for each page would be some thousand
 * allocations a tick outside of the heap, which the garbage collector has to visit one by one. Not zeroed.
 */
export class TickBuffer {
  readonly #chunks: Uint8Array[] = [];
  /** Those before it are full. */
  #chunk = 0;
  #at = 0;

  /** Begins at a multiple of 8, as libs/timeline needs. Good until `clear`. */
  allocate(length: number): Uint8Array {
    if (length > CHUNK_BYTES / 8) return new Uint8Array(length);
    if (this.#at + length > CHUNK_BYTES) {
      this.#chunk++;
      this.#at = 0;
    }
    const chunk = (this.#chunks[this.#chunk] ??= new Uint8Array(CHUNK_BYTES));
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset + this.#at, length);
    this.#at = (this.#at + length + 7) & ~7;
    return bytes;
  }

  clear(): void {
    this.#chunk = 0;
    this.#at = 0;
    this.#chunks.length = Math.min(this.#chunks.length, CHUNKS_KEPT_MAX);
  }
}
