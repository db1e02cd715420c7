// What rows were when they were written last (S17), as their bytes, in a ring of a few large segments: an object for each would take
// three times the memory, and be copied and marked by the garbage collector again and again.
//
//   entry | hash u32 | key length u32 | value length u32 | key | value |      from a multiple of 8 on
//
// A cache of what a store has, so it may forget any row: a new one goes over the oldest, and where too many fall on one place
// the oldest of these is lost. What is here is the newest all the same. One that is written again stays where it is, as long as it fits.

/** A reader's share of memory: some 150,000 rows of 100 bytes. What is not there is read from the store. */
export const ROW_CACHE_BYTES = 16 * 1_024 * 1_024;
/** Each is made when the ring first comes to it. */
const SEGMENTS_MAX = 8;
const HEADER_BYTES = 12;
const PLACES_FIRST = 1_024;
/** Places beside one another where a key may be found. */
const PROBES = 8;

export class RowCache {
  readonly #segmentBytes: number;
  readonly #placesMax: number;
  readonly #segments: Buffer[] = [];
  /** By hash: an entry's position + 1, or 0. Positions count all bytes that were ever written, so they tell what is gone. */
  #places = new Float64Array(PLACES_FIRST);
  #taken = 0;
  /** Where the next entry begins. */
  #end = 0;

  constructor(bytesMax = ROW_CACHE_BYTES) {
    this.#segmentBytes = Math.floor(bytesMax / SEGMENTS_MAX / 8) * 8;
    this.#placesMax = Math.max(PLACES_FIRST, 2 ** Math.floor(Math.log2(bytesMax / 32)));
  }

  /** A view, good until the next `put`. `hash` is the key's murmur3. */
  get(key: Uint8Array, hash: number): Uint8Array | undefined {
    const place = this.#find(key, hash);
    if (place < 0) return undefined;
    const { segment, at } = this.#entryAt(this.#places[place]! - 1);
    return valueOf(segment, at);
  }

  put(key: Uint8Array, hash: number, value: Uint8Array): void {
    const found = this.#find(key, hash);
    if (found >= 0) {
      const { segment, at } = this.#entryAt(this.#places[found]! - 1);
      if (entryLength(key.length, value.length) <= entryLength(key.length, segment.readUInt32LE(at + 8))) {
        segment.writeUInt32LE(value.length, at + 8);
        segment.set(value, at + HEADER_BYTES + key.length);
        return;
      }
      this.#places[found] = -1; // what it was, wherever it is: gone, and not free, since others may lie behind it
    }
    const position = this.#append(key, hash, value);
    if (position < 0) return;
    if (this.#taken * 2 > this.#places.length && this.#places.length < this.#placesMax) this.#grow();
    this.#place(hash, position);
  }

  delete(key: Uint8Array, hash: number): void {
    const place = this.#find(key, hash);
    if (place >= 0) this.#places[place] = -1;
  }

  /** Where the ring's oldest segment begins. */
  get #oldest(): number {
    return Math.max(0, (Math.ceil(this.#end / this.#segmentBytes) - SEGMENTS_MAX) * this.#segmentBytes);
  }

  #entryAt(position: number): { readonly segment: Buffer; readonly at: number } {
    const index = Math.floor(position / this.#segmentBytes);
    return { segment: this.#segments[index % SEGMENTS_MAX]!, at: position - index * this.#segmentBytes };
  }

  #find(key: Uint8Array, hash: number): number {
    const [mask, oldest] = [this.#places.length - 1, this.#oldest];
    for (let probe = 0; probe < PROBES; probe++) {
      const place = (hash + probe) & mask;
      const position = this.#places[place]! - 1;
      if (position === -1) return -1;
      if (position < oldest) continue;
      const { segment, at } = this.#entryAt(position);
      if (isEntryOf(segment, at, key, hash)) return place;
    }
    return -1;
  }

  /** The place of the entry; -1 for one so large that it would drive out too many others. */
  #append(key: Uint8Array, hash: number, value: Uint8Array): number {
    const length = entryLength(key.length, value.length);
    if (length > this.#segmentBytes / 8) return -1;
    const used = this.#end % this.#segmentBytes;
    if (used + length > this.#segmentBytes) this.#end += this.#segmentBytes - used;
    const position = this.#end;
    this.#end += length;
    const index = Math.floor(position / this.#segmentBytes) % SEGMENTS_MAX;
    const segment = (this.#segments[index] ??= Buffer.allocUnsafeSlow(this.#segmentBytes));
    const at = position % this.#segmentBytes;
    segment.writeUInt32LE(hash, at);
    segment.writeUInt32LE(key.length, at + 4);
    segment.writeUInt32LE(value.length, at + 8);
    segment.set(key, at + HEADER_BYTES);
    segment.set(value, at + HEADER_BYTES + key.length);
    return position;
  }

  /** In the first place that is free or whose entry is gone, else in the one of the oldest. */
  #place(hash: number, position: number): void {
    const [mask, oldest] = [this.#places.length - 1, this.#oldest];
    let chosen = hash & mask;
    for (let probe = 0; probe < PROBES; probe++) {
      const place = (hash + probe) & mask;
      const other = this.#places[place]!;
      if (other < this.#places[chosen]!) chosen = place;
      if (other <= oldest) break;
    }
    if (this.#places[chosen] === 0) this.#taken++;
    this.#places[chosen] = position + 1;
  }

  #grow(): void {
    const [before, oldest] = [this.#places, this.#oldest];
    this.#places = new Float64Array(before.length * 2);
    this.#taken = 0;
    for (const place of before) {
      if (place <= oldest) continue; // free, or gone
      const { segment, at } = this.#entryAt(place - 1);
      this.#place(segment.readUInt32LE(at), place - 1);
    }
  }
}

function entryLength(keyLength: number, valueLength: number): number {
  return (HEADER_BYTES + keyLength + valueLength + 7) & ~7;
}

function valueOf(segment: Buffer, at: number): Uint8Array {
  const from = at + HEADER_BYTES + segment.readUInt32LE(at + 4);
  return segment.subarray(from, from + segment.readUInt32LE(at + 8));
}

function isEntryOf(segment: Buffer, at: number, key: Uint8Array, hash: number): boolean {
  if (segment.readUInt32LE(at) !== hash || segment.readUInt32LE(at + 4) !== key.length) return false;
  for (let i = 0; i < key.length; i++) if (segment[at + HEADER_BYTES + i] !== key[i]) return false;
  return true;
}
