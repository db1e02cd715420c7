import { murmur3 } from '../codec/slot.js';

/** A million bytes: of half a million groups two in a thousand are taken for known ones, and are then looked for in vain. */
const FILTER_BITS = 2 ** 23;
const PROBES = 4;
/** Where a head's key has its timeline's id (state-keys.ts). */
const TIMELINE_AT = 3;

/**
 * The groups that certainly have no head in the store yet: to look there for what is not there is a quarter of all reads where history
 * is read into a new timeline. It is known of timelines that were adopted while this applier ran, since nobody else writes
 * the store: their groups have a head only if they were asked for before. Which ones those are is kept as a
 * Bloom filter, so some are taken for known, and none the other way.
 */
export class NewGroups {
  readonly #timelines = new Set<number>();
  #asked: Uint32Array | undefined;

  /** No group of the timeline has a head. */
  addTimeline(timelineId: number): void {
    this.#timelines.add(timelineId);
    this.#asked ??= new Uint32Array(FILTER_BITS / 32);
  }

  /** Whether the group with this head key has certainly none. True once: who asks will write it next. */
  takeNew(headKey: Uint8Array): boolean {
    if (this.#asked === undefined || !this.#timelines.has(timelineOf(headKey))) return false;
    const hash = murmur3(headKey);
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

function timelineOf(key: Uint8Array): number {
  return ((key[TIMELINE_AT]! << 24) | (key[TIMELINE_AT + 1]! << 16) | (key[TIMELINE_AT + 2]! << 8) | key[TIMELINE_AT + 3]!) >>> 0;
}
