// The log's owner in one process: registry, ingest and aggregator over a LevelDB log.
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { AggregatorService } from '../gen/thyme/v1/jobs_pb.js';
import type { IngestService } from '../gen/thyme/v1/ingest_pb.js';
import type { RegistryService } from '../gen/thyme/v1/registry_pb.js';
import { configError } from '../libs/config/env.js';
import { createCompletion, type Service } from '../libs/lifecycle/service.js';
import { openLevelLog } from '../libs/log/level-log.js';
import type { Log } from '../libs/log/log.js';
import type { ReplicationSource } from '../libs/replica/replication-source.js';
import type { ServiceHandlers } from '../libs/rpc/handlers.js';
import { openLevelStore } from '../libs/store/level-store.js';
import type { Store } from '../libs/store/store.js';
import type { EventRing } from '../libs/telemetry/event-ring.js';
import type { Logger } from '../libs/telemetry/logger.js';
import type { MetricsRegistry } from '../libs/telemetry/metrics.js';
import type { Clock } from '../libs/time/clock.js';
import { Aggregator } from './aggregator/aggregator.js';
import { cachedAuthorFunctions } from './aggregator/author-functions.js';
import { jobHandlers } from './aggregator/job-handlers.js';
import { HUNG_STEPS_FILE, STEP_TIMEOUT_MS, StepWatchdog } from './aggregator/step-watch.js';
import { ingestHandlers } from './ingest/handlers.js';
import { Ingest } from './ingest/ingest.js';
import { registryHandlers } from './registry/handlers.js';
import { Registry } from './registry/registry.js';
import { aggregatorMetrics, ingestMetrics } from './role-metrics.js';
import { setAside } from './worked-store.js';

/** New records are refused below this: what was accepted still has to pass pipelines, changelog and stores (DESIGN 4). */
const DISK_FREE_BYTES_MIN = 512 * 1024 * 1024;
const DISK_CHECK_MS = 2_000;
const LOG_WRITE_BUFFER_BYTES = 32 * 1024 * 1024;

export interface Telemetry {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly events: EventRing;
}

export interface OwnerRoleOptions extends Telemetry {
  readonly deployment: string;
  readonly dataDir: string;
  readonly partitions: number;
  /** How long a step of a pipeline may take (S23). */
  readonly stepTimeoutMs?: number;
  readonly backfillRecordsPerS?: number | undefined;
}

/** What other roles of the same process, and the RPC server, take from the owner. */
export interface OwnerRole extends Service {
  readonly registry: ServiceHandlers<typeof RegistryService>;
  readonly ingest: ServiceHandlers<typeof IngestService>;
  readonly aggregator: ServiceHandlers<typeof AggregatorService>;
  readonly replication: ReplicationSource;
}

/** Opens the log of the data folder; FAILED_PRECONDITION when another process has it. */
export async function openOwnerRole(options: OwnerRoleOptions): Promise<OwnerRole> {
  const { dataDir, deployment, partitions, clock } = options;
  await makeDataFolder(dataDir);
  const logStore = await openLevelStore(join(dataDir, 'log'), { writeBufferSize: LOG_WRITE_BUFFER_BYTES });
  const log = await openLevelLog(logStore);
  const room = watchRoom(options);
  const registry = new Registry({ deployment: { name: deployment, partitions }, log, clock });
  const ingest = new Ingest({ deployment, log, revisions: registry.history, clock, hasRoom: () => room.enough });
  const stepWatch = new StepWatchdog({ file: join(dataDir, HUNG_STEPS_FILE), timeoutMs: options.stepTimeoutMs ?? STEP_TIMEOUT_MS });
  const aggregator = new Aggregator({
    stepWatch, deployment, log, clock, backfillRecordsPerS: options.backfillRecordsPerS, partitionCount: partitions, feed: registry.history, functionsOf: cachedAuthorFunctions(),
    openStore: async (partition, anew) => {
      const folder = join(dataDir, 'store', `p${partition}`);
      if (anew) await setAside(folder, options.logger);
      return openLevelStore(folder);
    },
    onFailure: (partition, error) => reportFailure(options, partition, error),
  });
  ingestMetrics(options.metrics, ingest);
  aggregatorMetrics(options.metrics, aggregator);
  return {
    registry: registryHandlers(registry),
    ingest: ingestHandlers(ingest),
    aggregator: jobHandlers(aggregator, log),
    replication: aggregator.replication,
    ...lifecycle({ registry, aggregator, stepWatch, log, logStore, room }),
  };
}

async function makeDataFolder(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true });
  } catch (error) {
    throw configError('THYME_DATA_DIR', `'${dataDir}' cannot be made a folder: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Parts {
  readonly registry: Registry;
  readonly aggregator: Aggregator;
  readonly stepWatch: StepWatchdog;
  readonly log: Log;
  readonly logStore: Store;
  readonly room: Room;
}

function lifecycle({ registry, aggregator, stepWatch, log, logStore, room }: Parts): Service {
  const ended = createCompletion();
  let stopping: Promise<void> | undefined;
  const stop = async (graceMs: number): Promise<void> => {
    await aggregator.stop({ graceMs });
    stepWatch.stop();
    await registry.stop();
    room.stop();
    await log.close();
    await logStore.close();
    ended.resolve();
  };
  return {
    async start() {
      await registry.start();
      await aggregator.start();
      registry.done.catch(ended.reject);
      aggregator.done.catch(ended.reject);
    },
    stop: ({ graceMs }) => (stopping ??= stop(graceMs)),
    done: ended.promise,
  };
}

/** A task's failure, for operators: never the values that it met. */
export function reportFailure({ logger, events }: Telemetry, partition: number, error: unknown): void {
  logger.error('a task failed', { partition, error });
  events.record({ eventType: 'task_failed', severity: 'error', source: 'aggregator', subject: `partition ${partition}`, message: 'a task failed and is acquired again', detail: {} });
}

interface Room {
  readonly enough: boolean;
  stop(): void;
}

/** Looks at the disk every two seconds: a look at each push would cost more than the push. */
function watchRoom({ dataDir, clock, logger }: OwnerRoleOptions): Room {
  const stopping = new AbortController();
  const room = { enough: true, stop: () => stopping.abort() };
  const look = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const { bavail, bsize } = await statfs(dataDir);
      const enough = bavail * bsize >= DISK_FREE_BYTES_MIN;
      if (enough !== room.enough) logger.warn(enough ? 'the disk has room again' : 'the disk is nearly full: new records are refused');
      room.enough = enough;
      await clock.sleep(DISK_CHECK_MS, stopping.signal);
    }
  };
  look().catch((error: unknown) => logger.error('the free space of the disk cannot be read', { error }));
  return room;
}
