import { createCompletion, type Service } from '../libs/lifecycle/service.js';
import { createRestServer, type RestServer } from '../libs/rest/server.js';
import { createGateway } from './gateway/gateway.js';
import type { GatewayServices } from './gateway/gateway-services.js';
import { probeRoutes } from './gateway/status-routes.js';
import type { Telemetry } from './owner-role.js';
import { authorizeOf, tlsOf } from './rpc-role.js';
import type { ServeConfig } from './serve-config.js';

export const VERSION = '0.1.0';

type Handlers = Pick<GatewayServices, 'query' | 'ingest' | 'registry' | 'aggregator' | 'isReady'>;

/** REST on its port and, unless something else has it, on the one where the published client reads. */
export function createGatewayRole(config: ServeConfig, telemetry: Telemetry, handlers: Handlers): RestServer {
  const services: GatewayServices = { ...handlers, ...telemetry, version: VERSION };
  const open = (port: number): RestServer => createGateway({ host: config.host, port, authorize: authorizeOf(config), services, ...tlsOf(config), ...telemetry });
  const main = open(config.restPort);
  if (config.readPort === undefined) return main;
  return withReadPort(main, open(config.readPort), telemetry);
}

/** `/health` and `/metrics` of a process without a gateway. */
export function createProbeRole(config: ServeConfig, telemetry: Telemetry, port: number, isReady: () => boolean): RestServer {
  const routes = probeRoutes({ isReady, metrics: telemetry.metrics });
  return createRestServer({ host: config.host, port, authorize: authorizeOf(config), routes, ...tlsOf(config), ...telemetry });
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
      secondRuns = await second.start().then(() => true, () => false);
      if (!secondRuns) logger.info('the second REST port is taken: the published client needs THYME_QUERY_URL');
    },
    async stop(options) {
      if (secondRuns) await second.stop(options);
      await main.stop(options);
    },
    done: ended.promise,
  };
}
