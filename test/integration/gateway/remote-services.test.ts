import { expect } from 'chai';
import { IngestService } from '../../../gen/thyme/v1/ingest_pb.js';
import { AggregatorService } from '../../../gen/thyme/v1/jobs_pb.js';
import { QueryService } from '../../../gen/thyme/v1/query_pb.js';
import { RegistryService } from '../../../gen/thyme/v1/registry_pb.js';
import { generateApiKey } from '../../../libs/config/api-keys.js';
import { ThymeError } from '../../../libs/errors/errors.js';
import { createClient, openChannel } from '../../../libs/rpc/client.js';
import { createRpcServer } from '../../../libs/rpc/server.js';
import { createLogger } from '../../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../../libs/telemetry/metrics.js';
import { systemClock } from '../../../libs/time/clock.js';
import { fakeServices, startGateway } from './fake-services.js';
import { authorizeByKeys, TEST_INTERNAL_KEY } from '../../support/test-keys.js';

describe('a gateway in front of services elsewhere', () => {
  it('answers as if they were in its process, and tells them whose call it is', async () => {
    const fakes = fakeServices();
    const caller = generateApiKey(['read', 'write']);
    let fingerprint: string | undefined;
    const logger = createLogger({ level: 'info', clock: systemClock, write: () => undefined });
    const rpc = createRpcServer({
      host: '127.0.0.1',
      port: 0,
      authorize: authorizeByKeys([], TEST_INTERNAL_KEY),
      logger,
      metrics: new MetricsRegistry(),
      clock: systemClock,
    });
    const lookup: typeof fakes.query.lookup = () => {
      throw new ThymeError('THYME_OUT_OF_RANGE', 'OUT_OF_RANGE', 'not so far back', [], { requestId: 'run-9' });
    };
    rpc.add(QueryService, {
      ...fakes.query,
      lookup,
      query: (request, context) => {
        fingerprint = context.apiKeyFingerprint;
        return fakes.query.query(request, context);
      },
    });
    rpc.add(IngestService, fakes.ingest);
    rpc.add(RegistryService, fakes.registry, { endless: ['watch'] });
    rpc.add(AggregatorService, fakes.aggregator);
    await rpc.start();
    const channel = openChannel({ target: `127.0.0.1:${rpc.port}`, apiKey: TEST_INTERNAL_KEY });
    const remote = {
      query: createClient(QueryService, channel),
      ingest: createClient(IngestService, channel),
      registry: createClient(RegistryService, channel),
      aggregator: createClient(AggregatorService, channel),
    };
    const gateway = await startGateway(remote, { authorize: authorizeByKeys([caller.entry]) });
    const local = await startGateway({ query: { ...fakes.query, lookup } }, { authorize: authorizeByKeys([caller.entry]) });
    try {
      const ask = async (url: string, path: string, body?: unknown) => {
        const response = await fetch(url + path, {
          ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
          headers: { authorization: `Bearer ${caller.key}`, 'content-type': 'application/json' },
        });
        return [response.status, response.headers.get('x-query-run-id'), await response.text()];
      };
      const questions: [string, unknown?][] = [
        ['/features?featureset=Signals&entity_id=user_1'],
        ['/features?featureset=Signalz&entity_id=user_1'],
        ['/api/v1/status'],
        ['/features/batch', { featureset: 'Signals', entity_ids: ['a', 'b'] }],
        ['/features/offline', { featureset: 'Signals', queries: [{ entity_id: 'a', timestamp: 1 }] }],
        ['/features?entity_type=Order&entity_id=user_1'], // refused, and on record: the run's id comes along (REST 2)
        ['/api/v1/log', { dataset: 'Order', events: [{}, {}] }],
      ];
      for (const [path, body] of questions)
        expect(await ask(gateway.url, path, body), path).to.deep.equal(await ask(local.url, path, body));
      expect((await ask(gateway.url, '/features?entity_type=Order&entity_id=user_1')).slice(0, 2)).to.deep.equal([422, 'run-9']);
      expect(fingerprint).to.equal(caller.entry.sha256.slice(0, 8));
    } finally {
      await Promise.all([gateway.server.stop({ graceMs: 500 }), local.server.stop({ graceMs: 500 })]);
      channel.close();
      await rpc.stop({ graceMs: 500 });
    }
  });
});
