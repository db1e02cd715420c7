// /openapi.json against what is really sent and answered: every route, every member, no more and no less.
import { create, toJson } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { CommitRequestSchema } from '../../gen/thyme/v1/registry_pb.js';
import { readDefinitions } from '../../libs/definition/check.js';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import { bundleModule } from '../../libs/definition/load-module.js';
import { definitionsToProto } from '../../libs/wire/definitions.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, request, type HttpAnswer } from '../support/http.js';
import { faultsOf, type Schema } from '../support/json-schema.js';

/** With expectations, composite structures and everything that status shows. */
const MODULE = 'infra/examples/features.ts';

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<
      '200' | 'default',
      { readonly headers: Readonly<Record<string, unknown>>; readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
    >
  >;
}

describe('/openapi.json', function () {
  this.timeout(120_000);
  const seen = new Set<string>();
  let platform: EmbeddedPlatform;
  let document: Schema;
  let paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  let commit: unknown;

  before(async () => {
    platform = await startEmbeddedPlatform({ partitions: 2 });
    document = jsonOf(await request(`${platform.url}/openapi.json`));
    paths = document.paths as typeof paths;
    const bundle = await bundleModule(MODULE);
    const { definitions } = readDefinitions(evaluateBundle(bundle.code));
    commit = toJson(CommitRequestSchema, create(CommitRequestSchema, { definitions: definitionsToProto(definitions), bundle }));
  });
  after(() => platform.stop());

  /** Sends what the description allows, and holds the answer against it. */
  async function ask(
    method: 'GET' | 'POST',
    path: string,
    { query = {}, body, id }: { readonly query?: Readonly<Record<string, string>>; readonly body?: unknown; readonly id?: string } = {},
  ): Promise<HttpAnswer> {
    const operation = paths[path]?.[method.toLowerCase()];
    if (operation === undefined) throw new Error(`${method} ${path} is not described`);
    for (const name of Object.keys(query))
      expect(
        operation.parameters.map((parameter) => parameter.name),
        `parameters of ${path}`,
      ).to.include(name);
    if (body !== undefined)
      expect(faultsOf(body, operation.requestBody?.content['application/json']?.schema ?? {}, document), `body of ${path}`).to.deep.equal(
        [],
      );
    const answer = await request(`${platform.url}${path.replace(/\{\w+\}/, id ?? '')}?${new URLSearchParams(query).toString()}`, {
      method,
      headers: { authorization: `Bearer ${platform.adminKey}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expectAsDescribed(answer, operation, `${method} ${path}`);
    return answer;
  }

  function expectAsDescribed({ status, headers, text }: HttpAnswer, operation: Operation, title: string): void {
    const { content, headers: described } = operation.responses[status === 200 ? '200' : 'default'];
    const [type = ''] = (headers.get('content-type') ?? '').split(';');
    const schema = content[type]?.schema;
    if (schema === undefined) throw new Error(`${title}: an answer ${status} of type '${type}' is not described: ${text.slice(0, 500)}`);
    if (type.includes('json'))
      expect(faultsOf(JSON.parse(text), schema, document), `${title} ${status}: ${text.slice(0, 500)}`).to.deep.equal([]);
    if (status === 200)
      expect([...headers.keys()].filter((name) => name.startsWith('x-query'))).to.deep.equal(Object.keys(described), title);
    if (status === 200) seen.add(`${method(title)} ${title.slice(title.indexOf(' ') + 1)}`);
  }

  function method(title: string): string {
    return title.slice(0, title.indexOf(' '));
  }

  it('is true before the first commit', async () => {
    for (const path of [
      '/api/v1/status',
      '/api/v1/events',
      '/api/v1/featuresets',
      '/api/v1/jobs',
      '/api/v1/sources',
      '/health',
      '/metrics',
      '/openapi.json',
      '/query-runs',
    ])
      await ask('GET', path);
    expect((await ask('GET', '/features', { query: { featureset: 'AirportDelay', entity_id: '1' } })).status).to.equal(409);
    expect((await ask('POST', '/features/batch', { body: { featureset: 'AirportDelay', entity_ids: ['ATL'] } })).status).to.equal(409);
  });

  it('describes commits, pushes and every kind of read', async () => {
    await ask('POST', '/api/v1/plan', { body: commit });
    await ask('POST', '/api/v1/commit', { body: commit });
    const deadline = AbortSignal.timeout(30_000); // S18: a revision is served once it has reached every partition
    while (
      (await ask('GET', '/features', { query: { featureset: 'AirportDelay', entity_id: 'ATL' } })).status === 409 &&
      !deadline.aborted
    );
    const at = new Date(Date.now() - 60_000).toISOString();
    const event = { origin: 'ATL', destination: 'LAX', delay: 3, distance: 100, departed_at: at };
    const { token } = jsonOf(
      await ask('POST', '/api/v1/log', { body: { dataset: 'Flight', events: [event], producer_id: 'p', sequence: 1 } }),
    ) as { readonly token: string };
    const read = { featureset: 'AirportDelay', entity_id: 'ATL' };
    expect(jsonOf(await ask('GET', '/features', { query: { ...read, after: token } })).features).to.include({ flights_1d: 1 });
    await ask('GET', '/features', { query: { ...read, timestamp: at, known_at: at } });
    await ask('GET', '/features', { query: { entity_type: 'OriginStats', entity_id: 'ATL' } });
    await ask('GET', '/features', { query: { entity_type: 'Flight', entity_id: 'nowhere' } });
    await ask('GET', '/features/rows', { query: { entity_type: 'OriginStats', field: 'flights_1d', entity_id: 'ATL', after: token } });
    await ask('GET', '/features/entities', { query: { featureset: 'AirportDelay', limit: '1' } });
    await ask('POST', '/features/over-time', { body: { entity_type: 'OriginStats', entity_id: 'ATL', timestamps: [at], known_at: at } });
    await ask('POST', '/features', { body: { ...read, timestamp: at } });
    await ask('POST', '/features/batch', { body: { featureset: 'AirportDelay', entity_ids: ['ATL', 'nowhere'] } });
    await ask('POST', '/features/offline', {
      body: { featureset: 'AirportDelay', queries: [{ entity_id: 'ATL', timestamp: at }], known_at: 'timestamp' },
    });
    const inputs = { cart_total: 900 };
    const carts = { featureset: 'FraudSignals', entity_ids: ['a', 'b'] };
    for (const given of [inputs, [inputs, { cart_total: 1 }]])
      expect((await ask('POST', '/features/batch', { body: { ...carts, inputs: given } })).status).to.equal(200);
    const cart = { entity_id: 'a', timestamp: at, inputs };
    expect((await ask('POST', '/features/offline', { body: { featureset: 'FraudSignals', queries: [cart] } })).status).to.equal(200);
    for (const path of ['/api/v1/status', '/api/v1/events', '/api/v1/featuresets', '/api/v1/jobs', '/api/v1/sources', '/metrics'])
      await ask('GET', path);
  });

  it('describes query runs and their replay', async () => {
    const answer = await ask('GET', '/features', { query: { featureset: 'AirportDelay', entity_id: 'ATL' } });
    const id = answer.headers.get('x-query-run-id') ?? '';
    const deadline = AbortSignal.timeout(30_000);
    while ((await ask('GET', '/query-runs/{id}', { id })).status === 404 && !deadline.aborted); // a run is written after its answer
    expect((await ask('POST', '/api/v1/log', { body: { dataset: 'Order', events: [{ user_id: 'u1' }] } })).status).to.equal(422);
    const { dead_letters: letters } = jsonOf(await ask('GET', '/api/v1/dead-letters', { query: { dataset: 'Order' } })) as {
      readonly dead_letters: readonly { readonly id: string }[];
    };
    const mended = { dataset: 'Order', event: { user_id: 'u1', order_id: 'o1', amount: 1, ordered_at: new Date().toISOString() } };
    await ask('POST', '/api/v1/dead-letters/{id}/push', { id: letters[0]?.id ?? '', body: mended });
    await ask('GET', '/api/v1/newest-records', { query: { dataset: 'Order', limit: '2' } });
    await ask('GET', '/api/v1/late-records', { query: { dataset: 'Order', entity_id: 'u1', limit: '2' } });
    await ask('GET', '/api/v1/commits', { query: { limit: '2' } });
    await ask('GET', '/api/v1/commits/{id}', { id: 'latest' });
    await ask('GET', '/api/v1/commits/{id}/code', { id: 'latest', query: { name: 'AirportDelay.delayedShare' } });
    await ask('GET', '/query-runs', {
      query: { featureset: 'AirportDelay', limit: '2', failed: 'false', kind: 'online', min_latency_ms: '0' },
    });
    await ask('POST', '/query-runs/{id}/replay', { id });
  });

  it('describes keys, which are shown once and taken back', async () => {
    await ask('POST', '/api/v1/keys', { body: { name: 'web', scopes: ['read'], expires_at: '2090-01-01' } });
    await ask('GET', '/api/v1/keys');
    await ask('POST', '/api/v1/keys/{name}/revoke', { id: 'web' });
    await ask('GET', '/api/v1/identity', { query: { nonce: '0123456789abcdef' } });
    expect((await ask('POST', '/api/v1/keys/{name}/revoke', { id: 'web' })).status).to.equal(200);
    expect((await ask('POST', '/api/v1/keys/{name}/revoke', { id: 'wep' })).status).to.equal(404);
  });

  it('describes erasures and their receipts', async () => {
    const { receipts } = jsonOf(await ask('POST', '/api/v1/erase', { body: { dataset: 'Flight', entity_ids: ['NOWHERE'] } }));
    const [{ id } = { id: '' }] = receipts as readonly { readonly id: string }[];
    expect((await ask('GET', '/api/v1/erasures/{id}', { id })).status).to.equal(200);
  });

  it('describes links to the console, which are exchanged once', async () => {
    const { link } = jsonOf(await ask('POST', '/api/v1/console/links', { body: {} })) as { readonly link: string };
    expect((await ask('POST', '/api/v1/console/sessions', { body: { link } })).status).to.equal(200);
    expect((await ask('POST', '/api/v1/console/sessions', { body: { link } })).status).to.equal(401);
  });

  it('describes refusals', async () => {
    expect((await ask('POST', '/api/v1/log', { body: { dataset: 'Flight', events: [{ origin: 'ATL' }] } })).status).to.equal(422);
    for (const word of ['test', 'pause', 'resume'])
      expect((await ask('POST', `/api/v1/sources/{dataset}/${word}`, { id: 'Order' })).status).to.equal(404);
    expect((await ask('POST', '/api/v1/sources/{dataset}/reset', { id: 'Order', body: { to: 'now' } })).status).to.equal(404);
    expect((await ask('POST', '/api/v1/log', { body: { dataset: 'Flihgt', events: [] } })).status).to.equal(404);
    expect((await ask('POST', '/api/v1/erase', { body: { dataset: 'Flihgt', entity_ids: ['ATL'] } })).status).to.equal(404);
    expect((await ask('GET', '/api/v1/erasures/{id}', { id: 'er_none' })).status).to.equal(404);
    expect((await ask('GET', '/features', { query: { featureset: 'AirportDelay', entity_id: 'ATL', timestamp: 'soon' } })).status).to.equal(
      400,
    );
    expect(
      (await ask('POST', '/features/offline', { body: { featureset: 'AirportDelay', queries: [{ entity_id: 'ATL', timestamp: 'None' }] } }))
        .status,
    ).to.equal(400);
  });

  it('was tried route by route', () => {
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((name) => `${name.toUpperCase()} ${path}`),
    );
    // No dataset here has a source.
    const refused = /^POST \/api\/v1\/sources\//;
    expect([...seen].sort()).to.deep.equal(described.filter((title) => !refused.test(title)).sort());
  });
});
