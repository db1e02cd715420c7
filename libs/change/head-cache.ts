import { headKeyLength, TIMELINE_TAG } from './state-keys.js';

// The heads that were written last, and the pages behind them that appends go on writing, in a few large segments
// (DESIGN 6, TIMELINE.md): a Buffer for each would take ten times the bytes, and reading them from the store is a quarter
// of the work of a tick. One buffer that grew would be copied as a whole each time, and reads wait for that.
//
// The segments are a ring: a new value goes behind the newest, over the oldest. One that is written again stays where it
// is, as long as it fits; its place has some room to grow. A place that was left serves the next value of its size,
// until the ring has come round: groups grow, and what they leave behind would soon be most of the buffer.

/** An applier's share of memory; 32 MB hold the heads of 30,000 to 200,000 groups. */
export const HEAD_CACHE_BYTES = 32 * 1_024 * 1_024;
/** Each is made when the ring first comes to it. A value takes up one at most. */
const SEGMENTS_MAX = 8;
/** Places are of whole units, so that what lies in them is aligned as libs/timeline reads it. */
const UNIT = 64;

interface Place {
  readonly segment: Uint8Array;
  readonly offset: number;
  readonly capacity: number;
  /** Undefined while it is free. */
  holder: Entry | undefined;
  /** The ring has gone over it. */
  isGone: boolean;
}

interface Entry {
  readonly key: string;
  place: Place;
  length: number;
}

export class HeadCache {
  readonly #segmentBytes: number;
  readonly #segments: Uint8Array[] = [];
  #entries = new Map<string, Entry>();
  /** In the order of the segments from the oldest on; those before `#oldest` are gone. */
  #ring: Place[] = [];
  #oldest = 0;
  /** Where the next place begins: in this segment, unless it does not fit there. */
  #current = -1;
  #end = Number.POSITIVE_INFINITY;
  /** By capacity; some of them may be gone. */
  #free = new Map<number, Place[]>();

  constructor(bytesMax: number) {
    this.#segmentBytes = Math.floor(bytesMax / SEGMENTS_MAX / UNIT) * UNIT;
  }

  /** A view, good until the next `put`. */
  get(key: string): Uint8Array | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.place.segment.subarray(entry.place.offset, entry.place.offset + entry.length);
  }

  put(key: string, value: Uint8Array): void {
    const entry = this.#entries.get(key);
    const kept = entry === undefined ? this.#add(key, value.length) : this.#fit(entry, value.length);
    if (kept === undefined) return;
    kept.place.segment.set(value, kept.place.offset);
    kept.length = value.length;
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#leave(entry.place);
  }

  /** Undefined for a value so large that it would drive out too many others. */
  #add(key: string, length: number): Entry | undefined {
    const place = this.#findPlace(capacityFor(length));
    if (place === undefined) return undefined;
    const entry: Entry = { key, place, length };
    place.holder = entry;
    this.#entries.set(key, entry);
    return entry;
  }

  /** The entry, in a place that is large enough. */
  #fit(entry: Entry, length: number): Entry | undefined {
    if (length <= entry.place.capacity) return entry;
    this.#leave(entry.place);
    const place = this.#findPlace(capacityFor(length));
    if (place === undefined) {
      this.#entries.delete(entry.key);
      return undefined;
    }
    entry.place = place;
    place.holder = entry;
    return entry;
  }

  #leave(place: Place): void {
    place.holder = undefined;
    const free = this.#free.get(place.capacity);
    if (free === undefined) this.#free.set(place.capacity, [place]);
    else free.push(place);
  }

  #findPlace(capacity: number): Place | undefined {
    if (capacity > this.#segmentBytes) return undefined;
    const free = this.#free.get(capacity);
    for (let place = free?.pop(); place !== undefined; place = free?.pop()) if (!place.isGone) return place;
    const segment = this.#end + capacity <= this.#segmentBytes ? this.#segments[this.#current]! : this.#nextSegment();
    this.#evict(segment, this.#end + capacity);
    const place: Place = { segment, offset: this.#end, capacity, holder: undefined, isGone: false };
    this.#end += capacity;
    this.#ring.push(place);
    return place;
  }

  /** What lies between here and the segment's end is the oldest. */
  #nextSegment(): Uint8Array {
    const left = this.#segments[this.#current];
    if (left !== undefined) this.#evict(left, this.#segmentBytes);
    this.#current = (this.#current + 1) % SEGMENTS_MAX;
    this.#end = 0;
    if (this.#current === 0) this.#free = new Map(); // else places of sizes that nobody asks for any more would be listed for ever
    return (this.#segments[this.#current] ??= new Uint8Array(this.#segmentBytes));
  }

  /** What begins before `end`. The oldest places are the next in the ring, so they go one after another. */
  #evict(segment: Uint8Array, end: number): void {
    for (
      let place = this.#ring[this.#oldest];
      place !== undefined && place.segment === segment && place.offset >= this.#end && place.offset < end;
      place = this.#ring[this.#oldest]
    ) {
      if (place.holder !== undefined) this.#entries.delete(place.holder.key);
      place.isGone = true;
      this.#oldest++;
    }
    if (this.#oldest > 1_024 && this.#oldest > this.#ring.length / 2) {
      this.#ring = this.#ring.slice(this.#oldest);
      this.#oldest = 0;
    }
  }
}

/** With room for a row more or two. Some eight sizes from one power of two to the next, for places to be found again. */
function capacityFor(length: number): number {
  const wanted = length + UNIT;
  const step = Math.max(UNIT, 2 ** (Math.floor(Math.log2(wanted)) - 3));
  return Math.ceil(wanted / step) * step;
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
