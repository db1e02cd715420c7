import { laneKey } from '../../libs/change/state-keys.js';
import type { Change } from '../../libs/change/change.js';
import type { StoreReader } from '../../libs/store/store.js';

interface Lane {
  watermarkUs: number;
  changed: boolean;
}

/** Lanes remembered between ticks; the others are read from the store again when they speak up. */
const LANES_KEPT_MAX = 10_000;

/**
 * The watermarks of one reader in its partition (S10): per lane the highest min(event time, append
 * time) so far. -Infinity before any record: nothing is late then. Never decreases. What decides it
 * lies in the log alone, so a replay decides the same.
 */
export class LaneWatermarks {
  readonly #readerId: number;
  readonly #partition: number;
  readonly #store: StoreReader;
  readonly #lanes = new Map<string, Lane>();

  constructor(readerId: number, partition: number, store: StoreReader) {
    this.#readerId = readerId;
    this.#partition = partition;
    this.#store = store;
  }

  /** The lane's watermark before the record, which it then moves. */
  observe(lane: string, eventTimeUs: number, appendTimeUs: number): number {
    let known = this.#lanes.get(lane);
    if (known === undefined) {
      known = { watermarkUs: this.#load(lane), changed: false };
      this.#lanes.set(lane, known);
    }
    const before = known.watermarkUs;
    const candidateUs = Math.min(eventTimeUs, appendTimeUs);
    if (candidateUs > before) {
      known.watermarkUs = candidateUs;
      known.changed = true;
    }
    return before;
  }

  /** What this tick moved. */
  takeChanges(): Change[] {
    const changes: Change[] = [];
    for (const [lane, state] of this.#lanes) {
      if (!state.changed) continue;
      state.changed = false;
      changes.push({ kind: 'lane', readerId: this.#readerId, partition: this.#partition, lane, watermarkUs: state.watermarkUs });
    }
    return changes;
  }

  /** After a commit: what the store has can be read again. */
  trim(): void {
    if (this.#lanes.size > LANES_KEPT_MAX) this.#lanes.clear();
  }

  #load(lane: string): number {
    const stored = this.#store.get(laneKey(this.#readerId, this.#partition, lane));
    return stored === undefined ? Number.NEGATIVE_INFINITY : Number(Buffer.from(stored).toString('latin1'));
  }
}
