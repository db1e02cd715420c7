import type { DescService } from '@bufbuild/protobuf';
import { Health } from '../../gen/grpc/health/v1/health_pb.js';
import { AggregatorService } from '../../gen/thyme/v1/jobs_pb.js';
import { IngestService } from '../../gen/thyme/v1/ingest_pb.js';
import { KeyService } from '../../gen/thyme/v1/keys_pb.js';
import { QueryService } from '../../gen/thyme/v1/query_pb.js';
import { RegistryService } from '../../gen/thyme/v1/registry_pb.js';
import { ReplicationService } from '../../gen/thyme/v1/replication_pb.js';
import { StateService } from '../../gen/thyme/v1/state_pb.js';
import type { Authorize } from '../../libs/config/api-keys.js';
import { hostOf } from '../../libs/config/host-names.js';
import { certificateNames } from '../../libs/config/tls-files.js';
import { HealthRegister } from '../../libs/rpc/health.js';
import { addReflection } from '../../libs/rpc/reflection.js';
import { createRpcServer, type RpcServer, type RpcServerOptions } from '../../libs/rpc/server.js';
import { replicationHandlers } from '../aggregator/replication.js';
import type { ServedWork } from './log-work.js';
import type { Telemetry } from './telemetry.js';
import type { QueryRole } from './query-role.js';
import type { ServeConfig } from './serve-config.js';
import type { StandbyRole } from './standby-role.js';

export interface RpcRoles {
  readonly work: ServedWork;
  readonly queryRole: QueryRole | undefined;
  readonly standby: StandbyRole | undefined;
  readonly isReady: () => boolean;
  readonly authorize: Authorize;
}

/** How often readiness is looked at for grpc.health.v1. */
const HEALTH_MS = 250;

/** gRPC of this process's roles, with health and reflection. */
export function createRpcRole(config: ServeConfig, telemetry: Telemetry, roles: RpcRoles): RpcServer {
  const { work, queryRole, standby, authorize } = roles;
  const server = createRpcServer({ ...doorOf(config), port: config.grpcPort, portVariable: 'THYME_GRPC_PORT', authorize, ...telemetry });
  const served = addWork(server, work);
  if (queryRole !== undefined) server.add(QueryService, queryRole.query, { bytes: queryRole.bytes });
  if (standby !== undefined) served.push(...addStandby(server, standby, served));
  addReflection(server, [Health, ...served, ...(queryRole === undefined ? [] : [QueryService])]);
  const health = new HealthRegister();
  server.add(Health, health.handlers(), { endless: ['watch'] });
  return withHealth(server, health, telemetry, roles.isReady);
}

/** Gives what was added. Beside an owner, replication is the owner's. */
function addStandby(server: RpcServer, standby: StandbyRole, served: readonly DescService[]): DescService[] {
  server.add(StateService, standby.state);
  if (served.includes(ReplicationService)) return [StateService];
  server.add(ReplicationService, replicationHandlers(standby.replication), { endless: ['subscribe'] });
  return [StateService, ReplicationService];
}

/** Gives what was added. */
function addWork(server: RpcServer, { registry, ingest, aggregator, keys }: ServedWork): DescService[] {
  const served: DescService[] = [];
  if (keys !== undefined) {
    server.add(KeyService, keys, { endless: ['watchKeys'] });
    served.push(KeyService);
  }
  if (registry !== undefined) {
    server.add(RegistryService, registry, { endless: ['watch'] });
    served.push(RegistryService);
  }
  if (ingest !== undefined) {
    server.add(IngestService, ingest);
    served.push(IngestService);
  }
  if (aggregator !== undefined) {
    server.add(AggregatorService, aggregator.jobs);
    server.add(ReplicationService, replicationHandlers(aggregator.replication), { endless: ['subscribe'] });
    served.push(AggregatorService, ReplicationService);
  }
  return served;
}

/** Where a process is reached and by which names, for a server's options, in which absent and undefined are not the same. */
export function doorOf({ host, tls, allowedHosts, advertise }: ServeConfig): Pick<RpcServerOptions, 'host' | 'allowedHosts' | 'tls'> {
  const advertised = advertise === undefined ? undefined : hostOf(advertise);
  const names = [...allowedHosts, ...(advertised === undefined ? [] : [advertised])];
  return tls === undefined ? { host, allowedHosts: names } : { host, allowedHosts: [...names, ...certificateNames(tls)], tls };
}

/** Says SERVING while the roles can answer, and stops saying so before it stops. */
function withHealth(server: RpcServer, health: HealthRegister, { clock }: Telemetry, isReady: () => boolean): RpcServer {
  const stopping = new AbortController();
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      health.set('', isReady() ? 'serving' : 'not serving');
      await clock.sleep(HEALTH_MS, stopping.signal);
    }
    health.set('', 'not serving');
  };
  return {
    add: server.add.bind(server),
    get port() {
      return server.port;
    },
    async start() {
      await server.start();
      void watch();
    },
    async stop(options) {
      stopping.abort();
      await server.stop(options);
    },
    done: server.done,
  };
}
