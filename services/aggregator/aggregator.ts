// The aggregator: one task for each partition, from the log to the state.
//
//   partition-owner.ts    - keeps a partition worked: acquires it, ticks, and after an error starts over
//   acquire.ts            - fences the predecessor, replays the changelog, writes that it is here
//   partition-task.ts     - a tick: adopts revisions, reads, folds, commits, applies, hands on
//   task-inputs.ts        - what a task reads: dataset topics by reader, and what others have re-keyed
//   input-reading.ts      - within which limits
//   reader.ts             - one timeline's way through its topic; lane-watermarks.ts, seen-sequences.ts, hop-table.ts
//   reader-plan.ts        - what it runs a record with; publish-plan.ts, author-functions.ts
//   pipeline-run.ts       - a record through the stages into its group; index-lookup.ts for joins
//   tick-output.ts        - what a tick commits together; rekey-message.ts, dead-letters.ts
//   change-stream.ts      - the batches for whoever follows; recent-batches.ts
//   replication.ts, job-handlers.ts - the RPCs of ReplicationService and AggregatorService
//
// Invariants:
//   A1. Nothing is written before the transaction commits, and after it everything follows from the
//       changelog: what a task has in mind is never needed again (S14).
//   A2. The store is ahead of the changelog never, and behind it only until the next acquisition.
//   A3. Only the newest writer of `<deployment>.agg.<p>` commits; who is fenced stops.
//   A4. The books close: read + received = applied + filtered + late + duplicate + dead + sent.

import { createCompletion, type Service, settlesWithin } from '../../libs/lifecycle/service.js';
import { createReplicaViews } from '../../libs/replica/replica-views.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import type { Store } from '../../libs/store/store.js';
import type { Clock } from '../../libs/time/clock.js';
import { PartitionOwner } from './partition-owner.js';
import { ownersAsSource } from './replication.js';
import { TICK_LIMITS, type TaskEnvironment, type TickLimits } from './task-environment.js';

export interface AggregatorOptions extends Omit<TaskEnvironment, 'partition' | 'limits'> {
  /** Those that this process works; all of them by default. */
  readonly partitions?: readonly number[];
  /** Opens the partition's store; again after an error of the store itself. */
  readonly openStore: (partition: number) => Promise<Store>;
  /** Told of every failure of a task; it is then acquired again, or the service ends. */
  readonly onFailure: (partition: number, cause: unknown) => void;
  readonly limits?: TickLimits;
  readonly tickMs?: number;
  readonly recentBytesMax?: number;
  readonly heartbeatMs?: number;
}

/** Often enough that a feature is fresh, seldom enough that a transaction carries many records. */
const TICK_MS = 50;
/** The last minutes of a busy partition: followers that were away briefly need no changelog. */
const RECENT_BYTES_MAX = 16 * 1_024 * 1_024;
const HEARTBEAT_MS = 1_000;

export class Aggregator implements Service {
  readonly owners: readonly PartitionOwner[];
  /** The partitions' state as this process has it, for a query service beside it. */
  readonly views: ReplicaViews;
  /** What replicas follow, here and over ReplicationService. */
  readonly replication: ReplicationSource;
  readonly #ended = createCompletion();
  readonly #stopping = new AbortController();
  readonly #clock: Clock;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: AggregatorOptions) {
    const { partitions, partitionCount, openStore, onFailure, limits = TICK_LIMITS, tickMs = TICK_MS, recentBytesMax = RECENT_BYTES_MAX, heartbeatMs = HEARTBEAT_MS } = options;
    const { deployment, log, clock, feed, functionsOf } = options;
    this.#clock = clock;
    this.owners = (partitions ?? Array.from({ length: partitionCount }, (_, partition) => partition)).map((partition) => {
      const environment = { deployment, partition, partitionCount, log, clock, feed, functionsOf, limits };
      return new PartitionOwner({ environment, openStore: () => openStore(partition), tickMs, recentBytesMax, heartbeatMs, onFailure });
    });
    this.views = createReplicaViews(partitionCount, this.owners.map((owner) => owner.view));
    this.replication = ownersAsSource(this.owners);
  }

  get done(): Promise<void> {
    return this.#ended.promise;
  }

  /** Resolves when every partition has been acquired once; rejects if one never will. */
  async start(): Promise<void> {
    const { signal } = this.#stopping;
    const runs = this.owners.map((owner) => owner.run(signal));
    this.#running = Promise.allSettled(runs);
    Promise.all(runs).then(() => this.#ended.resolve(), (error: unknown) => {
      this.#ended.reject(error);
      this.#stopping.abort(); // one partition that cannot go on ends the process: another takes all of them
    });
    await Promise.race([Promise.all(this.owners.map((owner) => owner.acquired)), this.done]);
  }

  async stop({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#stopping.abort();
    await settlesWithin(this.#running, graceMs, this.#clock);
  }
}
