// One process of the platform: the roles that its configuration names, wired together (DESIGN 10).
//
//   serve-config.ts  - what it is told; data-folder.ts - the folder for what it keeps
//   credentials.ts   - who may do what, and what it calls others with
//   log-work.ts      - registry, ingest and aggregator: owner-role.ts on the embedded log, fleet-role.ts on Kafka
//   query-role.ts    - replicas, engine and audit
//   standby-role.ts  - a store replica
//   gateway-role.ts  - REST
//   rpc-role.ts      - gRPC, health and reflection
//   peer-channels.ts - connections to other processes
//
// Whether a role finds another in its own process or over gRPC is decided here and known nowhere else:
// both have the same handlers.
import { QueryService } from '../../gen/thyme/v1/query_pb.js';
import { composeServices, type Service } from '../../libs/lifecycle/service.js';
import { createClient } from '../../libs/rpc/client.js';
import { Catalog } from '../gateway/catalog.js';
import { createQueryRouter } from '../gateway/query-router.js';
import { openCredentials, type Credentials } from './credentials.js';
import { makeDataFolder } from './data-folder.js';
import { createGatewayRole, createProbeRole } from './gateway-role.js';
import { type LogWork, openLogWork } from './log-work.js';
import type { Telemetry } from './telemetry.js';
import { PeerChannels } from './peer-channels.js';
import { processMetrics } from './process-metrics.js';
import { openQueryRole, type QueryRole } from './query-role.js';
import { createRpcRole } from './rpc-role.js';
import type { ServeConfig } from './serve-config.js';
import { openStandbyRole, type StandbyRole } from './standby-role.js';

export interface Platform extends Service {
  /** Base of the REST interface; undefined where this process has no gateway. */
  readonly restUrl: string | undefined;
  /** `host:port` of gRPC. */
  readonly grpcTarget: string;
  /** The key of scope admin in the data folder, for what runs in the same process; undefined where keys are configured. */
  readonly folderKey: string | undefined;
}

/** Opens what the roles need; rejects when the data folder is another process's. */
export async function openPlatform(config: ServeConfig, telemetry: Telemetry): Promise<Platform> {
  if (keepsData(config) || config.apiKeys.length === 0) await makeDataFolder(config.dataDir); // without other keys, one is kept there
  const credentials = openCredentials(config, telemetry);
  const channels = new PeerChannels({ ...config, internalKey: credentials.internalKey });
  // The port is known once gRPC is served, which is before anybody asks for the address.
  const self: { rpcPort: () => number } = { rpcPort: () => config.grpcPort };
  const work = await openLogWork(
    config,
    telemetry,
    { channels, credentials },
    () => config.advertise ?? `${config.host}:${self.rpcPort()}`,
  );
  const replicas = {
    ...telemetry,
    dataDir: config.dataDir,
    source: work.source,
    partitions: work.partitions,
    holds: config.holds,
    eraseWithinUs: config.eraseWithinUs,
    tokenKey: credentials.tokenKey,
  };
  const queryRole = config.roles.has('query') ? await openQueryRole(replicas) : undefined;
  const standby = config.roles.has('store-replica') ? openStandbyRole({ ...replicas, sharing: queryRole?.replica }) : undefined;
  return assemble(config, telemetry, { work, queryRole, standby, channels, credentials, self });
}

function keepsData({ roles, kafka }: ServeConfig): boolean {
  return roles.has('aggregator') || roles.has('query') || roles.has('store-replica') || (kafka === undefined && roles.has('registry'));
}

interface Roles {
  readonly work: LogWork;
  readonly queryRole: QueryRole | undefined;
  readonly standby: StandbyRole | undefined;
  readonly channels: PeerChannels;
  readonly credentials: Credentials;
  readonly self: { rpcPort: () => number };
}

function assemble(config: ServeConfig, telemetry: Telemetry, { work, queryRole, standby, channels, credentials, self }: Roles): Platform {
  const { authority, folderKey } = credentials;
  processMetrics(telemetry.metrics, keepsData(config) ? config.dataDir : undefined);
  const { authorize } = authority;
  const isReady = (): boolean => work.takesPushes() && (queryRole?.isReady() ?? true) && (standby?.isReady() ?? true);
  const rpc = createRpcRole(config, telemetry, { work: work.served, queryRole, standby, isReady, authorize });
  self.rpcPort = () => rpc.port;
  const gateway = config.roles.has('gateway')
    ? createGatewayRole(config, telemetry, authority, {
        ...gatewayWork(config, telemetry, { work, queryRole, channels, credentials }),
        isReady,
      })
    : undefined;
  const { metricsPort } = config;
  const probes =
    gateway === undefined && metricsPort !== undefined
      ? createProbeRole(config, telemetry, { authorize, port: metricsPort, isReady })
      : undefined;
  const replicas = [standby, queryRole].filter((service) => service !== undefined);
  const services = work.working.length === 0 ? [...work.base, ...replicas, rpc] : [...work.base, rpc, ...work.working, ...replicas];
  const composed = composeServices(
    [channels, ...services, ...[gateway, probes].filter((service) => service !== undefined)],
    telemetry.clock,
  );
  return {
    async start() {
      await composed.start();
      if (config.insecure)
        telemetry.logger.warn('--insecure: keys and records may pass between machines in plain text, and be used by whoever sees them');
    },
    stop: (options) => composed.stop(options),
    done: composed.done,
    folderKey,
    get restUrl() {
      return gateway === undefined ? undefined : `${config.tls === undefined ? 'http' : 'https'}://${config.host}:${gateway.port}`;
    },
    get grpcTarget() {
      return `${config.host}:${rpc.port}`;
    },
  };
}

/** One query service is asked as it is, the engine of this process without messages; several are routed to by key. */
function gatewayWork(
  config: ServeConfig,
  { clock }: Telemetry,
  { work, queryRole, channels, credentials }: Pick<Roles, 'work' | 'queryRole' | 'channels' | 'credentials'>,
) {
  const reached = work.reached();
  const remote = config.query.map((name) => ({ name, query: createClient(QueryService, channels.to(name)) }));
  const holders = queryRole === undefined ? remote : [{ name: 'this process', query: queryRole.query }, ...remote];
  const [only] = holders;
  if (only !== undefined && holders.length === 1) return { ...reached, query: only.query, reads: queryRole?.reads };
  const query = createQueryRouter({ holders, catalog: new Catalog(reached.registry, clock), clock, tokenKey: credentials.tokenKey });
  return { ...reached, query };
}
