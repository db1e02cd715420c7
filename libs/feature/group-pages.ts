import type { TimelineShape } from '../timeline/timeline.js';
import { TimelinePages } from '../timeline/timeline-pages.js';
import type { PartitionState } from './state-access.js';

// What is kept are two generations, the older of which goes when the younger is full. The pages' bytes
// are for the most part the page cache's own.
const GENERATION_GROUPS_MAX = 2_000;
/** A hot group has hundreds of pages, of some 8 KB each. */
const GENERATION_PAGES_MAX = 4_000;

interface Kept {
  readonly pages: TimelinePages;
  /** The tick that they show. */
  readonly tick: unknown;
  /** Pages that the generation's count knows of. */
  counted: number;
}

/**
 * The decoded pages of groups, for whoever reads the same ones at many instants, as a training set does: a
 * page is fetched and decoded once. A group is begun anew when its partition shows another tick (S15).
 */
export class GroupPages {
  #young = new Map<string, Kept>();
  #old = new Map<string, Kept>();
  #youngPages = 0;
  #last: Kept | undefined;

  /** Good for the partition's synchronous block, or while it is held. */
  open(shape: TimelineShape, partition: PartitionState, headKey: Uint8Array): TimelinePages {
    this.#count();
    const name = Buffer.from(headKey.buffer, headKey.byteOffset, headKey.length).toString('latin1');
    let kept = this.#young.get(name) ?? this.#old.get(name);
    // What they have not fetched so far comes from the reader that is good now.
    if (kept !== undefined && kept.tick === partition.tick) kept.pages.store = partition;
    else kept = { pages: new TimelinePages(shape, partition, headKey), tick: partition.tick, counted: 0 };
    this.#young.set(name, kept);
    this.#last = kept;
    return kept.pages;
  }

  /** How many pages a group has is known only when it has been read: when the next one is opened. */
  #count(): void {
    if (this.#last === undefined) return;
    this.#youngPages += this.#last.pages.fetched - this.#last.counted;
    this.#last.counted = this.#last.pages.fetched;
    if (this.#young.size < GENERATION_GROUPS_MAX && this.#youngPages < GENERATION_PAGES_MAX) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngPages = 0;
  }
}
