import { ERASE_WITHIN_US } from '../../libs/erasure/erase-within.js';
import { ReplicaErasing } from './replica-erasing.js';
import type { StateService } from '../../gen/thyme/v1/state_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Service } from '../../libs/lifecycle/service.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { createStoreReplica, holdsState, type ReplicasOptions } from './query-role.js';
import { replicaMetrics } from './role-metrics.js';
import { stateHandlers } from '../store-replica/state-handlers.js';
import type { StoreReplica } from '../store-replica/store-replica.js';

export interface StandbyRole extends Service {
  readonly state: ServiceHandlers<typeof StateService>;
  /** Snapshots; who wants to follow follows the owner. */
  readonly replication: ReplicationSource;
  isReady(): boolean;
}

export interface StandbyOptions extends ReplicasOptions {
  /** The query service's, where both roles are one process: a partition is kept once, and run once. */
  readonly sharing: StoreReplica | undefined;
}

const ALREADY_RUN: Service = { start: () => Promise.resolve(), stop: () => Promise.resolve(), done: Promise.resolve() };

/** What is behind by a little may be copied from, but not followed: heartbeats are the owner's to give. */
function snapshotsOf(replica: StoreReplica): ReplicationSource {
  return {
    subscribe(partition) {
      throw new ThymeError(
        'THYME_STANDBY',
        'FAILED_PRECONDITION',
        `a standby gives snapshots of partition ${partition}, and no changes: subscribe to its owner`,
      );
    },
    snapshot: (partition, signal) => replica.replicaOf(partition).snapshot(signal),
  };
}

/** A warm standby: it follows, and shows what it has over StateService. */
export function openStandbyRole({ sharing, ...options }: StandbyOptions): StandbyRole {
  const replica = sharing ?? createStoreReplica(options);
  if (sharing === undefined) replicaMetrics(options.metrics, replica);
  const service: Service = sharing === undefined ? replica : ALREADY_RUN;
  // One that shares its replicas with the query service leaves their files to that.
  const erasing =
    sharing === undefined
      ? new ReplicaErasing({
          replicas: () => replica.replicas,
          clock: options.clock,
          eraseWithinUs: options.eraseWithinUs ?? ERASE_WITHIN_US,
          onFailure: (error) => options.logger.error('what was erased is still in files: it is tried again', { error }),
        })
      : undefined;
  return {
    state: stateHandlers(replica.replicas),
    replication: snapshotsOf(replica),
    isReady: () => holdsState(replica),
    start: async () => {
      await service.start();
      erasing?.start();
    },
    stop: async (stopping) => {
      await erasing?.stop();
      await service.stop(stopping);
    },
    done: service.done,
  };
}
