/** A power of two; a tick has some thousand keys when there is much to do. */
const PLACES_FIRST = 256;

/**
 * What a tick has by key, in the order in which it came, found by the bytes of the key: a text of each record's key, which a Map
 * would need, costs several times as much as its hash. Keys are kept, and must not change.
 */
export class KeyTable<Entry extends { readonly key: Uint8Array }> {
  readonly entries: Entry[] = [];
  readonly #hashes: number[] = [];
  /** Open addressing: the index of an entry + 1, or 0 for a free place. At most half are taken. */
  #places = new Int32Array(PLACES_FIRST);

  /** `hash` is the key's murmur3. */
  find(key: Uint8Array, hash: number): Entry | undefined {
    const mask = this.#places.length - 1;
    let place = hash & mask;
    for (let index = this.#places[place] ?? 0; index !== 0; index = this.#places[place] ?? 0) {
      const entry = this.entries[index - 1];
      if (this.#hashes[index - 1] === hash && entry !== undefined && isSame(entry.key, key)) return entry;
      place = (place + 1) & mask;
    }
    return undefined;
  }

  /** One that is not there yet. */
  open(hash: number, entry: Entry): void {
    this.#hashes.push(hash);
    this.#place(hash, this.entries.push(entry));
    if (this.entries.length * 2 > this.#places.length) this.#grow();
  }

  #grow(): void {
    this.#places = new Int32Array(this.#places.length * 2);
    for (const [index, hash] of this.#hashes.entries()) this.#place(hash, index + 1);
  }

  #place(hash: number, index: number): void {
    const mask = this.#places.length - 1;
    let place = hash & mask;
    while (this.#places[place] !== 0) place = (place + 1) & mask;
    this.#places[place] = index;
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
