import type { Instant, PageReader, TimelineShape } from '../timeline/timeline.js';
import { TimelineReading } from '../timeline/timeline-reader.js';

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

  find(timelineId: number, groupKey: Uint8Array): TimelineReading | undefined {
    return this.#kept.find((kept) => kept.timelineId === timelineId && Buffer.compare(kept.groupKey, groupKey) === 0)?.reading;
  }

  open(timelineId: number, groupKey: Uint8Array, at: { readonly shape: TimelineShape; readonly store: PageReader; readonly headKey: Uint8Array; readonly instant: Instant }): TimelineReading {
    const reading = new TimelineReading(at.shape, at.store, at.headKey, at.instant);
    if (this.#kept.length < READINGS_MAX) this.#kept.push({ timelineId, groupKey, reading });
    return reading;
  }
}
