// The aggregator: one task for each partition, from the log to the state.
//
//   held-partitions.ts    - the partitions of this process, as libs/log/membership.ts assigns them
//   partition-owner.ts    - keeps a partition worked: acquires it, ticks, and after an error starts over; tick-pause.ts
//   acquire.ts            - fences the predecessor, replays the changelog, writes that it is here
//   partition-task.ts     - a tick: adopts revisions, reads, folds; tick-commit.ts - commits, applies, hands on
//   task-inputs.ts        - what a task reads: dataset topics by reader, and what others have re-keyed
//   input-reading.ts      - within which limits; backfill-rate.ts, read-ahead.ts
//   timeline-feed.ts      - one timeline's way through its topic; lane-watermarks.ts, seen-sequences.ts, hop-table.ts
//   reader-plan.ts        - what it runs a record with; publish-plan.ts, author-functions.ts
//   step-watch.ts         - ends the process when an author's function does not return
//   pipeline-run.ts       - a record through the stages into its group; index-lookup.ts and join-marks.ts for joins
//   tick-output.ts        - what a tick commits together; rekey-message.ts, dead-letters.ts, json-copy.ts
//   upgrade-reader.ts     - carries an old dataset version's records into the new one; upgrade-source.ts, upgrade-plan.ts
//   retiring-readers.ts   - what goes on beside its successor; misplaced-readers.ts - what an older program let pass to another topic
//   change-stream.ts      - the batches for whoever follows; recent-batches.ts
//   replication.ts, job-handlers.ts - the RPCs of ReplicationService and AggregatorService
//
// Invariants:
//   A1. Nothing is written before the transaction commits, and after it everything follows from the
//       changelog: what a task has in mind is never needed again (S14).
//   A2. The store is ahead of the changelog never, and behind it only until the next acquisition.
//   A3. Only the newest writer of `<deployment>.agg.<p>` commits; who is fenced stops.
//   A4. The books close: read + received = applied + filtered + late + duplicate + dead + sent.

import { ThymeError } from '../../libs/errors/errors.js';
import type { PartitionOwnership } from '../../libs/log/membership.js';
import { SoloMembership } from '../../libs/log/solo-membership.js';
import { createCompletion, type Service, settlesWithin } from '../../libs/lifecycle/service.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import type { Store } from '../../libs/store/store.js';
import type { Clock } from '../../libs/time/clock.js';
import { HeldPartitions } from './held-partitions.js';
import { PartitionOwner, type TickListener } from './partition-owner.js';
import { ownersAsSource } from './replication.js';
import { TICK_LIMITS, type TaskEnvironment, type TickLimits } from './task-environment.js';

/** This process among those that share the partitions. */
export interface Membership {
  readonly ownership: PartitionOwnership;
  /** `host:port` of its gRPC server; asked once, at the start. */
  readonly address: () => string;
  /** Partitions whose state lies here. */
  readonly preferred?: readonly number[];
}

export interface AggregatorOptions extends Omit<TaskEnvironment, 'partition' | 'limits'> {
  /** By which processes share the partitions; without it this one works them all, and must be the only one. */
  readonly membership?: Membership;
  /** Opens the partition's store; again after an error of the store itself, and an empty one (`anew`) after it was found damaged. */
  readonly openStore: (partition: number, anew: boolean) => Promise<Store>;
  /** Told of every failure of a task; it is then acquired again, or the service ends. */
  readonly onFailure: (partition: number, cause: unknown) => void;
  readonly onTick?: TickListener;
  /** Told of every partition that this process works from now on. */
  readonly onAcquired?: (partition: number) => void;
  readonly limits?: TickLimits;
  readonly tickMs?: number;
  readonly recentBytesMax?: number;
  readonly heartbeatMs?: number;
}

/** Under load: often enough that a feature is fresh, seldom enough that a transaction carries many records. */
const TICK_MS = 50;
/** The last minutes of a busy partition: followers that were away briefly need no changelog. */
const RECENT_BYTES_MAX = 16 * 1_024 * 1_024;
const HEARTBEAT_MS = 1_000;

export class Aggregator implements Service {
  readonly partitionCount: number;
  /** The partitions' state as this process has it, for a query service beside it. */
  readonly views: ReplicaViews;
  /** What replicas follow, here and over ReplicationService. */
  readonly replication: ReplicationSource;
  readonly #held: HeldPartitions;
  readonly #membership: Membership;
  readonly #ended = createCompletion();
  readonly #clock: Clock;
  #stopping: Promise<void> | undefined;

  constructor(options: AggregatorOptions) {
    const { partitionCount, clock, membership } = options;
    this.#clock = clock;
    this.partitionCount = partitionCount;
    this.#membership = membership ?? { ownership: new SoloMembership(partitionCount), address: () => 'here' };
    this.#held = new HeldPartitions({
      create: ownerFactory(options),
      isShared: membership !== undefined,
      onFatal: (cause) => this.#fail(cause),
      clock,
    });
    this.views = viewsOf(partitionCount, this.#held);
    this.replication = ownersAsSource((partition) => ownerIn(this.#held, partition));
  }

  /** Those of now, in order of partitions. */
  get owners(): readonly PartitionOwner[] {
    return this.#held.owners;
  }

  get done(): Promise<void> {
    return this.#ended.promise;
  }

  /** Resolves when this process has its first partitions and has acquired each of them once; rejects if it never will. */
  async start(): Promise<void> {
    const { ownership, address, preferred = [] } = this.#membership;
    ownership.done.catch((cause: unknown) => this.#fail(cause));
    const joined = ownership.join({
      address: address(),
      preferred,
      onAssigned: (partitions) => this.#held.take(partitions),
      onRevoked: (partitions) => this.#held.letGo(partitions),
    });
    await Promise.race([joined.then(() => this.#held.acquired()), this.done]);
  }

  /** Finishes the ticks under way and leaves, so that others take the partitions over at once. */
  stop({ graceMs }: { readonly graceMs: number }): Promise<void> {
    return (this.#stopping ??= this.#stop(graceMs));
  }

  async #stop(graceMs: number): Promise<void> {
    await settlesWithin(this.#membership.ownership.leave(), graceMs, this.#clock);
    this.#ended.resolve();
  }

  /** One partition that cannot go on ends the process: others take what it had. */
  #fail(cause: unknown): void {
    this.#ended.reject(cause);
    this.#membership.ownership.leave().catch(() => undefined); // the failure before it is the one to report
  }
}

function viewsOf(partitionCount: number, held: HeldPartitions): ReplicaViews {
  return {
    partitionCount,
    get partitions() {
      return held.owners.map(({ view }) => view.partition);
    },
    view: (partition) => ownerIn(held, partition).view,
  };
}

function ownerIn(held: HeldPartitions, partition: number): PartitionOwner {
  const owner = held.owner(partition);
  if (owner === undefined)
    throw new ThymeError('THYME_PARTITION_ELSEWHERE', 'FAILED_PRECONDITION', `partition ${partition} is not owned by this process`);
  return owner;
}

function ownerFactory(options: AggregatorOptions): (partition: number) => PartitionOwner {
  const {
    deployment,
    partitionCount,
    log,
    clock,
    feed,
    functionsOf,
    stepWatch,
    publishesJson,
    backfillRecordsPerS,
    openStore,
    onFailure,
    onTick,
    onAcquired,
  } = options;
  const { limits = TICK_LIMITS, tickMs = TICK_MS, recentBytesMax = RECENT_BYTES_MAX, heartbeatMs = HEARTBEAT_MS } = options;
  return (partition) => {
    const environment = {
      deployment,
      partition,
      partitionCount,
      log,
      clock,
      feed,
      functionsOf,
      stepWatch,
      publishesJson,
      backfillRecordsPerS,
      limits,
    };
    return new PartitionOwner({
      environment,
      openStore: (anew) => openStore(partition, anew),
      tickMs,
      recentBytesMax,
      heartbeatMs,
      onFailure,
      onTick,
      onAcquired,
    });
  };
}
