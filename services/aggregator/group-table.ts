import { murmur3 } from '../../libs/codec/slot.js';
import type { RowEnd, TimelineRow } from '../../libs/timeline/timeline.js';

export interface Group {
  readonly key: Uint8Array;
  readonly rows: TimelineRow[];
  /** Absent where no row of it ends in this tick (S17). */
  ends: RowEnd[] | undefined;
}

/** A power of two; a tick has some thousand groups when there is much to do. */
const PLACES_FIRST = 256;

/**
 * The groups that a tick has rows for, in the order in which they came, found by the bytes of their keys: a text of each
 * record's key, which a Map would need, costs several times as much as its hash.
 */
export class GroupTable {
  readonly groups: Group[] = [];
  readonly #hashes: number[] = [];
  /** Open addressing: the index of a group + 1, or 0 for a free place. At most half are taken. */
  #places = new Int32Array(PLACES_FIRST);

  /** Adds a row to the group with this key, which is kept, and must not change. */
  add(key: Uint8Array, row: TimelineRow): void {
    const hash = murmur3(key);
    const group = this.#find(key, hash);
    if (group === undefined)
      this.#open(hash, { key, rows: [row], ends: undefined }); // of its size: most groups of a tick have one
    else group.rows.push(row);
  }

  /** The row may be one of this tick. */
  addEnd(key: Uint8Array, end: RowEnd): void {
    const hash = murmur3(key);
    const group = this.#find(key, hash);
    if (group === undefined) this.#open(hash, { key, rows: [], ends: [end] });
    else (group.ends ??= []).push(end);
  }

  #find(key: Uint8Array, hash: number): Group | undefined {
    const mask = this.#places.length - 1;
    let place = hash & mask;
    for (let index = this.#places[place] ?? 0; index !== 0; index = this.#places[place] ?? 0) {
      const group = this.groups[index - 1];
      if (this.#hashes[index - 1] === hash && group !== undefined && isSame(group.key, key)) return group;
      place = (place + 1) & mask;
    }
    return undefined;
  }

  /** One that is not there yet. */
  #open(hash: number, group: Group): void {
    const mask = this.#places.length - 1;
    let place = hash & mask;
    while (this.#places[place] !== 0) place = (place + 1) & mask;
    this.#hashes.push(hash);
    this.#places[place] = this.groups.push(group);
    if (this.groups.length * 2 > this.#places.length) this.#grow();
  }

  #grow(): void {
    this.#places = new Int32Array(this.#places.length * 2);
    const mask = this.#places.length - 1;
    for (const [index, hash] of this.#hashes.entries()) {
      let place = hash & mask;
      while (this.#places[place] !== 0) place = (place + 1) & mask;
      this.#places[place] = index + 1;
    }
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
