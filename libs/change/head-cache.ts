import { headKeyLength, TIMELINE_TAG } from './state-keys.js';

// The heads of the groups that were written last, in one buffer (DESIGN 6, TIMELINE.md): a Buffer for
// each would take ten times the bytes, and reading them from the store is a quarter of the work of a tick.
//
// A ring: a new head goes behind the newest, over the oldest. One that is written again stays where it
// is, as long as it fits; its slot has some room to grow.

/** An applier's share of memory; 32 MB hold the heads of 30,000 to 100,000 groups. */
export const HEAD_CACHE_BYTES = 32 * 1_024 * 1_024;
const ARENA_BYTES_FIRST = 256 * 1_024;
/** Slots are of whole units, so that what lies in them is aligned as libs/timeline reads it. */
const UNIT = 64;

interface Slot {
  readonly offset: number;
  readonly capacity: number;
  length: number;
  /** Undefined once the head has moved to a larger slot. */
  key: string | undefined;
}

export class HeadCache {
  readonly #bytesMax: number;
  #arena = new Uint8Array(0);
  #slotOf = new Map<string, Slot>();
  /** In the order of the arena from the oldest on; those before `#oldest` are gone. */
  #ring: Slot[] = [];
  #oldest = 0;
  /** Where the next slot begins. */
  #end = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** A view, good until the next `put`. */
  get(key: string): Uint8Array | undefined {
    const slot = this.#slotOf.get(key);
    return slot && this.#arena.subarray(slot.offset, slot.offset + slot.length);
  }

  put(key: string, value: Uint8Array): void {
    let slot = this.#slotOf.get(key);
    if (slot !== undefined && slot.capacity < value.length) {
      this.delete(key);
      slot = undefined;
    }
    slot ??= this.#allocate(key, value.length);
    if (slot === undefined) return;
    this.#arena.set(value, slot.offset);
    slot.length = value.length;
  }

  delete(key: string): void {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return;
    slot.key = undefined;
    this.#slotOf.delete(key);
  }

  clear(): void {
    this.#slotOf = new Map();
    this.#ring = [];
    this.#oldest = 0;
    this.#end = 0;
  }

  /** Undefined for a head so large that it would drive out too many others. */
  #allocate(key: string, length: number): Slot | undefined {
    const capacity = Math.ceil((length * 1.5) / UNIT) * UNIT;
    if (capacity > this.#bytesMax / 8) return undefined;
    if (this.#end + capacity > this.#arena.length && !this.#grow(capacity)) this.#wrap();
    this.#evictWithin(this.#end, this.#end + capacity);
    const slot: Slot = { offset: this.#end, capacity, length, key };
    this.#end += capacity;
    this.#ring.push(slot);
    this.#slotOf.set(key, slot);
    return slot;
  }

  #grow(capacity: number): boolean {
    if (this.#arena.length >= this.#bytesMax) return false;
    const grown = new Uint8Array(Math.min(this.#bytesMax, Math.max(ARENA_BYTES_FIRST, 2 * this.#arena.length, 8 * capacity)));
    grown.set(this.#arena);
    this.#arena = grown;
    return this.#end + capacity <= grown.length;
  }

  /** Goes on at the start; what lies between here and the arena's end is the oldest. */
  #wrap(): void {
    this.#evictWithin(this.#end, this.#arena.length);
    this.#end = 0;
  }

  /** The oldest slots are the next in the arena, so they go one after another. */
  #evictWithin(start: number, end: number): void {
    for (let slot = this.#ring[this.#oldest]; slot !== undefined && slot.offset >= start && slot.offset < end; slot = this.#ring[this.#oldest]) {
      if (slot.key !== undefined) this.#slotOf.delete(slot.key);
      this.#oldest++;
    }
    if (this.#oldest > 1_024 && this.#oldest > this.#ring.length / 2) {
      this.#ring = this.#ring.slice(this.#oldest);
      this.#oldest = 0;
    }
  }
}

/** A key as latin-1 text, one character a byte: what maps find fastest. */
export function keyText(key: Uint8Array): string {
  const bytes = key instanceof Buffer ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.toString('latin1');
}

/** Whether a store key is a head's, and not one of its pages'. */
export function isHeadKey(key: Uint8Array): boolean {
  return key[0] === TIMELINE_TAG && key.length === headKeyLength(key);
}
