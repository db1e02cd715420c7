import type { FeedPlaces } from './feeds.js';

export interface GeneratorOptions {
  readonly restUrl: string;
  readonly journal: string;
  readonly seed: number;
  readonly partitions: number;
  /** Events a second of each dataset, when nothing fails. */
  readonly rate: number;
  readonly feeds: FeedPlaces;
}
