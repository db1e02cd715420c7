// One process of the platform: the roles that its configuration names, wired together (DESIGN 10).
//
//   serve-config.ts  - what it is told
//   owner-role.ts    - registry, ingest and aggregator over the log
//   query-role.ts    - replicas, engine and audit
//   standby-role.ts  - a store replica
//   gateway-role.ts  - REST
//   rpc-role.ts      - gRPC, health and reflection
//
// Whether a role finds another in its own process or over gRPC is decided here and known nowhere else:
// both have the same handlers.
import { create } from '@bufbuild/protobuf';
import { AggregatorService, ListJobsRequestSchema } from '../gen/thyme/v1/jobs_pb.js';
import { IngestService } from '../gen/thyme/v1/ingest_pb.js';
import { QueryService } from '../gen/thyme/v1/query_pb.js';
import { RegistryService } from '../gen/thyme/v1/registry_pb.js';
import { ReplicationService } from '../gen/thyme/v1/replication_pb.js';
import { ThymeError } from '../libs/errors/errors.js';
import { composeServices, type Service } from '../libs/lifecycle/service.js';
import { remoteSource } from '../libs/replica/remote-source.js';
import type { ReplicationSource } from '../libs/replica/replication-source.js';
import { createClient, openChannel, type RpcChannel } from '../libs/rpc/client.js';
import type { ServiceHandlers } from '../libs/rpc/handlers.js';
import { createGatewayRole, createProbeRole } from './gateway-role.js';
import { openOwnerRole, type OwnerRole, type Telemetry } from './owner-role.js';
import { openQueryRole, type QueryRole } from './query-role.js';
import { createRpcRole } from './rpc-role.js';
import type { ServeConfig } from './serve-config.js';
import { openStandbyRole, type StandbyRole } from './standby-role.js';

/** What the owner of the log offers, here or elsewhere. */
export interface OwnerServices {
  readonly registry: ServiceHandlers<typeof RegistryService>;
  readonly ingest: ServiceHandlers<typeof IngestService>;
  readonly aggregator: ServiceHandlers<typeof AggregatorService>;
  readonly replication: ReplicationSource;
}

export interface Platform extends Service {
  /** Base of the REST interface; undefined where this process has no gateway. */
  readonly restUrl: string | undefined;
  /** `host:port` of gRPC. */
  readonly grpcTarget: string;
}

const OWNER_RETRY_MS = 200;

/** Opens what the roles need; rejects when the data folder is another process's. */
export async function openPlatform(config: ServeConfig, telemetry: Telemetry): Promise<Platform> {
  const channels = new Channels(config);
  const ownerRole = config.roles.has('registry') ? await openOwnerRole({ ...config, ...telemetry }) : undefined;
  const owner = ownerRole ?? remoteOwner(channels.to(config.owner));
  const replicas = { ...telemetry, dataDir: config.dataDir, source: owner.replication };
  const hasReplica = config.roles.has('query') || config.roles.has('store-replica');
  const partitions = ownerRole === undefined && hasReplica ? await askPartitions(owner, telemetry) : config.partitions;
  const queryRole = config.roles.has('query') ? await openQueryRole({ ...replicas, partitions }) : undefined;
  const standby = config.roles.has('store-replica') ? openStandbyRole({ ...replicas, partitions, sharing: queryRole?.replica }) : undefined;
  return assemble(config, telemetry, { ownerRole, owner, queryRole, standby, channels });
}

interface Roles {
  readonly ownerRole: OwnerRole | undefined;
  readonly owner: OwnerServices;
  readonly queryRole: QueryRole | undefined;
  readonly standby: StandbyRole | undefined;
  readonly channels: Channels;
}

function assemble(config: ServeConfig, telemetry: Telemetry, { ownerRole, owner, queryRole, standby, channels }: Roles): Platform {
  const isReady = (): boolean => (queryRole?.isReady() ?? true) && (standby?.isReady() ?? true);
  const rpc = createRpcRole(config, telemetry, { ownerRole, queryRole, standby, isReady });
  const query = (): ServiceHandlers<typeof QueryService> => queryRole?.query ?? createClient(QueryService, channels.to(config.query));
  const gateway = config.roles.has('gateway') ? createGatewayRole(config, telemetry, { ...owner, query: query(), isReady }) : undefined;
  const { metricsPort } = config;
  const probes = gateway === undefined && metricsPort !== undefined ? createProbeRole(config, telemetry, metricsPort, isReady) : undefined;
  const services = [channels, ownerRole, standby, queryRole, rpc, gateway, probes].filter((service) => service !== undefined);
  const composed = composeServices(services, telemetry.clock);
  return {
    start: () => composed.start(),
    stop: (options) => composed.stop(options),
    done: composed.done,
    get restUrl() {
      return gateway === undefined ? undefined : `${config.tls === undefined ? 'http' : 'https'}://${config.host}:${gateway.port}`;
    },
    get grpcTarget() {
      return `${config.host}:${rpc.port}`;
    },
  };
}

function remoteOwner(channel: RpcChannel): OwnerServices {
  return {
    registry: createClient(RegistryService, channel),
    ingest: createClient(IngestService, channel),
    aggregator: createClient(AggregatorService, channel),
    replication: remoteSource(createClient(ReplicationService, channel)),
  };
}

/** How many partitions a replica has to hold, from who knows; a wrong number would answer from the wrong partition. */
async function askPartitions({ aggregator }: OwnerServices, { clock, logger }: Telemetry): Promise<number> {
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

/** Connections to other processes, one for each target; a service, so that they close after what uses them. */
class Channels implements Service {
  readonly done = Promise.resolve();
  readonly #config: ServeConfig;
  readonly #open = new Map<string, RpcChannel>();

  constructor(config: ServeConfig) {
    this.#config = config;
  }

  to(target: string | undefined): RpcChannel {
    if (target === undefined) throw new ThymeError('THYME_CONFIG', 'INVALID_ARGUMENT', 'a peer is not configured'); // serve-config checks it
    const { peerApiKey, peerTls } = this.#config;
    const channel = this.#open.get(target) ?? openChannel({ target, ...(peerApiKey === undefined ? {} : { apiKey: peerApiKey }), ...(peerTls === undefined ? {} : { tls: peerTls }) });
    this.#open.set(target, channel);
    return channel;
  }

  async start(): Promise<void> {
    // They connect at the first call.
  }

  async stop(): Promise<void> {
    for (const channel of this.#open.values()) channel.close();
  }
}
