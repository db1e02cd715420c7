import type { Log } from '../../libs/log/log.js';

/** A log under test. */
export interface OpenedLog {
  readonly log: Log;
  /** Closes the log and opens it again over the same data. Undefined: the driver keeps nothing. */
  readonly reopen?: () => Promise<Log>;
  /** The end of a transaction takes offsets of its own, and partitions show it one after another (Kafka; L1, L3). */
  readonly marksTransactions?: boolean;
  readonly close: () => Promise<void>;
}
