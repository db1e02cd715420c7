import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { LogResponseSchema, type LogRequest } from '../../../gen/thyme/v1/ingest_pb.js';
import { CommitRequestSchema, CommitResponseSchema, GetResponseSchema, type CommitRequest } from '../../../gen/thyme/v1/registry_pb.js';
import { generateApiKey } from '../../../libs/config/api-keys.js';
import { ThymeError, type StatusName } from '../../../libs/errors/errors.js';
import { fakeServices, startGateway, type RunningGateway } from './fake-services.js';
import { authorizeByKeys } from '../../support/test-keys.js';

interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly error: string;
}

/** With the id under which the log has the words. */
const INTERNAL_ERROR = /^internal error; the server's log has it as ([0-9a-f]{12})$/;

describe('REST writes, registry and refusals', () => {
  let gateway: RunningGateway;
  const { query, ingest, registry } = fakeServices();

  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    fetch(gateway.url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  const get = async (path: string) => (await fetch(gateway.url + path)).json() as Promise<unknown>;
  const problemOf = async (response: Response): Promise<Problem> => {
    expect(response.headers.get('content-type')).to.equal('application/problem+json');
    const problem = (await response.json()) as Problem;
    expect(problem).to.include.all.keys('type', 'title', 'status', 'detail', 'error');
    expect([problem.status, problem.error]).to.deep.equal([response.status, problem.detail]);
    return problem;
  };

  afterEach(() => gateway.server.stop({ graceMs: 500 }));

  it('passes events on as they came, with producer and sequence', async () => {
    let asked: LogRequest | undefined;
    gateway = await startGateway({
      ingest: {
        ...ingest,
        log: (request) => {
          asked = request;
          return create(LogResponseSchema, { eventsSent: 2n, token: 'tok' });
        },
      },
    });
    const events = '[ {"id": 9007199254740993, "a": "}]\\"{", "x":1.0}, {} ]';
    const response = await post('/api/v1/log', `{"dataset":"Order","events":${events},"producer_id":"p","sequence":7,"historical":true}`);
    expect(await response.json()).to.deep.equal({ events_sent: 2, token: 'tok' });
    expect(new TextDecoder().decode(asked?.json)).to.equal(events);
    expect(asked).to.deep.include({ dataset: 'Order', producerId: 'p', sequence: 7n, historical: true });
  });

  it('answers 422 when any event is refused, and says that the others stay', async () => {
    gateway = await startGateway({
      ingest: {
        ...ingest,
        log: () => create(LogResponseSchema, { eventsSent: 1n, token: 't', errors: [{ index: 1, error: 'amount: is null' }] }),
      },
    });
    const response = await post('/api/v1/log', '{"dataset":"Order","events":[{},{}]}');
    const problem = await problemOf(response);
    expect(problem).to.deep.include({ status: 422, events_sent: 1, errors: [{ index: 1, error: 'amount: is null' }] });
    expect(problem.error).to.contain('event 1: amount: is null').and.contain('accepted stay accepted');
  });

  it('says what is wrong with a push', async () => {
    gateway = await startGateway();
    const wrong: [string, string][] = [
      ['{"dataset":"Order"}', 'events: is missing'],
      ['{"events":[]}', 'dataset: is missing'],
      ['[]', 'body: is no JSON object'],
      ['', 'body: is no JSON object'],
      ['{"dataset":"a"', 'body: is no JSON object'],
      ['{"dataset":1,"events":[]}', 'dataset: must be text'],
      ['{"dataset":"a","events":[],"sequence":-1}', 'sequence: must be'],
      ['{"dataset":"a","events":[]} x', 'body: is no JSON object'],
      [`{"dataset":"a","events":${'['.repeat(300)}${']'.repeat(300)}}`, 'nested deeper than 200'],
      ['{"dataset":"a","dataset":"b","events":[]}', "names 'dataset' twice"],
      ['{"dataset":"a,"events":[]}', 'body:'],
    ];
    for (const [body, detail] of wrong) expect((await problemOf(await post('/api/v1/log', body))).detail, body).to.contain(detail);
  });

  it('erases entities, each with a receipt, and counts them as the published client reads it', async () => {
    gateway = await startGateway();
    const answer = (await (await post('/api/v1/erase', '{"dataset":"Order","entity_ids":["a",7]}')).json()) as Record<string, unknown>;
    expect(answer).to.include({ entities_erased: 2, token: 't2' });
    expect((answer.receipts as { id: string; state: string }[]).map(({ id, state }) => [id, state])).to.deep.equal([
      ['er_0', 'applied'],
      ['er_1', 'applied'],
    ]);
    expect(await (await post('/api/v1/erase', '{"dataset":"Order","entity_ids":[]}')).json()).to.include({ entities_erased: 0 });
    const ids = JSON.stringify(Array.from({ length: 1_001 }, (_, i) => i));
    expect((await problemOf(await post('/api/v1/erase', `{"dataset":"Order","entity_ids":${ids}}`))).detail).to.contain('at most 1000');
  });

  it('commits from protobuf and from JSON, and tells it as an event', async () => {
    const asked: CommitRequest[] = [];
    gateway = await startGateway({
      registry: {
        ...registry,
        commit: (request) => {
          asked.push(request);
          return create(CommitResponseSchema, { revision: 8n });
        },
      },
    });
    const message = create(CommitRequestSchema, { baseRevision: 7n, bundle: { code: 'x' } });
    const binary = await post('/api/v1/commit', new Uint8Array(toBinary(CommitRequestSchema, message)), {
      'content-type': 'application/protobuf',
    });
    expect(await binary.json()).to.deep.equal({ revision: 8, changes: [] });
    await post('/api/v1/commit', '{"baseRevision":"7","bundle":{"code":"x"}}');
    for (const request of asked) expect(request).to.deep.equal(message);
    expect((await problemOf(await post('/api/v1/commit', '{"base":1}'))).detail).to.contain('thyme.v1.CommitRequest');
    expect(await (await post('/api/v1/plan', '{}')).json()).to.deep.equal({
      base_revision: 7,
      changes: [],
      problems: [{ place: 'A', message: 'b', fix: 'c' }],
      backfills: [{ name: 'A.b', version: 1, inputs: ['B'], records: 2, bytes: 3 }],
    });
    const events = (await get('/api/v1/events?event_type=commit&severity=info&limit=1')) as Record<string, unknown>[];
    expect(events).to.have.length(1);
    expect(events[0]).to.include.all.keys('id', 'event_type', 'severity', 'source', 'subject', 'message', 'detail', 'created_at');
    expect(await get('/api/v1/events?severity=warn')).to.deep.equal([]);
  });

  it('shows what is committed in the shapes of the published client and UI', async () => {
    gateway = await startGateway();
    const status = (await get('/api/v1/status')) as Record<string, Record<string, unknown>[]>;
    expect(status.latest_commit).to.deep.equal({ id: '7', status: 'committed', created_at: '2026-01-01T00:00:00Z' });
    expect(status.datasets?.[1]).to.include({ name: 'Stats', version: '2', timestamp: 'at' });
    expect(status.pipelines).to.have.length(1);
    expect(status.pipelines?.[0]).to.deep.include({
      name: 'Stats.stats',
      version: '3',
      input_datasets: ['Order'],
      output_dataset: 'Stats',
    });
    expect(status.featuresets?.[0]).to.deep.include({
      name: 'Signals',
      version: '7',
      feature_count: 5,
      extractors: [{ name: 'risk', inputs: ['count'], outputs: ['risky'], version: '7' }],
    });
    expect((status.featuresets?.[0]?.features as { dtype: string }[]).map(({ dtype }) => dtype)).to.deep.equal([
      'str',
      'int',
      'float',
      'bool',
      'datetime',
    ]);
    expect(status.sources?.[0]).to.deep.include({
      dataset: 'Order',
      connector_type: 'postgres',
      poll_interval: '5s',
      config: { table: 'orders', password: { secret: 'env:PG_PASSWORD' } },
    });
    expect(status.jobs?.[0]).to.include({ name: 'Stats.stats', partition_count: 2 });
    expect(status.jobs?.[0]?.progress).to.include({ caught_up: false, read: 20, applied: 18, lag: 8 });
    expect(status.backfills).to.deep.equal([
      { job_name: 'Stats.stats', source_dataset: 'Order', status: 'running', records_ingested: 20, records_left: 8 },
    ]);
    expect([status.recent_events, status.physical_assets]).to.deep.equal([[], []]);
    expect(((await get('/api/v1/featuresets')) as unknown[]).length).to.equal(2);
    expect(await get('/api/v1/jobs')).to.have.nested.property('[0].spec.pipeline_spec.max_lateness', '1h');
    expect(await get('/api/v1/sources')).to.have.nested.property('[0].cursor_field', 'at');
    const answer = await post('/api/v1/sources/Order/reset', '{"to":"now"}');
    expect(await answer.json()).to.deep.equal({ dataset: 'Order', position: 'behind now' });
    expect((await post('/api/v1/sources/Order/reset', '{}')).status).to.equal(400);
  });

  it('has a status before the first commit and without an aggregator', async () => {
    gateway = await startGateway({
      registry: { ...registry, get: () => create(GetResponseSchema) },
      aggregator: {
        listJobs: () => {
          throw new ThymeError('THYME_UNAVAILABLE', 'UNAVAILABLE', 'gone');
        },
      },
    });
    expect(await get('/api/v1/status')).to.deep.include({
      latest_commit: null,
      datasets: [],
      jobs: [],
      backfills: [],
      unavailable: ['aggregator'],
    });
    expect(await get('/api/v1/featuresets')).to.deep.equal([]);
  });

  it('maps every status to HTTP, and no words of ours get out', async () => {
    let failure: unknown;
    gateway = await startGateway({
      query: {
        ...query,
        query: () => {
          throw failure;
        },
      },
    });
    const expected: Record<StatusName, number> = {
      INVALID_ARGUMENT: 400,
      UNAUTHENTICATED: 401,
      PERMISSION_DENIED: 403,
      NOT_FOUND: 404,
      FAILED_PRECONDITION: 409,
      ABORTED: 409,
      OUT_OF_RANGE: 422,
      RESOURCE_EXHAUSTED: 429,
      UNAVAILABLE: 503,
      DEADLINE_EXCEEDED: 504,
      INTERNAL: 500,
    };
    for (const [status, code] of Object.entries(expected)) {
      failure = new ThymeError('THYME_SOME', status as StatusName, `words of ${status}`, [{ field: 'a', description: 'b' }]);
      const problem = await problemOf(await fetch(`${gateway.url}/features?featureset=F&entity_id=1`));
      expect(problem.status, status).to.equal(code);
      expect(problem.detail).to.match(status === 'INTERNAL' ? INTERNAL_ERROR : new RegExp(`^words of ${status}$`));
    }
    failure = new Error('password=hunter2');
    const text = await (await fetch(`${gateway.url}/features?featureset=F&entity_id=1`)).text();
    const { detail, ...rest } = JSON.parse(text) as { readonly detail: string };
    expect(rest).to.deep.equal({ type: 'about:blank', title: 'Internal Server Error', status: 500, error: detail });
    const [, incident = 'none'] = INTERNAL_ERROR.exec(detail) ?? [];
    expect(gateway.logLines.find((line) => line.includes(incident))).to.contain('hunter2');
  });

  it('knows its routes exactly: no redirects, no prefixes', async () => {
    gateway = await startGateway();
    for (const path of ['/features/', '/', '/nothing', '//features', '/query-runs/']) {
      const response = await fetch(gateway.url + path, { redirect: 'manual' });
      expect((await problemOf(response)).status, path).to.equal(404);
    }
    const wrong = await fetch(`${gateway.url}/features/batch`);
    expect([wrong.status, wrong.headers.get('allow')]).to.deep.equal([405, 'POST']);
    expect((await fetch(`${gateway.url}/features?featureset=A&featureset=B&entity_id=1`)).status).to.equal(400);
    const bare = await problemOf(await fetch(`${gateway.url}/features?__proto__=x&entity_id=1`));
    expect(bare.detail).to.match(/^__proto__: there is no such parameter; known are featureset, entity_type, entity_id, entity\.<field>/);
  });

  it('answers 413 after the whole of a body that is too large, naming the limit and the way out', async () => {
    gateway = await startGateway();
    const problem = await problemOf(await post('/api/v1/log', new Uint8Array(33 * 1024 * 1024)));
    expect(problem).to.include({ status: 413, title: 'Payload Too Large' });
    expect(problem.detail).to.contain('33554432 bytes').and.contain('several requests');
    const fits = `{"dataset":"Order","events":[{"a":"${'x'.repeat(32 * 1024 * 1024 - 60)}"}]}`;
    expect((await post('/api/v1/log', fits)).status).to.equal(200);
    expect((await post('/api/v1/log', '{}', { 'content-type': 'text/plain' })).status).to.equal(415);
    expect((await post('/api/v1/log', '{}', { 'content-encoding': 'gzip' })).status).to.equal(415);
    expect((await post('/api/v1/log', '{}', { 'sec-fetch-site': 'cross-site' })).status).to.equal(403);
  }).timeout(10_000);

  it('authorises before it reads, by scope', async () => {
    const [reader, writer] = [generateApiKey(['read']), generateApiKey(['write'])];
    let fingerprint: string | undefined;
    gateway = await startGateway(
      {
        query: {
          ...query,
          query: (request, context) => {
            fingerprint = context.apiKeyFingerprint;
            return query.query(request, context);
          },
        },
      },
      { authorize: authorizeByKeys([reader.entry, writer.entry]) },
    );
    const as = (key: string | undefined, path: string, init: RequestInit = {}) =>
      fetch(gateway.url + path, {
        ...init,
        headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), 'content-type': 'application/json' },
      });
    const read = '/features?featureset=Signals&entity_id=1';
    const none = await as(undefined, read);
    expect([none.status, none.headers.get('www-authenticate')]).to.deep.equal([401, 'Bearer']);
    expect((await as('thyme_wrong', read)).status).to.equal(401);
    expect((await as(writer.key, read)).status).to.equal(403);
    expect((await as(reader.key, read)).status).to.equal(200);
    expect(fingerprint).to.equal(reader.entry.sha256.slice(0, 8));
    expect((await as(reader.key, '/api/v1/log', { method: 'POST', body: '{}' })).status).to.equal(403);
    expect((await as(writer.key, '/api/v1/commit', { method: 'POST', body: '{}' })).status).to.equal(403);
    for (const path of ['/health', '/metrics', '/openapi.json']) expect((await as(undefined, path)).status, path).to.equal(200);
  });

  it('keeps connections alive for longer than clients do', async () => {
    gateway = await startGateway();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(`${gateway.url}/health`, { agent: false, headers: { connection: 'keep-alive' } }, resolve)
        .on('error', reject)
        .end();
    });
    response.resume();
    expect(Number(/timeout=(\d+)/.exec(String(response.headers['keep-alive']))?.[1])).to.be.at.least(65);
  });

  it('refuses what is no HTTP, and headers without end', async () => {
    gateway = await startGateway();
    const raw = (text: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connect(gateway.server.port, '127.0.0.1', () => socket.write(text));
        let answer = '';
        socket
          .on('data', (chunk) => {
            answer += String(chunk);
          })
          .on('end', () => resolve(answer))
          .on('error', reject);
      });
    expect(await raw('NONSENSE\r\n\r\n'))
      .to.match(/^HTTP\/1\.1 400 /)
      .and.to.contain('application/problem+json');
    expect(await raw(`GET /health HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).to.match(/^HTTP\/1\.1 431 /);
  });

  it('tells health, metrics and its own description', async () => {
    let isReady = true;
    gateway = await startGateway({ isReady: () => isReady });
    expect(await get('/health')).to.deep.equal({ status: 'ok' });
    isReady = false;
    expect((await fetch(`${gateway.url}/health`)).status).to.equal(503);
    expect(await (await fetch(`${gateway.url}/metrics`)).text()).to.contain(
      'thyme_http_requests_total{method="GET",route="/health",status="503"} 1',
    );
    const document = (await get('/openapi.json')) as { openapi: string; paths: Record<string, object> };
    expect(document.openapi).to.equal('3.1.0');
    expect(Object.keys(document.paths)).to.include.members([
      '/features',
      '/features/batch',
      '/features/offline',
      '/features/rows',
      '/features/entities',
      '/features/over-time',
      '/query-runs',
      '/query-runs/{id}',
      '/query-runs/{id}/replay',
      '/api/v1/commit',
      '/api/v1/log',
      '/api/v1/commits/{id}/code',
      '/api/v1/dead-letters/{id}/push',
      '/api/v1/late-records',
      '/api/v1/erase',
      '/api/v1/status',
      '/openapi.json',
    ]);
  });

  it('answers 504 in time where a service does not', async () => {
    const slow = {
      method: 'GET',
      path: '/slow',
      scope: 'public',
      summary: '',
      answers: {},
      timeoutMs: 50,
      handle: () => new Promise<never>(() => undefined),
    } as const;
    gateway = await startGateway({}, { pageRoutes: [slow] });
    expect((await problemOf(await fetch(`${gateway.url}/slow`))).status).to.equal(504);
  });

  it('finishes what is in flight when it stops', async () => {
    let release = (): void => undefined;
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    gateway = await startGateway({
      query: {
        ...query,
        query: (request, context) =>
          new Promise((resolve) => {
            release = () => resolve(query.query(request, context));
            begin();
          }),
      },
    });
    const answer = fetch(`${gateway.url}/features?featureset=Signals&entity_id=1`);
    await begun;
    const stopped = gateway.server.stop({ graceMs: 5_000 });
    release();
    expect((await answer).status).to.equal(200);
    await stopped;
    await gateway.server.done;
    expect(await fetch(`${gateway.url}/health`).catch((error: unknown) => error)).to.be.instanceOf(TypeError);
  });
});
