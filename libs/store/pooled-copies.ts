const POOL_BYTES = 64 * 1_024;
/** Typed views need a multiple of 8; copies begin at every remainder in turn, and at 0 twice. */
const ALIGNMENT = 8;

/**
 * Copies of bytes as a LevelDB binding may hand them out: Buffers somewhere in memory that they share with others, so that
 * `.buffer` is not theirs alone and `slice` is a view. What reads stores is tested on these, and not on arrays of their own.
 */
export class PooledCopies {
  #pool = Buffer.alloc(0);
  #at = 0;
  #remainder = 0;
  readonly #given: Buffer[] = [];

  copy(bytes: Uint8Array): Buffer {
    const start = Math.ceil(this.#at / ALIGNMENT) * ALIGNMENT + ALIGNMENT + this.#remainder;
    if (start + bytes.length > this.#pool.length) {
      this.#pool = Buffer.alloc(Math.max(POOL_BYTES, bytes.length + 2 * ALIGNMENT), 0xa5);
      this.#at = 0;
      this.#remainder = 0;
      return this.copy(bytes);
    }
    const copy = this.#pool.subarray(start, start + bytes.length);
    copy.set(bytes);
    this.#at = start + bytes.length;
    this.#remainder = (this.#remainder + 1) % (ALIGNMENT + 1);
    return copy;
  }

  /** As `copy`, for memory that `scribble` writes over. */
  lend(bytes: Uint8Array): Buffer {
    const copy = this.copy(bytes);
    this.#given.push(copy);
    return copy;
  }

  /** Writes over what was lent: whoever still reads it gets nonsense. */
  scribble(): void {
    for (const copy of this.#given) copy.fill(0xa5);
    this.#given.length = 0;
  }
}
