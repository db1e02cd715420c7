import { expect } from 'chai';
import { METHOD_LIMITS } from '../../libs/rpc/method-limits.js';
import { METHOD_SCOPES } from '../../libs/rpc/method-scopes.js';
import type { Route } from '../../libs/rest/route.js';
import { createRpcServer } from '../../libs/rpc/server.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import { authorizeByKeys } from '../support/test-keys.js';
import type { GatewayServices } from '../../services/gateway/gateway-services.js';
import { gatewayRoutes } from '../../services/gateway/routes.js';
import { EventRing } from '../../libs/telemetry/event-ring.js';

const KIB = 1_024;
const MIB = 1_024 * KIB;
const HOUR_MS = 3_600_000;

/** The table alone: nothing is asked. */
function routes(): readonly Route[] {
  const services = { clock: systemClock, metrics: new MetricsRegistry(), events: new EventRing(systemClock), version: '0' };
  return gatewayRoutes(services as unknown as GatewayServices);
}

describe('declared limits', () => {
  it('every RPC has a scope, a limit of bytes and elements, a deadline and a number of calls', () => {
    expect([...METHOD_LIMITS.keys()].sort()).to.deep.equal([...METHOD_SCOPES.keys()].sort());
    for (const [path, limits] of METHOD_LIMITS) {
      const isPublic = METHOD_SCOPES.get(path) === 'public';
      expect(limits.messageBytesMax, path).to.be.within(1, isPublic ? 4 * KIB : 33 * MIB);
      expect(limits.elementsMax, path).to.be.within(1, isPublic ? 100 : 2_000_000);
      expect(limits.timeoutMs, path).to.be.within(1, HOUR_MS);
      expect(limits.callsMax, path).to.be.within(1, 4_096);
    }
    for (const name of ['Plan', 'Commit'])
      expect(METHOD_LIMITS.get(`/thyme.v1.RegistryService/${name}`)?.messageBytesMax, name).to.equal(4 * MIB);
  });

  it('every route has a scope and a deadline, and a limit where it takes a body', () => {
    for (const { method, path, scope, body, timeoutMs = 30_000, callsMax = 2_048 } of routes()) {
      const name = `${method} ${path}`;
      expect(scope, name).to.be.oneOf(['public', 'read', 'write', 'admin', 'internal']);
      expect(timeoutMs, name).to.be.within(1, HOUR_MS);
      expect(callsMax, name).to.be.within(1, 2_048);
      expect(method === 'POST', `${name}: a body`).to.equal(body !== undefined);
      if (body !== undefined)
        expect(body.bytesMax, name).to.be.within(1, path === '/api/v1/commit' || path === '/api/v1/plan' ? 4 * MIB : 32 * MIB);
      if (scope === 'public') expect(body?.bytesMax ?? 0, name).to.be.at.most(128); // read for anybody
    }
  });

  it('a method without limits cannot be served', async () => {
    const logger = createLogger({ level: 'error', clock: systemClock, write: () => undefined });
    const server = createRpcServer({
      host: '127.0.0.1',
      port: 0,
      authorize: authorizeByKeys([]),
      logger,
      metrics: new MetricsRegistry(),
      clock: systemClock,
    });
    const { IngestService } = await import('../../gen/thyme/v1/ingest_pb.js');
    const [method] = IngestService.methods;
    const path = '/thyme.v1.IngestService/Log';
    const limits = METHOD_LIMITS.get(path);
    (METHOD_LIMITS as Map<string, unknown>).delete(path); // as if its table had left it out
    try {
      expect(method?.name).to.equal('Log');
      expect(() => server.add(IngestService, {} as never)).to.throw('declares no limits');
    } finally {
      (METHOD_LIMITS as Map<string, unknown>).set(path, limits);
      await server.stop({ graceMs: 0 });
    }
  });
});
