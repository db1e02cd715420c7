// A dataset that keeps a week, and windows over it without end: of what is trimmed, a base keeps the counts (S20).
import { Count, Sum, dataset, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
import type { Stream } from 'thyme';

@dataset({ version: 1, maxLateness: '400d' })
export class Event {
  @key(t.int) k!: number;
  @field(t.float) x!: number;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true, history: '7d' })
export class Counted {
  @key(t.int) k!: number;
  @field(t.int) n!: number;
  @field(t.float) s!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Event] })
  static counted(events: Stream<Event>) {
    return events.groupBy('k').aggregate({ n: Count(), s: Sum({ of: 'x' }) });
  }
}

@featureset({ entity: 'k' })
export class Totals {
  @feature(t.int, { id: 1 }) k!: number;
  @feature(t.int, { id: 2, ref: [Counted, 'n'] }) n!: number;
  @feature(t.float, { id: 3, ref: [Counted, 's'] }) s!: number;
}
