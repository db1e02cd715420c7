/** Keys remembered one by one, some 100 bytes each; the longest unjoined go first. */
const KEYS_MAX = 50_000;

/**
 * How far one pipeline has joined, in its partition: for each right key the newest event time of a left
 * record that was joined with what its index then held. A right row that is not newer comes too late for
 * that record, and is counted (S24).
 *
 * Keys are kept in memory only. What is not there counts as joined up to the floor, the highest mark that
 * was ever dropped: after an acquisition the highest of all, which alone is in the commit record. So the
 * count misses nothing, and may hold rows that only other keys' records went before.
 */
export class JoinMarks {
  #floorUs: number;
  /** In order of their last change. */
  readonly #joinedUs = new Map<string, number>();
  readonly #keysMax: number;

  /** `floorUs` is -Infinity where nothing was joined yet. */
  constructor(floorUs: number, keysMax = KEYS_MAX) {
    this.#floorUs = floorUs;
    this.#keysMax = keysMax;
  }

  /** A left record was joined, whether or not there was a right row for it. */
  note(dataset: string, key: Uint8Array, eventTimeUs: number): void {
    const name = nameOf(dataset, key);
    const before = this.#joinedUs.get(name);
    if (before !== undefined && before >= eventTimeUs) return;
    this.#joinedUs.delete(name);
    this.#joinedUs.set(name, eventTimeUs);
    if (this.#joinedUs.size > this.#keysMax) this.#dropOldest();
  }

  /** Whether a right row comes too late for a left record. */
  hasPassed(dataset: string, key: Uint8Array, eventTimeUs: number): boolean {
    if (eventTimeUs <= this.#floorUs) return true;
    const joinedUs = this.#joinedUs.get(nameOf(dataset, key));
    return joinedUs !== undefined && eventTimeUs <= joinedUs;
  }

  #dropOldest(): void {
    const [oldest] = this.#joinedUs;
    if (oldest === undefined) return;
    this.#joinedUs.delete(oldest[0]);
    this.#floorUs = Math.max(this.#floorUs, oldest[1]);
  }
}

function nameOf(dataset: string, key: Uint8Array): string {
  return `${dataset} ${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')}`;
}
