import { KeyFilter } from './key-filter.js';

/** Where a head's key has its timeline's id (state-keys.ts). */
const TIMELINE_AT = 3;

/**
 * The groups that certainly have no head in the store yet. It is known of timelines that were adopted while this applier ran,
 * since nobody else writes the store: their groups have a head only if they were asked for before.
 */
export class NewGroups {
  readonly #timelines = new Set<number>();
  #asked: KeyFilter | undefined;

  /** No group of the timeline has a head. */
  addTimeline(timelineId: number): void {
    this.#timelines.add(timelineId);
    this.#asked ??= new KeyFilter();
  }

  /** Whether the group with this head key has certainly none. True once: who asks will write it next. */
  takeNew(headKey: Uint8Array): boolean {
    if (this.#asked === undefined || !this.#timelines.has(timelineOf(headKey))) return false;
    return this.#asked.takeNew(headKey);
  }
}

function timelineOf(key: Uint8Array): number {
  return ((key[TIMELINE_AT]! << 24) | (key[TIMELINE_AT + 1]! << 16) | (key[TIMELINE_AT + 2]! << 8) | key[TIMELINE_AT + 3]!) >>> 0;
}
