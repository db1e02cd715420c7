// What a process has of registry, ingest and aggregator, and where it finds what it has not: on the embedded log all
// three in one process, on Kafka each in any number of them.
import { create } from '@bufbuild/protobuf';
import { IngestService } from '../../gen/thyme/v1/ingest_pb.js';
import { AggregatorService, ListJobsRequestSchema } from '../../gen/thyme/v1/jobs_pb.js';
import { KeyService } from '../../gen/thyme/v1/keys_pb.js';
import { RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import { ReplicationService } from '../../gen/thyme/v1/replication_pb.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Service } from '../../libs/lifecycle/service.js';
import { remoteSource } from '../../libs/replica/remote-source.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import { createClient } from '../../libs/rpc/client.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import { RemoteKeys } from '../keys/remote-keys.js';
import type { Credentials } from './credentials.js';
import { type FleetOptions, openFleetRole } from './fleet-role.js';
import { openOwnerRole } from './owner-role.js';
import type { PeerChannels } from './peer-channels.js';
import type { ServeConfig } from './serve-config.js';
import type { Telemetry } from './telemetry.js';

/** What this process serves of it over gRPC; absent where it has not the role. */
export interface ServedWork {
  /** The handlers of whoever has the log. */
  readonly keys?: ServiceHandlers<typeof KeyService> | undefined;
  readonly registry?: ServiceHandlers<typeof RegistryService> | undefined;
  readonly ingest?: ServiceHandlers<typeof IngestService> | undefined;
  readonly aggregator?: { readonly jobs: ServiceHandlers<typeof AggregatorService>; readonly replication: ReplicationSource } | undefined;
}

/** What a gateway takes of it, here or elsewhere. */
export interface ReachedWork {
  readonly keys: ServiceHandlers<typeof KeyService>;
  readonly registry: ServiceHandlers<typeof RegistryService>;
  readonly ingest: ServiceHandlers<typeof IngestService>;
  readonly aggregator: ServiceHandlers<typeof AggregatorService>;
}

export interface LogWork {
  /** How many the deployment has: replicas have to know. */
  readonly partitions: number;
  readonly served: ServedWork;
  /** For a process with a gateway. */
  reached(): ReachedWork;
  /** What replicas follow. */
  readonly source: ReplicationSource;
  /** Whether pushes are taken here; true where they are not this process's. */
  takesPushes(): boolean;
  /** Started first of all, in this order. */
  readonly base: readonly Service[];
  /** Started once gRPC is served. */
  readonly working: readonly Service[];
}

/** How other processes are called, and who may call this one. */
export interface Means {
  readonly channels: PeerChannels;
  readonly credentials: Credentials;
}

const OWNER_RETRY_MS = 200;

/** `address` is this process's own, known once gRPC is served. */
export async function openLogWork(
  config: ServeConfig,
  telemetry: Telemetry,
  { channels, credentials }: Means,
  address: () => string,
): Promise<LogWork> {
  const { kafka } = config;
  if (kafka !== undefined)
    return openFleetWork(config, { ...config, ...telemetry, kafka, address, channelTo: (at) => channels.to(at), credentials }, channels);
  return config.roles.has('registry')
    ? openOwnWork(config, telemetry, credentials)
    : openRemoteWork(config, telemetry, { channels, credentials });
}

async function openOwnWork(config: ServeConfig, telemetry: Telemetry, credentials: Credentials): Promise<LogWork> {
  const partitions = config.partitions ?? 1;
  const owner = await openOwnerRole({ ...config, ...telemetry, partitions, credentials });
  const { registry, ingest, aggregator, replication, keys } = owner;
  return {
    partitions,
    served: { keys, registry, ingest, aggregator: { jobs: aggregator, replication } },
    reached: () => owner,
    source: replication,
    takesPushes: () => owner.takesPushes(),
    base: [owner],
    working: [],
  };
}

async function openRemoteWork(config: ServeConfig, telemetry: Telemetry, { channels, credentials }: Means): Promise<LogWork> {
  const channel = channels.to(config.owner);
  const reached: ReachedWork = {
    keys: createClient(KeyService, channel),
    registry: createClient(RegistryService, channel),
    ingest: createClient(IngestService, channel),
    aggregator: createClient(AggregatorService, channel),
  };
  const hasReplica = config.roles.has('query') || config.roles.has('store-replica');
  return {
    partitions: hasReplica ? await askPartitions(reached, telemetry) : (config.partitions ?? 1),
    served: {},
    reached: () => reached,
    source: remoteSource(createClient(ReplicationService, channel)),
    takesPushes: () => true,
    base: [new RemoteKeys({ ...telemetry, keys: reached.keys, onState: (state) => credentials.apply(state) })],
    working: [],
  };
}

async function openFleetWork(config: ServeConfig, options: FleetOptions, channels: PeerChannels): Promise<LogWork> {
  const fleet = await openFleetRole(options);
  const { partitions, registry, ingest, aggregator, keys, source, base, working } = fleet;
  return {
    partitions,
    served: { keys, registry, ingest, aggregator },
    reached: () => ({
      keys,
      registry: registry ?? createClient(RegistryService, channels.to(config.owner)),
      ingest: ingest ?? createClient(IngestService, channels.to(config.owner)),
      aggregator: fleet.fleetJobs,
    }),
    source,
    takesPushes: () => true,
    base: [base],
    working,
  };
}

/** How many partitions there are, from who knows; a wrong number would answer from the wrong partition. */
async function askPartitions({ aggregator }: ReachedWork, { clock, logger }: Telemetry): Promise<number> {
  const { signal } = new AbortController();
  for (let attempt = 1; ; attempt++) {
    try {
      const { partitionCount } = await aggregator.listJobs(create(ListJobsRequestSchema), { signal });
      if (partitionCount > 0) return partitionCount;
    } catch (error) {
      if (!(error instanceof ThymeError && error.status === 'UNAVAILABLE')) throw error;
      if (attempt === 1) logger.warn('the owner of the log does not answer: waiting for it');
    }
    await clock.sleep(OWNER_RETRY_MS, signal);
  }
}
