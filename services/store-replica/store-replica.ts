// The store replica: a warm standby of some partitions, a raw read API, and the source of snapshots.
//
//   libs/replica/replica.ts  - follows the change stream (its invariants hold here)
//   state-handlers.ts        - the RPCs of StateService
//   snapshot-folder.ts       - a partition's state as a folder, written and restored
//
// Invariants:
//   SR1. What is read is a whole tick (S15); the seq that a digest names is the seq that it is of.
//   SR2. A snapshot folder that has a manifest is complete; one without is the leftover of a crash.

import { ThymeError } from '../../libs/errors/errors.js';
import { createCompletion, type Service, settlesWithin } from '../../libs/lifecycle/service.js';
import { Replica } from '../../libs/replica/replica.js';
import type { ReplicaStores } from '../../libs/replica/replica-stores.js';
import { createReplicaViews } from '../../libs/replica/replica-views.js';
import type { ReplicaViews } from '../../libs/replica/replica-view.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import type { Clock } from '../../libs/time/clock.js';
import { type SnapshotManifest, writeSnapshot } from './snapshot-folder.js';

export interface StoreReplicaOptions {
  readonly partitionCount: number;
  /** Those that this process follows; all of them by default. */
  readonly partitions?: readonly number[];
  readonly source: ReplicationSource;
  readonly storesOf: (partition: number) => ReplicaStores;
  readonly clock: Clock;
  /** Told of every failure that is retried. */
  readonly onFailure: (partition: number, cause: unknown) => void;
}

export class StoreReplica implements Service {
  readonly replicas: readonly Replica[];
  readonly views: ReplicaViews;
  readonly #clock: Clock;
  readonly #ended = createCompletion();
  readonly #stopping = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor({ partitionCount, partitions, source, storesOf, clock, onFailure }: StoreReplicaOptions) {
    const followed = partitions ?? Array.from({ length: partitionCount }, (_, partition) => partition);
    this.replicas = followed.map((partition) => new Replica({ partition, source, stores: storesOf(partition), clock, onFailure }));
    this.views = createReplicaViews(
      partitionCount,
      this.replicas.map((replica) => replica.view),
    );
    this.#clock = clock;
  }

  get done(): Promise<void> {
    return this.#ended.promise;
  }

  /** Resolves when every partition has once been as far as its owner. */
  async start(): Promise<void> {
    const { signal } = this.#stopping;
    const runs = this.replicas.map((replica) => replica.run(signal));
    this.#running = Promise.allSettled(runs);
    Promise.all(runs).then(
      () => this.#ended.resolve(),
      (error: unknown) => {
        this.#ended.reject(error);
        this.#stopping.abort();
      },
    );
    await Promise.race([Promise.all(this.replicas.map((replica) => replica.caughtUp)), this.done]);
  }

  /** A backup of the partition in a new folder; reads and replication go on. */
  async backUp(partition: number, folder: string, signal: AbortSignal): Promise<SnapshotManifest> {
    return writeSnapshot(this.replicaOf(partition), folder, AbortSignal.any([signal, this.#stopping.signal]));
  }

  /** FAILED_PRECONDITION for a partition that is not followed here. */
  replicaOf(partition: number): Replica {
    const replica = this.replicas.find(({ view }) => view.partition === partition);
    if (replica === undefined)
      throw new ThymeError('THYME_PARTITION_ELSEWHERE', 'FAILED_PRECONDITION', `partition ${partition} is not held by this process`);
    return replica;
  }

  async stop({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#stopping.abort();
    await settlesWithin(this.#running, graceMs, this.#clock);
  }
}
