import { TimelinePages } from '../timeline/timeline-pages.js';
import { TimelineReading } from '../timeline/timeline-reader.js';
import type { Instant, TimelineShape } from '../timeline/timeline.js';
import type { PageReader } from '../timeline/page-access.js';

/** Groups remembered of one row; an extractor that looks up more reads them anew. */
const READINGS_MAX = 8;

interface Kept {
  readonly timelineId: number;
  readonly groupKey: Uint8Array;
  readonly reading: TimelineReading;
}

/**
 * What one row's evaluation has read: an extractor that looks up the entity which its refs have read finds
 * pages and windows as they were left. For one instant and one tick (S15).
 */
export class Readings {
  readonly #kept: Kept[] = [];
  /** Whether anything had ever been recorded of what was read. */
  found = false;

  find(timelineId: number, groupKey: Uint8Array): TimelineReading | undefined {
    for (const kept of this.#kept) {
      if (kept.timelineId === timelineId && (kept.groupKey === groupKey || Buffer.compare(kept.groupKey, groupKey) === 0))
        return kept.reading;
    }
    return undefined;
  }

  open(
    timelineId: number,
    groupKey: Uint8Array,
    at: { readonly shape: TimelineShape; readonly store: PageReader; readonly headKey: Uint8Array; readonly instant: Instant },
  ): TimelineReading {
    const pages = new TimelinePages(at.shape, at.store, at.headKey);
    this.found ||= pages.head !== undefined;
    const reading = new TimelineReading(pages, at.instant);
    if (this.#kept.length < READINGS_MAX) this.#kept.push({ timelineId, groupKey, reading });
    return reading;
  }
}
