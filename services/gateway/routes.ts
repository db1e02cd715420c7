import { openApiDocument } from '../../libs/rest/openapi.js';
import { JSON_TYPE, jsonResponse, type Route } from '../../libs/rest/route.js';
import { batchRoute } from './batch-routes.js';
import { Catalog } from './catalog.js';
import { commitRoutes } from './commit-routes.js';
import { deadLetterRoutes } from './dead-letter-routes.js';
import { erasureRoutes } from './erasure-routes.js';
import { featureRoutes } from './feature-routes.js';
import type { GatewayServices } from './gateway-services.js';
import { keyRoutes } from './key-routes.js';
import { lateRecordRoute } from './late-record-routes.js';
import { newestRecordRoute } from './newest-record-routes.js';
import { offlineRoute } from './offline-routes.js';
import { overTimeRoute } from './over-time-routes.js';
import { pushRoutes } from './push-routes.js';
import { registryRoutes } from './registry-routes.js';
import { entityRoute } from './entity-routes.js';
import { rowRoute } from './row-routes.js';
import { runRoutes } from './run-routes.js';
import { sourceRoutes } from './source-routes.js';
import { statusRoutes } from './status-routes.js';

/** Every route of the gateway (DESIGN 9), OpenAPI's own among them. */
export function gatewayRoutes(services: GatewayServices, ofOthers: readonly Route[] = []): readonly Route[] {
  const catalog = new Catalog(services.registry, services.clock);
  const routes: Route[] = [
    ...featureRoutes(services, catalog),
    rowRoute(services, catalog),
    entityRoute(services),
    overTimeRoute(services, catalog),
    batchRoute(services, catalog),
    offlineRoute(services, catalog),
    ...runRoutes(services),
    ...registryRoutes(services, catalog),
    ...commitRoutes(services),
    ...sourceRoutes(services, catalog),
    ...pushRoutes(services),
    ...deadLetterRoutes(services),
    lateRecordRoute(services, catalog),
    newestRecordRoute(services),
    ...erasureRoutes(services, catalog),
    ...keyRoutes(services),
    ...statusRoutes(services, catalog),
    ...ofOthers,
  ];
  const openApi: Route = {
    method: 'GET',
    path: '/openapi.json',
    scope: 'public',
    summary: 'This document.',
    answers: { [JSON_TYPE]: { type: 'object', required: ['openapi', 'info', 'paths'], additionalProperties: true } },
    handle: () => jsonResponse(document),
  };
  const all = [...routes, openApi];
  const document = JSON.stringify(openApiDocument(all, services.version));
  return all;
}
