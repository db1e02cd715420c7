// The gateway: REST in front of the gRPC services, which it calls through their handlers and so
// cannot tell whether they run in this process; reads of one entity go to its engine where it has one.
//
//   routes.ts          - the table of all routes, by which OpenAPI is written too
//   feature-routes.ts  - one entity: features, raw lookup
//   reads.ts           - whom it asks: the engine of this process, or a query service by message-reads.ts
//   batch-routes.ts    - many entities at one instant
//   offline-routes.ts  - many (entity, instant) pairs, streamed
//   run-routes.ts      - query runs and their replay
//   push-routes.ts     - events in
//   erasure-routes.ts  - entities out, and what became of that
//   registry-routes.ts - commit, and what is committed
//   key-routes.ts      - API keys
//   status-routes.ts   - status, events, health, metrics
//   request-fields.ts  - reading of bodies and parameters; entity-keys.ts - of entities
//   catalog.ts         - the newest definitions, for key order and Arrow schemas
//
// Invariants:
//   W1. Every answer to a read that is on record carries X-Query-Run-Id, before the body; refusals too.
//   W2. A training set that fails midway ends its connection; it never looks complete.
//   W3. Arrow schemas come from declarations, never from values.

import { createRestServer, type RestServer, type RestServerOptions } from '../../libs/rest/server.js';
import type { Route } from '../../libs/rest/route.js';
import type { GatewayServices } from './gateway-services.js';
import { gatewayRoutes } from './routes.js';

export interface GatewayOptions extends Omit<RestServerOptions, 'routes'> {
  readonly services: GatewayServices;
  /** REST of other parts of the same process; OpenAPI describes it too. */
  readonly apiRoutes?: readonly Route[];
  /** Pages, which are no part of the API. */
  readonly pageRoutes?: readonly Route[];
}

/** A REST server with all of Thyme's routes. Several may share the services: one for each port (REST 1). */
export function createGateway({ services, apiRoutes = [], pageRoutes = [], ...options }: GatewayOptions): RestServer {
  return createRestServer({ ...options, routes: [...gatewayRoutes(services, apiRoutes), ...pageRoutes] });
}
