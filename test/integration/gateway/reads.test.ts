import { setImmediate } from 'node:timers/promises';
import { tableFromIPC, Type, type Timestamp } from 'apache-arrow';
import { create } from '@bufbuild/protobuf';
import { expect } from 'chai';
import {
  QueryOfflineResponseSchema,
  type QueryBatchStreamRequest,
  type QueryOfflineRequest,
  type QueryRequest,
} from '../../../gen/thyme/v1/query_pb.js';
import type { CallContext } from '../../../libs/rpc/handlers.js';
import { FEATURES, signals } from './fake-query.js';
import { fakeServices, startGateway, type RunningGateway } from './fake-services.js';

const ARROW = 'application/vnd.apache.arrow.stream';

describe('REST reads', () => {
  let gateway: RunningGateway;
  const query = fakeServices().query;

  const post = (path: string, body: unknown, accept = 'application/json') =>
    fetch(gateway.url + path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', accept },
    });

  afterEach(() => gateway.server.stop({ graceMs: 500 }));

  it('answers features of one entity, floats as floats', async () => {
    gateway = await startGateway();
    const response = await fetch(`${gateway.url}/features?featureset=Signals&entity_id=user_1&entity_type=Signals`);
    expect(response.status).to.equal(200);
    expect(response.headers.get('x-query-run-id')).to.equal('run-1');
    expect(await response.text()).to.equal(
      '{"entity_type":"Signals","entity_id":"user_1","features":{"user_id":"user_1","count":5,"total":5.0,"risky":true,"last_at":"2026-01-01T00:00:00.000001Z"},' +
        '"mode":"online","as_of":"2026-01-01T00:00:00Z","freshness":{"watermark":"2026-01-01T00:00:00Z","lag_us":250}}',
    );
  });

  it('passes on instants, token and inputs', async () => {
    let asked: QueryRequest | undefined;
    let context: CallContext | undefined;
    gateway = await startGateway({
      query: {
        ...query,
        query: (request, given) => {
          asked = request;
          context = given;
          return query.query(request, given);
        },
      },
    });
    const response = await post('/features', {
      featureset: 'Signals',
      entity_id: 42,
      timestamp: '1767225600.25',
      known_at: '2026-01-02',
      after: 'tok',
      inputs: { cart: 12, ratio: 0.5, tags: ['a'], __proto__x: null },
    });
    expect(await response.json()).to.include({ mode: 'point_in_time', as_of: '2026-01-01T00:00:00.25Z', entity_id: 42 });
    expect(asked).to.deep.include({
      featureset: 'Signals',
      timestampUs: 1_767_225_600_250_000n,
      knownAtUs: 1_767_312_000_000_000n,
      after: 'tok',
    });
    expect(asked?.entity?.values[0]?.kind).to.deep.equal({ case: 'intValue', value: 42n });
    expect(asked?.inputs.cart?.kind).to.deep.equal({ case: 'intValue', value: 12n });
    expect(asked?.inputs.ratio?.kind).to.deep.equal({ case: 'floatValue', value: 0.5 });
    expect(context?.deadline?.getTime()).to.be.within(Date.now(), Date.now() + 30_000);
  });

  it('orders the fields of composite keys as the definition does', async () => {
    const asked: QueryRequest[] = [];
    gateway = await startGateway({
      query: {
        ...query,
        query: (request, context) => {
          asked.push(request);
          return query.query(request, context);
        },
      },
    });
    const response = await fetch(`${gateway.url}/features?featureset=Routes&entity.destination=ORD&entity.origin=ATL`);
    expect(await response.json()).to.deep.include({ entity_id: { origin: 'ATL', destination: 'ORD' } });
    await post('/features', { featureset: 'Routes', entity_id: { destination: 'ORD', origin: 'ATL' } });
    for (const { entity } of asked) expect(entity?.values.map(({ kind }) => kind.value)).to.deep.equal(['ATL', 'ORD']);
    const partial = await fetch(`${gateway.url}/features?featureset=Routes&entity.destination=ORD`);
    expect([partial.status, ((await partial.json()) as { detail: string }).detail]).to.deep.equal([
      400,
      'entity: the key has the fields origin, destination; missing: origin',
    ]);
  });

  it('looks up rows, and tells no row from no dataset', async () => {
    gateway = await startGateway();
    const get = async (dataset: string, id: string) => {
      const response = await fetch(`${gateway.url}/features?entity_type=${dataset}&entity_id=${id}`);
      return [
        response.status,
        response.headers.get('x-query-run-id'),
        (await response.json()) as { features?: unknown; detail?: string },
      ] as const;
    };
    const [status, runId, found] = await get('Order', 'user_1');
    expect([status, runId, found.features]).to.deep.equal([200, 'run-4', { amount: 5 }]);
    expect((await get('Order', 'nobody'))[2].features).to.equal(null);
    const [missing, , problem] = await get('Ordr', 'user_1');
    expect([missing, problem.detail]).to.deep.equal([404, "no dataset is called 'Ordr'; did you mean 'Order'?"]);
  });

  it('answers batches as JSON: entity_id, then every feature', async () => {
    gateway = await startGateway();
    const response = await post('/features/batch', { featureset: 'Signals', entity_ids: ['a', 42] });
    expect(response.headers.get('x-query-run-id')).to.equal('run-2');
    const body = await response.text();
    expect(body).to.contain('"values":[["a","user_0",5,0.0,true,').and.contain('[42,"user_1",5,null,true,');
    expect((JSON.parse(body) as { features: unknown }).features).to.deep.equal(['entity_id', ...FEATURES]);
    const empty = await post('/features/batch', { featureset: 'Signals', entity_ids: [] });
    expect(await empty.json()).to.deep.include({ values: [] });
  });

  it('answers batches as Arrow where that is preferred, by declared types', async () => {
    const asked: QueryBatchStreamRequest[] = [];
    gateway = await startGateway({
      query: { ...query, queryBatchStream: (requests, context) => query.queryBatchStream(noted(requests, asked), context) },
    });
    const ids = Array.from({ length: 5_000 }, (_, i) => `user_${i}`);
    const response = await post('/features/batch', { featureset: 'Signals', entity_ids: ids }, `${ARROW}, application/json;q=0.9`);
    expect(response.headers.get('content-type')).to.equal(ARROW);
    expect(response.headers.get('x-query-run-id')).to.equal('run-2');
    const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    expect(asked.map(({ entities }) => entities.length)).to.deep.equal(Array.from({ length: 10 }, () => 500));
    expect(table.numRows).to.equal(5_000);
    expect(table.schema.fields.map(({ name, type }) => `${name}:${String(type)}`)).to.deep.equal([
      'entity_id:Utf8',
      'user_id:Utf8',
      'count:Int64',
      'total:Float64',
      'risky:Bool',
      'last_at:Timestamp<MICROSECOND, UTC>',
    ]);
    const row = table.get(4_998)?.toJSON() ?? {};
    expect(row).to.include({ entity_id: 'user_4998', user_id: 'user_4998', count: 5n, total: 4_998, risky: true });
    expect(table.get(4_999)?.toJSON().total).to.equal(null);
    const lastAt = table.getChild('last_at');
    expect(lastAt?.type.typeId).to.equal(Type.Timestamp);
    expect((lastAt?.type as Timestamp).timezone).to.equal('UTC');
    expect(lastAt?.data[0]?.values[0]).to.equal(1_767_225_600_000_001n); // to the microsecond
  });

  it('gives the same Arrow schema for no rows and for rows of nulls', async () => {
    gateway = await startGateway();
    const schemaOf = async (path: string, body: unknown) =>
      tableFromIPC(new Uint8Array(await (await post(path, body, ARROW)).arrayBuffer())).schema.toString();
    const some = await schemaOf('/features/batch', { featureset: 'Signals', entity_ids: ['a', 'b'] });
    expect(await schemaOf('/features/batch', { featureset: 'Signals', entity_ids: [] })).to.equal(some);
    expect(await schemaOf('/features/batch', { featureset: 'Signals', entity_ids: ['a'] })).to.equal(some);
  });

  it('answers training sets in order: JSON, NDJSON and Arrow', async () => {
    const asked: QueryOfflineRequest[] = [];
    gateway = await startGateway({
      query: { ...query, queryOffline: (requests, context) => query.queryOffline(noted(requests, asked), context) },
    });
    const queries = Array.from({ length: 1_234 }, (_, i) => ({
      entity_id: `u${i}`,
      timestamp: `2026-01-01 00:00:00.${String(i % 1_000).padStart(6, '0')}`,
    }));
    const body = { featureset: 'Signals', queries, known_at: 'timestamp' };
    const json = await post('/features/offline', body);
    expect(json.headers.get('x-query-run-id')).to.equal('run-3');
    const { results } = (await json.json()) as { results: { entity_id: string; timestamp: string; features: { total: number } }[] };
    expect(results.map(({ entity_id, timestamp }) => ({ entity_id, timestamp }))).to.deep.equal(queries);
    expect(results.map(({ features }) => features.total)).to.deep.equal(queries.map((_query, i) => i % 1_000));
    expect(asked.map(({ questions }) => questions.length)).to.deep.equal([500, 500, 234]);
    expect(asked[0]).to.include({ featureset: 'Signals', knownAtTimestamp: true });

    const lines = (await (await post('/features/offline', body, 'application/x-ndjson')).text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { end?: boolean; rows?: number });
    expect(lines).to.have.length(1_235);
    expect(lines.at(-1)).to.deep.equal({ end: true, rows: 1_234 });

    const table = tableFromIPC(new Uint8Array(await (await post('/features/offline', body, ARROW)).arrayBuffer()));
    expect(table.schema.names).to.deep.equal(['entity_id', 'timestamp', ...FEATURES]);
    expect(table.get(1_233)?.toJSON()).to.include({ entity_id: 'u1233', timestamp: Date.UTC(2026, 0, 1) + 0.233, total: 233 }); // ms
    expect(table.numRows).to.equal(1_234);
  });

  it('names the row of a timestamp that is none', async () => {
    gateway = await startGateway();
    for (const timestamp of ['None', null, 'soon', undefined]) {
      const response = await post('/features/offline', {
        featureset: 'Signals',
        queries: [
          { entity_id: 'a', timestamp: '2026-01-01' },
          { entity_id: 'b', timestamp },
        ],
      });
      expect(response.status).to.equal(400);
      expect(((await response.json()) as { detail: string }).detail).to.match(/^queries\[1\]\.timestamp: .* is no timestamp/);
    }
  });

  it('destroys the connection when a training set fails midway, in each format', async () => {
    let answered = (): void => undefined; // the client has the head of the answer
    gateway = await startGateway({
      query: {
        ...query,
        async *queryOffline() {
          const head = new Promise<void>((resolve) => (answered = resolve));
          yield create(QueryOfflineResponseSchema, { queryRunId: 'run-3', features: FEATURES, rows: [signals('a')] });
          await head;
          throw new Error('password=hunter2');
        },
      },
    });
    for (const accept of ['application/json', 'application/x-ndjson', ARROW]) {
      const response = await post(
        '/features/offline',
        {
          featureset: 'Signals',
          queries: [
            { entity_id: 'a', timestamp: 0 },
            { entity_id: 'b', timestamp: 0 },
          ],
        },
        accept,
      );
      expect(response.status).to.equal(200);
      answered();
      const outcome = await response.text().catch((error: unknown) => error);
      expect(outcome, accept).to.be.instanceOf(TypeError);
    }
    expect(gateway.logLines.join('')).to.contain('hunter2');
  });

  it('destroys the connection when fewer rows come than were asked for', async () => {
    gateway = await startGateway({
      query: {
        ...query,
        async *queryOffline() {
          yield create(QueryOfflineResponseSchema, { queryRunId: 'r', features: FEATURES, rows: [signals('a')] });
        },
      },
    });
    const answer = post('/features/offline', {
      featureset: 'Signals',
      queries: [
        { entity_id: 'a', timestamp: 0 },
        { entity_id: 'b', timestamp: 0 },
      ],
    }).then((response) => response.text());
    expect(await answer.catch((error: unknown) => error)).to.be.instanceOf(TypeError);
  });

  it('stops the query when the client leaves', async () => {
    let signal: AbortSignal | undefined;
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    gateway = await startGateway({
      query: {
        ...query,
        async *queryOffline(_requests, context) {
          signal = context.signal;
          try {
            for (;;) {
              yield create(QueryOfflineResponseSchema, { queryRunId: 'r', features: FEATURES, rows: [signals('x'.repeat(1e5))] });
              await setImmediate(); // never ends, and lets others run
            }
          } finally {
            end();
          }
        },
      },
    });
    const queries = Array.from({ length: 50_000 }, () => ({ entity_id: 'a', timestamp: 0 }));
    const response = await post('/features/offline', { featureset: 'Signals', queries });
    await response.body?.cancel();
    await ended;
    expect(signal?.aborted).to.equal(true);
    expect(gateway.logLines).to.deep.equal([]);
  });

  it('shows query runs and replays them', async () => {
    gateway = await startGateway();
    const get = async (path: string, method = 'GET') => (await fetch(gateway.url + path, { method })).json() as Promise<unknown>;
    expect(await get('/query-runs?limit=5')).to.deep.equal({
      runs: [
        {
          id: 'run-1',
          featureset: 'Signals',
          entity_ids: ['u'],
          entity_count: 1,
          requested_timestamp: null,
          as_of: null,
          known_at: null,
          kind: 'online',
          row_count: 1,
          hit_count: 1,
          latency_ms: 2,
          api_key_fingerprint: 'deadbeef',
          error: null,
          had_inputs: false,
          created_at: '2026-01-01T00:00:00Z',
        },
      ],
      next_cursor: 'c2',
    });
    expect(await get('/query-runs/run-1')).to.include({ id: 'run-1', kind: 'batch', requested_timestamp: '2026-01-01T00:00:00Z' });
    for (const [filter, words] of [
      ['kind=batches', /^kind: 'batches' is none of online, batch, offline, lookup$/],
      ['failed=yes', /^failed: 'yes' is neither true nor false$/],
      ['min_latency_ms=-1', /^min_latency_ms: '-1' is no number of milliseconds/],
    ] as const)
      expect(((await get(`/query-runs?${filter}`)) as { readonly detail: string }).detail).to.match(words);
    expect(await get('/query-runs/run%2F9')).to.include({ status: 404 });
    expect(await get('/query-runs/run-1/replay', 'POST')).to.deep.equal({
      kind: 'online',
      result: { features: ['count'], values: [[5]], as_of: '2026-01-01T00:00:00Z' },
    });
  });
});

/** The requests as they pass. */
async function* noted<T>(requests: AsyncIterable<T>, into: T[]): AsyncGenerator<T> {
  for await (const request of requests) {
    into.push(request);
    yield request;
  }
}
