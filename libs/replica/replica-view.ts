import type { CommitRecord } from '../change/change.js';
import type { Revision } from '../definition/revision.js';
import type { StoreSnapshot } from '../store/store.js';
import type { PageReader } from '../timeline/timeline.js';

/** What a query sees of one partition's replica (DESIGN 7). */
export interface ReplicaView {
  readonly partition: number;
  /**
   * A reader that shows whole ticks (S15). Take it anew in each synchronous block and drop it at
   * the block's end: while a batch is being written it reads through the snapshot from before.
   */
  reader(): PageReader;
  /** One tick for as long as an asynchronous query needs; the caller closes it. */
  snapshot(): StoreSnapshot;
  /** What has been applied; undefined before the first batch. */
  applied(): CommitRecord | undefined;
  /** Every adopted revision, newest first. */
  revisions(): readonly Revision[];
  isReady(timelineId: number): boolean;
  /** The timeline's horizon, µs; -Infinity when nothing was trimmed (S20). */
  horizonUs(timelineId: number): number;
  /** How far the replica may lie behind its owner, µs; undefined when it is cut off. */
  lagUs(): number | undefined;
  /** Resolves once `reached` holds for what is applied; rejects when the signal aborts. */
  waitFor(reached: (applied: CommitRecord) => boolean, signal: AbortSignal): Promise<void>;
}

/** The partitions that this process holds; a group's is `partitionOf(slotOf(key), partitionCount)`. */
export interface ReplicaViews {
  /** Of the deployment. */
  readonly partitionCount: number;
  /** Those that are held here, in order. */
  readonly partitions: readonly number[];
  /** FAILED_PRECONDITION with THYME_PARTITION_ELSEWHERE for one that is not held here. */
  view(partition: number): ReplicaView;
}
