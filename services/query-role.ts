// The query service of a process: replicas of every partition, the engine over them, and the audit of its queries.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { QueryService } from '../gen/thyme/v1/query_pb.js';
import { configError } from '../libs/config/env.js';
import { AuthorModules } from '../libs/feature/author-module.js';
import type { Service } from '../libs/lifecycle/service.js';
import { FolderReplicaStores } from '../libs/replica/replica-stores.js';
import type { ReplicationSource } from '../libs/replica/replication-source.js';
import type { ServiceHandlers } from '../libs/rpc/handlers.js';
import { openLevelStore } from '../libs/store/level-store.js';
import type { Store } from '../libs/store/store.js';
import type { Telemetry } from './owner-role.js';
import { QueryEngine } from './query/engine.js';
import { queryHandlers } from './query/handlers.js';
import { QueryRuns } from './query/query-runs.js';
import { queryRunMetrics, replicaMetrics } from './role-metrics.js';
import { StoreReplica } from './store-replica/store-replica.js';

export interface ReplicasOptions extends Telemetry {
  readonly dataDir: string;
  /** Of the deployment. */
  readonly partitions: number;
  /** Those that are followed; all of them when undefined. */
  readonly holds?: readonly number[] | undefined;
  readonly source: ReplicationSource;
}

export interface QueryRole extends Service {
  readonly query: ServiceHandlers<typeof QueryService>;
  readonly replica: StoreReplica;
  isReady(): boolean;
}

/** Follows its partitions, each in a folder of its own; from `start` on, whether or not the owner answers yet. */
export function createStoreReplica({ dataDir, partitions, holds, source, clock, logger }: ReplicasOptions): StoreReplica {
  const beyond = holds?.find((partition) => partition >= partitions);
  if (beyond !== undefined) throw configError('THYME_PARTITIONS', `names partition ${beyond}, and the deployment has ${partitions}: 0 to ${partitions - 1}`);
  return new StoreReplica({
    partitionCount: partitions, source, clock, ...(holds === undefined ? {} : { partitions: holds }),
    storesOf: (partition) => new FolderReplicaStores(join(dataDir, 'replica', `p${partition}`)),
    onFailure: (partition, error) => logger.warn('a replica lost its stream and follows it again', { partition, error }),
  });
}

export async function openQueryRole(options: ReplicasOptions): Promise<QueryRole> {
  const { dataDir, clock } = options;
  const runsStore = await openLevelStore(join(dataDir, 'query-runs'));
  const runs = await QueryRuns.open({ store: runsStore, randomBytes, clock });
  const replica = createStoreReplica(options);
  replicaMetrics(options.metrics, replica);
  queryRunMetrics(options.metrics, runs);
  const engine = new QueryEngine({ views: replica.views, clock, runs, evaluate: new AuthorModules().evaluate });
  return {
    query: queryHandlers(engine, runs),
    replica,
    isReady: () => holdsState(replica),
    ...withRuns(replica, runs, runsStore),
  };
}

/** Whether every partition has a state to answer from. */
export function holdsState({ replicas }: StoreReplica): boolean {
  return replicas.every((replica) => replica.view.applied() !== undefined);
}

/** The audit is written to its end before its store closes. */
function withRuns(service: Service, runs: QueryRuns, store: Store): Service {
  let stopping: Promise<void> | undefined;
  const stop = async (graceMs: number): Promise<void> => {
    await service.stop({ graceMs });
    await runs.stop();
    await store.close();
  };
  return { start: () => service.start(), stop: ({ graceMs }) => (stopping ??= stop(graceMs)), done: service.done };
}
