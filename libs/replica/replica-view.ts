import type { CommitRecord } from '../change/change.js';
import type { Revision } from '../definition/revision.js';
import type { ReplicaTick } from './replica-tick.js';

/** What a query sees of one partition's replica (DESIGN 7). */
export interface ReplicaView {
  readonly partition: number;
  /**
   * The tick of this moment, which the caller closes; a query takes one, and asks nothing else of the view (S15).
   * UNAVAILABLE while there is none.
   */
  tick(): ReplicaTick;
  /** What has been applied; undefined before the first batch. */
  applied(): CommitRecord | undefined;
  /** Every adopted revision, newest first. */
  revisions(): readonly Revision[];
  isReady(timelineId: number): boolean;
  /** The keys of a timeline's groups in a slot, in their order: those behind `after`, as of about now. */
  groupKeys(range: {
    readonly slot: number;
    readonly timelineId: number;
    readonly after?: Uint8Array | undefined;
  }): AsyncIterable<Uint8Array>;
  /** How far the replica may lie behind its owner, µs; undefined when it is cut off. */
  lagUs(): number | undefined;
  /** Resolves once `reached` holds for what is applied; rejects when the signal aborts. */
  waitFor(reached: (applied: CommitRecord) => boolean, signal: AbortSignal): Promise<void>;
}

/** The partitions that this process holds; a group's is `partitionOf(slotOf(key), partitionCount)`. */
export interface ReplicaViews {
  /** How many the deployment has. */
  readonly partitionCount: number;
  /** Those that are held here, in order. */
  readonly partitions: readonly number[];
  /** FAILED_PRECONDITION with THYME_PARTITION_ELSEWHERE for one that is not held here. */
  view(partition: number): ReplicaView;
}
