// The query service of a process: replicas of every partition, the engine over them, and the audit of its queries.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { QueryService } from '../gen/thyme/v1/query_pb.js';
import { AuthorModules } from '../libs/feature/author-module.js';
import { createCompletion, type Service } from '../libs/lifecycle/service.js';
import { FolderReplicaStores } from '../libs/replica/replica-stores.js';
import { createReplicaViews } from '../libs/replica/replica-views.js';
import { Replica } from '../libs/replica/replica.js';
import type { ReplicationSource } from '../libs/replica/replication-source.js';
import type { ServiceHandlers } from '../libs/rpc/handlers.js';
import { openLevelStore } from '../libs/store/level-store.js';
import type { Store } from '../libs/store/store.js';
import type { Telemetry } from './owner-role.js';
import { QueryEngine } from './query/engine.js';
import { queryHandlers } from './query/handlers.js';
import { QueryRuns } from './query/query-runs.js';

export interface ReplicasOptions extends Telemetry {
  readonly dataDir: string;
  readonly partitions: number;
  readonly source: ReplicationSource;
}

export interface QueryRole extends Service {
  readonly query: ServiceHandlers<typeof QueryService>;
  readonly replicas: readonly Replica[];
  /** Whether every partition has a state to answer from. */
  isReady(): boolean;
}

/** One replica a partition, each in a folder of its own. */
export function createReplicas({ dataDir, partitions, source, clock, logger }: ReplicasOptions): readonly Replica[] {
  return Array.from({ length: partitions }, (_, partition) => new Replica({
    partition, source, clock,
    stores: new FolderReplicaStores(join(dataDir, 'replica', `p${partition}`)),
    onFailure: (failed, error) => logger.warn('a replica lost its stream and follows it again', { partition: failed, error }),
  }));
}

/** Replicas as a service: they follow from `start` on, whether or not the owner answers yet. */
export function replicasService(replicas: readonly Replica[]): Service {
  const ended = createCompletion();
  const stopping = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  return {
    async start() {
      const runs = replicas.map((replica) => replica.run(stopping.signal));
      running = Promise.allSettled(runs);
      Promise.all(runs).then(() => ended.resolve(), ended.reject);
    },
    async stop() {
      stopping.abort();
      await running;
      ended.resolve();
    },
    done: ended.promise,
  };
}

export async function openQueryRole(options: ReplicasOptions): Promise<QueryRole> {
  const { dataDir, partitions, clock } = options;
  const runsStore = await openLevelStore(join(dataDir, 'query-runs'));
  const runs = await QueryRuns.open({ store: runsStore, randomBytes: (length) => randomBytes(length) });
  const replicas = createReplicas(options);
  const views = createReplicaViews(partitions, replicas.map((replica) => replica.view));
  const engine = new QueryEngine({ views, clock, runs, evaluate: new AuthorModules().evaluate });
  return {
    query: queryHandlers(engine, runs),
    replicas,
    isReady: () => replicas.every((replica) => replica.view.applied() !== undefined),
    ...withRuns(replicasService(replicas), runs, runsStore),
  };
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
