import { murmur3 } from '../codec/slot.js';

/** A million bytes: of half a million keys two in a thousand are taken for known ones, and are then looked for in vain. */
const FILTER_BITS = 2 ** 23;
const PROBES = 4;

/**
 * Which keys have certainly not been asked for before: to look in a store for what is not there is a quarter of all reads where
 * history is read into a new timeline. For who writes what he asked for, and nobody else does, such a key is not in the store.
 * A Bloom filter, so some are taken for known, and none the other way.
 */
export class KeyFilter {
  readonly #asked = new Uint32Array(FILTER_BITS / 32);

  /** Whether the key is new. True once. */
  takeNew(key: Uint8Array, hash = murmur3(key)): boolean {
    const stride = Math.imul(hash ^ (hash >>> 15), 0x9e37_79b1) | 1;
    let isNew = false;
    for (let probe = 0, at = hash; probe < PROBES; probe++, at += stride) {
      const bit = at & (FILTER_BITS - 1);
      const word = this.#asked[bit >>> 5]!;
      const mask = 1 << (bit & 31);
      if ((word & mask) !== 0) continue;
      isNew = true;
      this.#asked[bit >>> 5] = word | mask;
    }
    return isNew;
  }
}
