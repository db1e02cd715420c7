// The query service of a process: replicas of every partition, the engine over them, and the audit of its queries.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { QueryService } from '../../gen/thyme/v1/query_pb.js';
import { configError } from '../../libs/config/env.js';
import { AuthorModules } from '../../libs/feature/author-module.js';
import type { TokenKey } from '../../libs/feature/token.js';
import type { Service } from '../../libs/lifecycle/service.js';
import { ERASE_WITHIN_US } from '../../libs/erasure/erase-within.js';
import { FolderReplicaStores } from '../../libs/replica/replica-stores.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import type { BytesHandlers, ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { Store } from '../../libs/store/store.js';
import { AuditStore } from './audit-store.js';
import type { Telemetry } from './telemetry.js';
import { QueryEngine } from '../query/engine.js';
import { queryBytes, queryHandlers } from '../query/handlers.js';
import { QueryRuns } from '../query/query-runs.js';
import { queryRunMetrics, replicaMetrics } from './role-metrics.js';
import { QueryTimes } from './timings.js';
import { ReplicaErasing } from './replica-erasing.js';
import { StoreReplica } from '../store-replica/store-replica.js';

export interface ReplicasOptions extends Telemetry {
  readonly dataDir: string;
  /** How many the deployment has. */
  readonly partitions: number;
  /** Those that are followed; all of them when undefined. */
  readonly holds?: readonly number[] | undefined;
  readonly source: ReplicationSource;
  /** How long after an erasure its bytes may be there (S26). */
  readonly eraseWithinUs?: number;
}

export interface QueryRoleOptions extends ReplicasOptions {
  readonly tokenKey: TokenKey;
}

export interface QueryRole extends Service {
  readonly query: ServiceHandlers<typeof QueryService>;
  /** The engine itself, for who is in the same process. */
  readonly reads: Pick<QueryEngine, 'query' | 'lookup'>;
  /** For a gRPC server, beside `query`. */
  readonly bytes: BytesHandlers<typeof QueryService>;
  readonly replica: StoreReplica;
  isReady(): boolean;
}

/** Follows its partitions, each in a folder of its own; from `start` on, whether or not the owner answers yet. */
export function createStoreReplica({ dataDir, partitions, holds, source, clock, logger }: ReplicasOptions): StoreReplica {
  const beyond = holds?.find((partition) => partition >= partitions);
  if (beyond !== undefined)
    throw configError('THYME_PARTITIONS', `names partition ${beyond}, and the deployment has ${partitions}: 0 to ${partitions - 1}`);
  return new StoreReplica({
    partitionCount: partitions,
    source,
    clock,
    ...(holds === undefined ? {} : { partitions: holds }),
    storesOf: (partition) => new FolderReplicaStores(join(dataDir, 'replica', `p${partition}`)),
    onFailure: (partition, error) => logger.warn('a replica lost its stream and follows it again', { partition, error }),
  });
}

export async function openQueryRole(options: QueryRoleOptions): Promise<QueryRole> {
  const { dataDir, clock, logger, events, tokenKey } = options;
  const audit = new AuditStore({ folder: join(dataDir, 'query-runs'), clock, logger, events });
  const stores = { current: await audit.open() };
  const renew = async (store: Store, cause: unknown): Promise<Store | undefined> => {
    const renewed = await audit.renew(store, cause);
    if (renewed !== undefined) stores.current = renewed;
    return renewed;
  };
  const runs = await QueryRuns.open({ store: stores.current, renew, randomBytes, clock });
  const replica = createStoreReplica(options);
  replicaMetrics(options.metrics, replica);
  queryRunMetrics(options.metrics, runs);
  const engine = new QueryEngine({ views: replica.views, clock, runs, tokenKey, evaluate: new AuthorModules().evaluate });
  const erasing = new ReplicaErasing({
    replicas: () => replica.replicas,
    clock,
    eraseWithinUs: options.eraseWithinUs ?? ERASE_WITHIN_US,
    eraseFromRuns: (entities) => runs.erase(entities),
    onFailure: (error) => logger.error('what was erased is still in files: it is tried again', { error }),
  });
  const times = new QueryTimes(clock, options.metrics);
  const handlers = queryHandlers(engine, runs);
  const query = times.shownBy({ ...handlers, ...times.of(handlers) });
  const reads = times.of(engine);
  return {
    query,
    reads,
    bytes: { query: queryBytes(reads) },
    replica,
    isReady: () => holdsState(replica),
    ...withRuns(replica, { runs, erasing }, stores),
  };
}

/** Whether every partition has a state to answer from. */
export function holdsState({ replicas }: StoreReplica): boolean {
  return replicas.every((replica) => replica.view.applied() !== undefined);
}

/** The audit is written to its end before its store closes. */
function withRuns(
  service: Service,
  { runs, erasing }: { readonly runs: QueryRuns; readonly erasing: ReplicaErasing },
  stores: { readonly current: Store },
): Service {
  let stopping: Promise<void> | undefined;
  const stop = async (graceMs: number): Promise<void> => {
    await erasing.stop();
    await service.stop({ graceMs });
    await runs.stop();
    await stores.current.close();
  };
  const start = async (): Promise<void> => {
    await service.start();
    erasing.start();
  };
  return { start, stop: ({ graceMs }) => (stopping ??= stop(graceMs)), done: service.done };
}
