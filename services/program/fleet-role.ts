// The roles that work on a Kafka log, any of them in any number of processes: registry, ingest, aggregator. And
// what the others take from Kafka: who owns which partition.
import { join } from 'node:path';
import { readdir } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';
import { AggregatorService, ListJobsResponseSchema } from '../../gen/thyme/v1/jobs_pb.js';
import type { IngestService } from '../../gen/thyme/v1/ingest_pb.js';
import type { KeyService } from '../../gen/thyme/v1/keys_pb.js';
import type { RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import { ReplicationService } from '../../gen/thyme/v1/replication_pb.js';
import { createCompletion, type Service } from '../../libs/lifecycle/service.js';
import type { KafkaConnectOptions } from '../../libs/log/kafka/driver.js';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import { openKafkaMembership } from '../../libs/log/kafka/kafka-membership.js';
import { openKafkaOwners } from '../../libs/log/kafka/owners.js';
import type { Log, TrimmableLog } from '../../libs/log/log.js';
import { changesTopic } from '../../libs/pipeline/topics.js';
import { fleetSource, OwnerDirectory } from '../../libs/replica/owner-directory.js';
import { remoteSource } from '../../libs/replica/remote-source.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import { createClient, type RpcChannel } from '../../libs/rpc/client.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { Aggregator } from '../aggregator/aggregator.js';
import { cachedAuthorFunctions } from '../aggregator/author-functions.js';
import { jobHandlers } from '../aggregator/job-handlers.js';
import { HUNG_STEPS_FILE, StepWatchdog } from '../aggregator/step-watch.js';
import { ingestHandlers } from '../ingest/handlers.js';
import { Ingest } from '../ingest/ingest.js';
import { SOURCE_PARTS, type Sources } from '../ingest/sources/sources.js';
import { FleetErasing } from './fleet-erasing.js';
import { reportFailure } from './owner-role.js';
import { keyHandlers } from '../keys/handlers.js';
import { Keys } from '../keys/keys.js';
import type { Credentials } from './credentials.js';
import type { Telemetry } from './telemetry.js';
import { TickTimes } from './timings.js';
import { registryHandlers } from '../registry/handlers.js';
import { Registry } from '../registry/registry.js';
import { aggregatorMetrics, ingestMetrics, sourceMetrics } from './role-metrics.js';
import type { Role, ServeConfig } from './serve-config.js';
import { builtConnectors, createSources } from './source-service.js';
import { openWorkedStore, removeAside } from './worked-store.js';

export interface FleetOptions
  extends
    Telemetry,
    Pick<
      ServeConfig,
      | 'deployment'
      | 'dataDir'
      | 'roles'
      | 'partitions'
      | 'stepTimeoutMs'
      | 'sessionTimeoutMs'
      | 'backfillRecordsPerS'
      | 'standby'
      | 'keysRequired'
      | 'eraseWithinUs'
    > {
  readonly kafka: KafkaConnectOptions;
  /** `host:port` at which others reach this process; asked once gRPC is served. */
  readonly address: () => string;
  readonly channelTo: (address: string) => RpcChannel;
  readonly credentials: Pick<Credentials, 'tokenKey' | 'apply'>;
}

export interface FleetRole {
  /** How many the deployment has. */
  readonly partitions: number;
  /** Absent where this process has not the role. */
  readonly registry: ServiceHandlers<typeof RegistryService> | undefined;
  readonly ingest: ServiceHandlers<typeof IngestService> | undefined;
  readonly aggregator: { readonly jobs: ServiceHandlers<typeof AggregatorService>; readonly replication: ReplicationSource } | undefined;
  readonly keys: ServiceHandlers<typeof KeyService>;
  /** The jobs of all owners. */
  readonly fleetJobs: ServiceHandlers<typeof AggregatorService>;
  /** Each partition from its owner of the moment, here or elsewhere. */
  readonly source: ReplicationSource;
  /** The log, and what is served from it; starts before gRPC. */
  readonly base: Service;
  /** Take part in sharing partitions and sources; start once gRPC is served, for the others then come for its stream. */
  readonly working: readonly Service[];
}

const TOPIC_RETRY_MS = 200;

/** UNAVAILABLE or PERMISSION_DENIED where Kafka is away or refuses us; FAILED_PRECONDITION where its topics are not as wanted. */
export async function openFleetRole(options: FleetOptions): Promise<FleetRole> {
  const { kafka, deployment, roles, clock, logger, address, channelTo, keysRequired, credentials, eraseWithinUs } = options;
  const { tokenKey, apply: onState } = credentials;
  const log = await openKafkaLog(kafka);
  const partitions = await countPartitions(log, options);
  const works = (['registry', 'ingest', 'aggregator'] satisfies Role[]).some((role) => roles.has(role));
  const connectors = new Set(builtConnectors(clock).keys());
  const registry = works
    ? new Registry({ deployment: { name: deployment, partitions, publishesJson: true }, log, clock, connectors })
    : undefined;
  const ingest =
    registry !== undefined && roles.has('ingest')
      ? new Ingest({
          deployment,
          log,
          revisions: registry.history,
          clock,
          hasRoom: () => true,
          tokenKey,
          keysRequired,
          eraseWithinUs,
          rewritesLog: false,
        })
      : undefined;
  const keys = new Keys({ deployment, log, clock, logger, founds: roles.has('registry'), onState });
  const sources = registry === undefined || ingest === undefined ? undefined : openSources(options, { log, registry, ingest });
  const stepWatch = new StepWatchdog({ file: join(options.dataDir, HUNG_STEPS_FILE), timeoutMs: options.stepTimeoutMs });
  const tickTimes = new TickTimes(clock, options.metrics);
  const aggregator =
    registry !== undefined && roles.has('aggregator')
      ? await openAggregator(options, { log, partitions, registry, stepWatch, tickTimes })
      : undefined;
  const erasing = aggregator && openErasing(options, log, aggregator);
  if (ingest !== undefined) ingestMetrics(options.metrics, ingest);
  if (sources !== undefined) sourceMetrics(options.metrics, sources);
  const directory = new OwnerDirectory(openKafkaOwners({ connect: kafka, group: groupOf(deployment), clock }));
  const sourceAt = (at: string): ReplicationSource =>
    aggregator !== undefined && at === address() ? aggregator.replication : remoteSource(createClient(ReplicationService, channelTo(at)));
  return {
    partitions,
    registry: roles.has('registry') && registry !== undefined ? registryHandlers(registry) : undefined,
    ingest: ingest === undefined || sources === undefined ? undefined : ingestHandlers(ingest, sources),
    aggregator:
      aggregator === undefined ? undefined : { jobs: tickTimes.shownBy(jobHandlers(aggregator, log)), replication: aggregator.replication },
    keys: keyHandlers(keys, clock),
    fleetJobs: fleetJobs(directory, (at) => createClient(AggregatorService, channelTo(at)), partitions),
    source: fleetSource(directory, sourceAt),
    base: baseService({ keys, registry, log, directory, stepWatch }),
    working: [aggregator, sources, erasing].filter((service) => service !== undefined),
  };
}

function groupOf(deployment: string): string {
  return `${deployment}.agg`;
}

/** What is configured, else what is there; a replica waits for the topics, which a registry makes. */
async function countPartitions(log: Log, { deployment, partitions, roles, clock, logger }: FleetOptions): Promise<number> {
  if (partitions !== undefined) return partitions; // a registry refuses a wrong one
  for (let attempt = 1; ; attempt++) {
    const count = await log.partitionCount(changesTopic(deployment));
    if (count !== undefined) return count;
    if (roles.has('registry')) return 1;
    if (attempt === 1) logger.warn(`the topics of '${deployment}' are not there yet: waiting for a registry to make them`);
    await clock.sleep(TOPIC_RETRY_MS, new AbortController().signal);
  }
}

interface SourceParts {
  readonly log: Log;
  readonly registry: Registry;
  readonly ingest: Ingest;
}

/** Sources are shared out as partitions are, by a group of their own. */
function openSources(options: FleetOptions, parts: SourceParts): Sources {
  const { kafka, deployment, sessionTimeoutMs: sessionMs, clock } = options;
  const ownership = openKafkaMembership({ connect: kafka, group: `${deployment}.ingest`, partitionCount: SOURCE_PARTS, sessionMs, clock });
  return createSources({ ...options, ...parts, ownership, hasRoom: () => true });
}

interface AggregatorParts {
  readonly stepWatch: StepWatchdog;
  readonly log: Log;
  readonly partitions: number;
  readonly registry: Registry;
  readonly tickTimes: TickTimes;
}

async function openAggregator(
  options: FleetOptions,
  { log, partitions, registry, stepWatch, tickTimes }: AggregatorParts,
): Promise<Aggregator> {
  const { kafka, deployment, dataDir, clock, address, standby, channelTo, backfillRecordsPerS, sessionTimeoutMs: sessionMs } = options;
  const source = standby === undefined ? undefined : remoteSource(createClient(ReplicationService, channelTo(standby)));
  const folder = join(dataDir, 'store');
  const ownership = openKafkaMembership({ connect: kafka, group: groupOf(deployment), partitionCount: partitions, sessionMs, clock });
  const aggregator = new Aggregator({
    stepWatch,
    backfillRecordsPerS,
    publishesJson: true,
    deployment,
    log,
    clock,
    partitionCount: partitions,
    feed: registry.history,
    functionsOf: cachedAuthorFunctions(),
    membership: { ownership, address, preferred: await storedPartitions(folder) },
    openStore: (partition, anew) =>
      openWorkedStore({ ...options, folder: join(folder, `p${partition}`), partition, standby: source, anew }),
    onFailure: (partition, error) => reportFailure(options, partition, error),
    onTick: (spentUs, records) => tickTimes.record(spentUs, records),
    onAcquired: (partition) => reportAcquired(options, partition),
  });
  aggregatorMetrics(options.metrics, aggregator);
  return aggregator;
}

/** Of partitions that processes share: whose they are now, and that they were somebody else's before. */
function reportAcquired({ events, address }: FleetOptions, partition: number): void {
  events.record({
    eventType: 'partition_acquired',
    severity: 'info',
    source: 'aggregator',
    subject: `partition ${partition}`,
    message: `the process at ${address()} works it from now on`,
    detail: {},
  });
}

function openErasing(
  { deployment, dataDir, clock, eraseWithinUs, logger }: FleetOptions,
  log: TrimmableLog,
  aggregator: Aggregator,
): Service {
  return new FleetErasing({
    log,
    deployment,
    clock,
    eraseWithinUs,
    owners: () => aggregator.owners,
    removeAside: () => removeAside(dataDir),
    onFailure: (error) => logger.error('what was erased is still in files: it is tried again', { error }),
  });
}

/** Those whose state lies here: taking them costs a short replay, others a whole one. */
async function storedPartitions(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder).catch(() => []); // no folder yet: nothing is stored
  return names.flatMap((name) => (/^p\d+$/.test(name) ? [Number(name.slice(1))] : []));
}

/** All tasks of the fleet, each from its owner; one that does not answer leaves its own out. */
function fleetJobs(
  directory: OwnerDirectory,
  clientAt: (address: string) => ServiceHandlers<typeof AggregatorService>,
  partitionCount: number,
): ServiceHandlers<typeof AggregatorService> {
  return {
    async listJobs(request, context) {
      const addresses = await directory.addresses();
      const answers = await Promise.allSettled(addresses.map(async (address) => clientAt(address).listJobs(request, context)));
      const failure = answers.find((answer) => answer.status === 'rejected');
      const tasks = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.tasks : []));
      const timings = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.timings : []));
      const processes = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value.processes : []));
      if (tasks.length === 0 && failure !== undefined) throw failure.reason;
      return create(ListJobsResponseSchema, { tasks: tasks.sort((a, b) => a.partition - b.partition), partitionCount, timings, processes });
    },
  };
}

interface BaseParts {
  readonly keys: Keys;
  readonly stepWatch: StepWatchdog;
  readonly registry: Registry | undefined;
  readonly log: Log;
  readonly directory: OwnerDirectory;
}

function baseService({ keys, registry, log, directory, stepWatch }: BaseParts): Service {
  const ended = createCompletion();
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stepWatch.stop();
    await registry?.stop();
    await keys.stop();
    await directory.close();
    await log.close();
    ended.resolve();
  };
  return {
    async start() {
      await keys.start();
      await registry?.start();
      registry?.done.catch(ended.reject);
    },
    stop: () => (stopping ??= stop()),
    done: ended.promise,
  };
}
