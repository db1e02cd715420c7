// The log's owner in one process: registry, ingest and aggregator over a LevelDB log.
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { AggregatorService } from '../../gen/thyme/v1/jobs_pb.js';
import type { IngestService } from '../../gen/thyme/v1/ingest_pb.js';
import type { KeyService } from '../../gen/thyme/v1/keys_pb.js';
import type { RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import { ERASE_WITHIN_US } from '../../libs/erasure/erase-within.js';
import { createCompletion, type Service } from '../../libs/lifecycle/service.js';
import { type LevelLog, openLevelLog } from '../../libs/log/level/level-log.js';
import { unreadable } from '../../libs/log/log-errors.js';
import { SoloMembership } from '../../libs/log/solo-membership.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import type { Store } from '../../libs/store/store.js';
import { systemRandom } from '../../libs/time/backoff.js';
import { Aggregator } from '../aggregator/aggregator.js';
import { ErasureRewriter } from '../aggregator/erasure-rewriter.js';
import { cachedAuthorFunctions } from '../aggregator/author-functions.js';
import { jobHandlers } from '../aggregator/job-handlers.js';
import { HUNG_STEPS_FILE, STEP_TIMEOUT_MS, StepWatchdog } from '../aggregator/step-watch.js';
import { ingestHandlers } from '../ingest/handlers.js';
import { Ingest } from '../ingest/ingest.js';
import { SOURCE_PARTS, type Sources } from '../ingest/sources/sources.js';
import { registryHandlers } from '../registry/handlers.js';
import { keyHandlers } from '../keys/handlers.js';
import { Keys } from '../keys/keys.js';
import type { Credentials } from './credentials.js';
import { Registry } from '../registry/registry.js';
import { aggregatorMetrics, ingestMetrics, sourceMetrics } from './role-metrics.js';
import { builtConnectors, createSources } from './source-service.js';
import type { Telemetry } from './telemetry.js';
import { TickTimes } from './timings.js';
import { removeAside, setAside } from './worked-store.js';

/** New records are refused below this: what was accepted still has to pass pipelines, changelog and stores (DESIGN 4). */
const DISK_FREE_BYTES_MIN = 512 * 1024 * 1024;
const DISK_CHECK_MS = 2_000;
const LOG_WRITE_BUFFER_BYTES = 32 * 1024 * 1024;

export interface OwnerRoleOptions extends Telemetry {
  readonly deployment: string;
  readonly dataDir: string;
  readonly partitions: number;
  /** How long a step of a pipeline may take (S23). */
  readonly stepTimeoutMs?: number;
  readonly backfillRecordsPerS?: number | undefined;
  /** How long after an erasure its bytes may be there (S26). */
  readonly eraseWithinUs?: number;
  readonly keysRequired: boolean;
  readonly credentials: Pick<Credentials, 'tokenKey' | 'apply'>;
  /** For tests of disks that fail. */
  readonly openLogStore?: (folder: string) => Promise<Store>;
}

/** What other roles of the same process, and the RPC server, take from the owner. */
export interface OwnerRole extends Service {
  readonly registry: ServiceHandlers<typeof RegistryService>;
  readonly ingest: ServiceHandlers<typeof IngestService>;
  readonly keys: ServiceHandlers<typeof KeyService>;
  readonly aggregator: ServiceHandlers<typeof AggregatorService>;
  readonly replication: ReplicationSource;
  /** Whether pushes are taken: the disk has room, and the log can be written. */
  takesPushes(): boolean;
}

/** Opens the log of the data folder; FAILED_PRECONDITION when another process has it. */
export async function openOwnerRole(options: OwnerRoleOptions): Promise<OwnerRole> {
  const { dataDir, deployment, partitions, clock, keysRequired, credentials, eraseWithinUs = ERASE_WITHIN_US } = options;
  const { tokenKey, apply: onState } = credentials;
  const { log, logStores } = await openLog(options);
  const room = watchRoom(options);
  const connectors = new Set(builtConnectors(clock).keys());
  const registry = new Registry({ deployment: { name: deployment, partitions }, log, clock, connectors });
  const keys = new Keys({ deployment, log, clock, logger: options.logger, founds: true, onState });
  const hasRoom = (): boolean => room.enough;
  const ingest = new Ingest({ deployment, log, revisions: registry.history, clock, hasRoom, tokenKey, keysRequired, eraseWithinUs });
  const ownership = new SoloMembership(SOURCE_PARTS);
  const sources = createSources({ ...options, log, registry, ingest, ownership, address: () => 'this process', hasRoom });
  const stepWatch = new StepWatchdog({ file: join(dataDir, HUNG_STEPS_FILE), timeoutMs: options.stepTimeoutMs ?? STEP_TIMEOUT_MS });
  const tickTimes = new TickTimes(clock, options.metrics);
  const aggregator = new Aggregator({
    stepWatch,
    deployment,
    log,
    clock,
    backfillRecordsPerS: options.backfillRecordsPerS,
    partitionCount: partitions,
    feed: registry.history,
    functionsOf: cachedAuthorFunctions(),
    openStore: async (partition, anew) => {
      const folder = join(dataDir, 'store', `p${partition}`);
      if (anew) await setAside(folder, options);
      return openLevelStore(folder);
    },
    onFailure: (partition, error) => reportFailure(options, partition, error),
    onTick: (spentUs, records) => tickTimes.record(spentUs, records),
  });
  const rewriter = new ErasureRewriter({
    log,
    deployment,
    clock,
    eraseWithinUs,
    owners: () => aggregator.owners,
    revision: () => registry.history.latest(),
    removeAside: () => removeAside(dataDir),
    onFailure: (error) => options.logger.error('what was erased is still in files: it is tried again', { error }),
  });
  ingestMetrics(options.metrics, ingest);
  sourceMetrics(options.metrics, sources);
  aggregatorMetrics(options.metrics, aggregator);
  return {
    registry: registryHandlers(registry),
    ingest: ingestHandlers(ingest, sources),
    aggregator: tickTimes.shownBy(jobHandlers(aggregator, log)),
    replication: aggregator.replication,
    keys: keyHandlers(keys, clock),
    takesPushes: () => room.enough && log.failure === undefined,
    ...lifecycle({ keys, registry, sources, aggregator, rewriter, stepWatch, log, logStores, room }),
  };
}

/** The one that is open now; another one after a failed write. */
interface LogStores {
  current: Store;
}

async function openLog({
  dataDir,
  clock,
  logger,
  openLogStore,
}: OwnerRoleOptions): Promise<{ readonly log: LevelLog; readonly logStores: LogStores }> {
  const open = openLogStore ?? ((folder) => openLevelStore(folder, { writeBufferSize: LOG_WRITE_BUFFER_BYTES, checksRest: false }));
  const folder = join(dataDir, 'log');
  const logStores = {
    current: await open(folder).catch((cause: unknown) => {
      throw unreadable(cause);
    }),
  };
  const reopening = {
    open: async () => (logStores.current = await open(folder)),
    clock,
    random: systemRandom,
    onAttempt: (error: unknown) =>
      error === undefined
        ? logger.warn('the log can be written again: pushes are taken')
        : logger.error('the log cannot be written: pushes are refused until it can', { error }),
  };
  return { log: await openLevelLog(logStores.current, { reopening }), logStores };
}

interface Parts {
  readonly keys: Keys;
  readonly registry: Registry;
  readonly sources: Sources;
  readonly aggregator: Aggregator;
  readonly rewriter: ErasureRewriter;
  readonly stepWatch: StepWatchdog;
  readonly log: LevelLog;
  readonly logStores: LogStores;
  readonly room: Room;
}

function lifecycle({ keys, registry, sources, aggregator, rewriter, stepWatch, log, logStores, room }: Parts): Service {
  const ended = createCompletion();
  let stopping: Promise<void> | undefined;
  const stop = async (graceMs: number): Promise<void> => {
    await sources.stop({ graceMs });
    await rewriter.stop();
    await aggregator.stop({ graceMs });
    stepWatch.stop();
    await registry.stop();
    await keys.stop();
    room.stop();
    await log.close();
    await logStores.current.close();
    ended.resolve();
  };
  return {
    async start() {
      await keys.start();
      await registry.start();
      await aggregator.start();
      await sources.start();
      rewriter.start();
      registry.done.catch(ended.reject);
      aggregator.done.catch(ended.reject);
      sources.done.catch(ended.reject);
    },
    stop: ({ graceMs }) => (stopping ??= stop(graceMs)),
    done: ended.promise,
  };
}

/** A task's failure, for operators: never the values that it met. */
export function reportFailure({ logger, events }: Telemetry, partition: number, error: unknown): void {
  logger.error('a task failed', { partition, error });
  events.record({
    eventType: 'task_failed',
    severity: 'error',
    source: 'aggregator',
    subject: `partition ${partition}`,
    message: 'a task failed and is acquired again',
    detail: {},
  });
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
      const enough = await hasRoom(dataDir).catch((error: unknown) => {
        logger.error('the free space of the disk cannot be read', { error });
        return room.enough;
      });
      if (enough !== room.enough) logger.warn(enough ? 'the disk has room again' : 'the disk is nearly full: new records are refused');
      room.enough = enough;
      await clock.sleep(DISK_CHECK_MS, stopping.signal);
    }
  };
  void look();
  return room;
}

async function hasRoom(dataDir: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(dataDir);
  return bavail * bsize >= DISK_FREE_BYTES_MIN;
}
