import type { Revision } from '../../libs/definition/revision.js';
import type { Log } from '../../libs/log/log.js';
import type { AuthorFunctions } from '../../libs/pipeline/steps.js';
import type { Clock } from '../../libs/time/clock.js';
import type { RevisionFeed } from './revision-feed.js';
import type { StepWatch } from './step-watch.js';

/** What a task works with; the same for all partitions but `partition`. */
export interface TaskEnvironment {
  readonly deployment: string;
  readonly partition: number;
  readonly partitionCount: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly feed: RevisionFeed;
  /** The revision's bundle, evaluated. */
  readonly functionsOf: (revision: Revision) => AuthorFunctions;
  readonly limits: TickLimits;
  /** Whether published datasets get a topic of JSON for others to read; where nobody can, it would be written for nothing. */
  readonly publishesJson?: boolean | undefined;
  /** What readers that have not caught up may read in a second, together; no limit where it is absent. */
  readonly backfillRecordsPerS?: number | undefined;
  /** Over steps that may not return (S23); nobody watches where it is absent. */
  readonly stepWatch?: StepWatch | undefined;
}

/** Bounds of one tick. */
export interface TickLimits {
  /** Records that one input gives to a tick. */
  readonly inputRecordsMax: number;
  readonly inputBytesMax: number;
  /** What all inputs together give; bounds a tick's memory and its transaction. */
  readonly tickRecordsMax: number;
  readonly tickBytesMax: number;
}

/**
 * 8,192 small records keep a tick at some 80 ms, beside which a transaction of a few is cheap; the log takes 32 MiB and
 * 100,000 records in one. Four inputs fill a tick.
 */
export const TICK_LIMITS: TickLimits = {
  inputRecordsMax: 8_192,
  inputBytesMax: 2 * 1_024 * 1_024,
  tickRecordsMax: 32_768,
  tickBytesMax: 8 * 1_024 * 1_024,
};
