import type { ErasedRange } from '../timeline/erase-rows.js';
import type { RowEnd, TimelineRow } from '../timeline/timeline.js';
import type { Revision } from '../definition/revision.js';

// The change stream (DESIGN 5): what happened in a tick, not how a store keeps it. A store is a
// fold of its partition's batches, the owner's like any replica's; nothing else writes to it.
//
// Invariants:
//   C1. A batch is applied as one atomic store batch that includes its commit record: the stored
//       seq is never ahead of the stored state, nor behind it (S14, S15).
//   C2. Applying is deterministic: the same batches give the same bytes, in whatever process.
//   C3. A change of a kind, or a format, that an applier does not know stops it; nothing is skipped.
//   C4. seq ≤ applied is a repeat and dropped; prevSeq = applied is applied; anything else is a gap.

export type Change =
  /** Rows entered the timeline of one group: all of this tick, so a group's pages are written once. */
  | { readonly kind: 'rows'; readonly timelineId: number; readonly groupKey: Uint8Array; readonly rows: readonly TimelineRow[] }
  /** Rows of one group ended (S17): they entered its timeline earlier, or in this tick. */
  | { readonly kind: 'ended'; readonly timelineId: number; readonly groupKey: Uint8Array; readonly ends: readonly RowEnd[] }
  /** What a row of a dataset is now, as a reader's step by row keeps it (current-row.ts); a deleted one is a mark. */
  | { readonly kind: 'current'; readonly readerId: number; readonly rowKey: Uint8Array; readonly value: Uint8Array }
  /**
   * Rows of one group are gone for every T and every state of knowledge (S26): those that the source put there from one offset
   * up to another, excluded, in this tick's own rows too. From -Infinity on also what was trimmed into its base.
   */
  | ({ readonly kind: 'erased'; readonly timelineId: number; readonly groupKey: Uint8Array } & ErasedRange)
  /** What a reader's step by row kept of a row is gone: the next change of it is its first. */
  | { readonly kind: 'forgotten'; readonly readerId: number; readonly rowKey: Uint8Array }
  /** As `erased` and `forgotten`, where the changelog was rewritten since: by the key's slot and hash (erased-changes.ts). */
  | ({ readonly kind: 'erasedOf'; readonly timelineId: number; readonly slot: number; readonly keyHash: Uint8Array } & ErasedRange)
  | { readonly kind: 'forgottenOf'; readonly readerId: number; readonly slot: number; readonly keyHash: Uint8Array }
  /** The reader's seen sequences of a producer (S13): a high-water mark and a bitmap of the 4,096 below. */
  | {
      readonly kind: 'seen';
      readonly readerId: number;
      readonly partition: number;
      readonly producerId: string;
      readonly highest: number;
      readonly bitmap: Uint8Array;
    }
  /** The watermark of a lane (S10). */
  | { readonly kind: 'lane'; readonly readerId: number; readonly partition: number; readonly lane: string; readonly watermarkUs: number }
  | { readonly kind: 'revision'; readonly revision: Revision }
  /** The timeline holds all history up to the live end (S18). */
  | { readonly kind: 'ready'; readonly timelineId: number }
  /** Questions that reach below the horizon are OUT_OF_RANGE from here on (S20). */
  | { readonly kind: 'trimmed'; readonly timelineId: number; readonly horizonUs: number };

/** Closes a batch: where the task stands after it. */
export interface CommitRecord {
  readonly epoch: number;
  /** 1 for the first batch of a partition. */
  readonly seq: number;
  readonly prevSeq: number;
  /** The revision in force after the batch; 0 before the first. */
  readonly revision: number;
  /** The owner's clock at the tick, µs. */
  readonly clockUs: number;
  readonly positions: readonly Position[];
  readonly cursors: readonly Cursor[];
  readonly hops: readonly Hop[];
  readonly counters: readonly ReaderCounters[];
}

/**
 * How much of an input the state reflects: every record of this partition below `nextOffset` that
 * belongs here. For the task's own partition what it has read; for others, what re-keyed records
 * have been seen through. One for each (reader, partition).
 */
export interface Position {
  /** The timeline (or stream pipeline) that it reads for. */
  readonly readerId: number;
  /** The dataset's topic. */
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  /** It has once passed the end that was there when the reader was adopted (S18). */
  readonly caughtUp: boolean;
}

/** Where the task reads on: a reader in its own partition of its dataset's topic, or the task (reader 0) in one of `rekey`. */
export interface Cursor {
  readonly readerId: number;
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  readonly caughtUp: boolean;
}

/**
 * What a stage that is fed by re-keying has been told: the sender has passed on everything that the
 * source partition held below `nextOffset`.
 */
export interface Hop {
  readonly readerId: number;
  readonly stage: number;
  readonly sender: number;
  readonly source: number;
  readonly nextOffset: number;
  readonly caughtUp: boolean;
}

/**
 * The books of a reader since its beginning, in this partition (RELIABILITY):
 * read + received = applied + filtered + late + outdated + duplicate + dead + sent + erased.
 */
export interface ReaderCounters {
  readonly readerId: number;
  /** Records of the dataset's topic. */
  readonly read: number;
  /** Re-keyed records that came from other partitions. */
  readonly received: number;
  /** Re-keyed records that went to other partitions. */
  readonly sent: number;
  readonly applied: number;
  readonly filtered: number;
  readonly late: number;
  readonly duplicate: number;
  readonly dead: number;
  /**
   * Records at which something threw (S23): dead, or applied but not published (S25) where a value was out of range;
   * and ends whose row was not there.
   */
  readonly failed: number;
  /** The highest watermark of the reader's lanes, µs; -Infinity before any record. */
  readonly watermarkUs: number;
  /** Right rows that came after a left record of their key, not older than they, had been joined (S24). Never too low (join-marks.ts). */
  readonly lateRight: number;
  /** The newest event time of a left record that was joined, µs; -Infinity where nothing was. */
  readonly joinedUs: number;
  /** Rows of the reader's groups that ended (S17): no records, so not in its books. */
  readonly ended: number;
  /** Ends of rows that had been published: what a chain has read stays (S25). */
  readonly unpublished: number;
  /** Records of erased entities that were passed over, and the erasures themselves (S26). */
  readonly erased: number;
  /** Changes that are older than what their row is (S17): left out whole. */
  readonly outdated: number;
}
