import type { Authorize, RequiredScope } from '../../libs/config/api-keys.js';
import type { Authority } from '../../libs/config/authority.js';
import { isLoopback } from '../../libs/config/listen-address.js';
import { createCompletion, type Service } from '../../libs/lifecycle/service.js';
import { createRestServer, type RestServer } from '../../libs/rest/server.js';
import { createConsole } from '../console/console.js';
import { docsRoutes } from '../docs/docs-routes.js';
import { createGateway } from '../gateway/gateway.js';
import type { GatewayServices } from '../gateway/gateway-services.js';
import { probeRoutes } from '../gateway/status-routes.js';
import { VERSION } from './program-version.js';
import { doorOf } from './rpc-role.js';
import type { Telemetry } from './telemetry.js';
import type { ServeConfig } from './serve-config.js';

type Handlers = Pick<GatewayServices, 'query' | 'reads' | 'ingest' | 'registry' | 'aggregator' | 'keys' | 'isReady'>;

/** REST on its port and, unless something else has it, on the one where the published client reads. */
export function createGatewayRole(config: ServeConfig, telemetry: Telemetry, authority: Authority, handlers: Handlers): RestServer {
  const services: GatewayServices = {
    ...handlers,
    ...telemetry,
    version: VERSION,
    metricsScope: metricsScopeOf(config),
    proveFolderKey: authority.proveFolderKey.bind(authority),
  };
  const { authorize } = authority;
  const door = { ...doorOf(config), portVariable: 'THYME_REST_PORT' };
  const { api, page } = createConsole({ clock: telemetry.clock, openSession: authority.openSession.bind(authority) });
  const routes = { apiRoutes: api, pageRoutes: [...page, ...docsRoutes()] };
  const open = (port: number): RestServer => createGateway({ ...door, port, authorize, services, ...routes, ...telemetry });
  const main = open(config.restPort);
  if (config.readPort === undefined) return main;
  return withReadPort(main, open(config.readPort), telemetry);
}

export interface ProbeOptions {
  readonly authorize: Authorize;
  readonly port: number;
  readonly isReady: () => boolean;
}

/** `/health` and `/metrics` of a process without a gateway. */
export function createProbeRole(config: ServeConfig, telemetry: Telemetry, { authorize, port, isReady }: ProbeOptions): RestServer {
  const routes = probeRoutes({ isReady, ...telemetry, metricsScope: metricsScopeOf(config) });
  return createRestServer({ ...doorOf(config), port, portVariable: 'THYME_METRICS_PORT', authorize, routes, ...telemetry });
}

/** Names of datasets and how busy they are: for everybody on this machine, and beyond it for those who have a key. */
function metricsScopeOf({ host }: ServeConfig): RequiredScope {
  return isLoopback(host) ? 'public' : 'read';
}

function withReadPort(main: RestServer, second: Service, { logger }: Telemetry): RestServer {
  const ended = createCompletion();
  main.done.then(ended.resolve, ended.reject);
  let secondRuns = false;
  return {
    get port() {
      return main.port;
    },
    async start() {
      await main.start();
      secondRuns = await second.start().then(
        () => true,
        () => false,
      );
      if (!secondRuns) logger.info('the second REST port is taken: the published client needs THYME_QUERY_URL');
    },
    async stop(options) {
      if (secondRuns) await second.stop(options);
      await main.stop(options);
    },
    done: ended.promise,
  };
}
