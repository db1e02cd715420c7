// What the published Python client needs of REST, item by item (REST.md, "What each needs from our server"), over the real platform.
import { tableFromIPC, type Table } from 'apache-arrow';
import { expect } from 'chai';
import { jsonOf, post, request, type HttpAnswer } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';

const ARROW = 'application/vnd.apache.arrow.stream';
/** As the client sends it. */
const ACCEPT = { accept: `${ARROW}, application/json;q=0.9` };
const NOW = new Date();
const T = NOW.toISOString();
const RUN_ID = /^[0-9a-f-]{16,64}$/;

describe('the published client', function () {
  this.timeout(300_000);
  const processes = new Processes();
  let thyme: ThymeProcess;
  let url: string;

  before(async () => {
    thyme = await processes.serve(processes.subfolder('data'));
    url = thyme.restUrl;
    const { code, stderr } = await processes.run(['commit', 'test/support/shop-features.ts'], { env: { THYME_API_URL: url } });
    expect(code, stderr).to.equal(0);
    const events = [1, 2, 42].map((user_id) => ({
      user_id,
      item: `item ${user_id}`,
      price: 5,
      quantity: null,
      note: null,
      unheard_of: null,
      paid_at: T,
    }));
    const { token } = jsonOf(await post(`${url}/api/v1/log`, { dataset: 'Purchase', events }));
    jsonOf(await get(`featureset=Buyer&entity_id=1&after=${String(token)}`));
  });
  after(() => processes.end());
  afterEach(() => expect(thyme.stderr()).to.not.match(/"level":"error"/));

  function get(query: string): Promise<HttpAnswer> {
    return request(`${url}/features?${query}`);
  }

  async function arrow(path: string, body: unknown): Promise<{ readonly table: Table; readonly headers: Headers }> {
    const response = await fetch(url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...ACCEPT },
    });
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.contain(ARROW);
    return { table: tableFromIPC(new Uint8Array(await response.arrayBuffer())), headers: response.headers };
  }

  const typesOf = ({ schema }: Table): readonly string[] => schema.fields.map(({ name, type }) => `${name}: ${String(type)}`);
  const batch = (entity_ids: readonly unknown[]) => ({ featureset: 'Buyer', entity_ids });
  const offline = (timestamps: readonly unknown[]) => ({
    featureset: 'Buyer',
    queries: timestamps.map((timestamp) => ({ entity_id: '1', timestamp })),
  });

  it('REST 1: finds both bases by its own variables, also where one ends in /api/v1/commit', async () => {
    const variables: readonly Readonly<Record<string, string>>[] = [
      { THYME_API_BASE: url, THYME_QUERY_URL: url },
      { THYME_API_URL: `${url}/api/v1/commit` },
    ];
    for (const env of variables) {
      const { code, stdout, stderr } = await processes.run(['query', 'Buyer', '-e', '42'], { env });
      expect(code, stderr).to.equal(0);
      expect((JSON.parse(stdout) as { readonly features: object }).features).to.include({ count_1d: 1 });
      expect(stderr).to.match(/^Query run: \S+\n$/);
    }
  });

  it('REST 2: carries a run id on every kind of read', async () => {
    const answers = [
      await get('featureset=Buyer&entity_id=1'),
      await get('entity_type=Purchase&entity_id=1'),
      await post(`${url}/features`, { featureset: 'Cart', entity_id: 1, inputs: { total: 3 } }),
      await post(`${url}/features/batch`, batch([1])),
      await post(`${url}/features/offline`, offline([T])),
    ];
    const ids = [
      ...answers.map(({ headers }) => headers.get('x-query-run-id')),
      (await arrow('/features/batch', batch([1]))).headers.get('x-query-run-id'),
      (await arrow('/features/offline', offline([T]))).headers.get('x-query-run-id'),
    ];
    for (const id of ids) expect(id).to.match(RUN_ID);
    expect(new Set(ids).size).to.equal(7);
  });

  it('REST 3: tells status and events in the fields that its CLI prints', async () => {
    const status = jsonOf(await request(`${url}/api/v1/status`)) as Record<string, readonly Record<string, unknown>[]>;
    expect(status).to.include.keys('backfills', 'recent_events', 'datasets', 'pipelines', 'featuresets', 'sources', 'jobs');
    expect(status.latest_commit).to.include({ id: '1' }).and.include.keys('status', 'created_at');
    expect(status.datasets?.[0]).to.include({ name: 'Purchase', version: '1' });
    expect(status.pipelines?.[0]).to.include({ name: 'UserPurchases.purchases', version: '1', output_dataset: 'UserPurchases' });
    const buyer = status.featuresets?.find(({ name }) => name === 'Buyer');
    expect(buyer).to.include({ feature_count: 7 });
    const features = buyer?.features as readonly { readonly name: string; readonly dtype: string }[];
    expect(features.find(({ name }) => name === 'last_paid_at')).to.include({ dtype: 'datetime', id: 6, input: false });
    expect(features.map(({ dtype }) => dtype)).to.deep.equal(['int', 'int', 'float', 'float', 'str', 'datetime', 'bool']);
    expect(status.jobs?.[0]).to.include({ name: 'UserPurchases.purchases', partition_count: 1 });
    const events = JSON.parse((await request(`${url}/api/v1/events?limit=5&severity=info&event_type=commit`)).text) as readonly object[];
    expect(events).to.have.length(1);
    expect(events[0]).to.have.keys('id', 'event_type', 'severity', 'source', 'subject', 'message', 'detail', 'created_at');
    for (const word of ['warn', 'warning']) expect((await request(`${url}/api/v1/events?severity=${word}`)).text).to.equal('[]');
  });

  it('REST 4: reads each form of time that Python makes of one', async () => {
    const seconds = Math.floor(NOW.getTime() / 1_000);
    const forms = [
      '2026-01-01 00:00:00',
      '2026-01-01 00:00:00.500000+00:00',
      '2026-01-01',
      '1767225600',
      '1767225600.25',
      1_767_225_600,
      1_767_225_600.25,
      seconds,
    ];
    const { results } = jsonOf(await post(`${url}/features/offline`, offline(forms))) as {
      readonly results: readonly { readonly timestamp: unknown; readonly features: { readonly count_1d: number } }[];
    };
    expect(results.map(({ timestamp }) => timestamp)).to.deep.equal(forms);
    const asOf = async (timestamp: string): Promise<unknown> =>
      jsonOf(await get(`featureset=Buyer&entity_id=1&timestamp=${encodeURIComponent(timestamp)}`)).as_of;
    expect(await asOf('2026-01-01')).to.equal('2026-01-01T00:00:00Z');
    expect(await asOf('1767225600.25')).to.equal('2026-01-01T00:00:00.25Z');
    expect(await asOf('2026-01-01 00:00:00.500000+00:00')).to.equal('2026-01-01T00:00:00.5Z');
  });

  it('REST 5: sends Arrow in declared types, the same for rows, for nulls and for none', async () => {
    const expected = [
      'entity_id: Utf8',
      'user_id: Int64',
      'count_1d: Int64',
      'spend_1d: Float64',
      'dearest_1d: Float64',
      'item: Utf8',
      'last_paid_at: Timestamp<MICROSECOND, UTC>',
      'is_new: Bool',
    ];
    for (const ids of [[1, 2], [777], []]) expect(typesOf((await arrow('/features/batch', batch(ids))).table)).to.deep.equal(expected);
    const [first = '', ...rest] = expected;
    for (const times of [[T, '2001-01-01'], ['2001-01-01'], []])
      expect(typesOf((await arrow('/features/offline', offline(times))).table)).to.deep.equal([
        first,
        'timestamp: Timestamp<MICROSECOND, UTC>',
        ...rest,
      ]);
  });

  it('REST 6 and 7: takes nulls for what is optional or unknown, no events, and refuses with the indices', async () => {
    expect(jsonOf(await post(`${url}/api/v1/log`, { dataset: 'Purchase', events: [] }))).to.include({ events_sent: 0 });
    const refused = jsonOf(
      await post(`${url}/api/v1/log`, { dataset: 'Purchase', events: [{ user_id: 5, item: null, price: 1, paid_at: T }] }),
      422,
    );
    expect(refused).to.include({ events_sent: 0 });
    expect(refused.errors).to.deep.equal([
      { index: 0, error: 'Purchase.item: required, but null: send a value, or declare the field .optional' },
    ]);
  });

  it('REST 8: takes ids as numbers and as text, and gives the key in its type', async () => {
    for (const id of [42, '42']) {
      const { features, values } = jsonOf(await post(`${url}/features/batch`, batch([id])));
      expect(features).to.deep.equal(['entity_id', 'user_id', 'count_1d', 'spend_1d', 'dearest_1d', 'item', 'last_paid_at', 'is_new']);
      expect((values as readonly unknown[][])[0]?.slice(0, 3)).to.deep.equal([id, 42, 1]);
    }
    expect(jsonOf(await get('featureset=Buyer&entity_id=42')).features).to.include({ user_id: 42 });
  });

  it('REST 9: keeps connections for longer than httpx does, and redirects nowhere', async () => {
    const { headers } = await get('featureset=Buyer&entity_id=1');
    expect(Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1])).to.be.at.least(65);
    for (const path of ['/features/', '/api/v1/log/', '//features'])
      expect((await request(url + path)).status, path).to.be.within(404, 405);
  });

  it('REST 10: takes a push of 20 MiB in one request', async () => {
    const note = 'x'.repeat(1_000);
    const events = Array.from({ length: 20_000 }, () => ({ user_id: 10, item: 'tea', price: 0.5, note, paid_at: T }));
    const { events_sent: sent, token } = jsonOf(await post(`${url}/api/v1/log`, { dataset: 'Purchase', events }));
    expect(sent).to.equal(20_000);
    expect(jsonOf(await get(`featureset=Buyer&entity_id=10&after=${String(token)}`)).features).to.include({ count_1d: 20_000 });
  });

  it('REST 11: writes floats with a point wherever JSON is sent, and in Arrow gives ids as text and times as instants', async () => {
    expect((await get('featureset=Buyer&entity_id=1')).text)
      .to.contain('"spend_1d":5.0')
      .and.to.contain('"count_1d":1,');
    expect((await get('entity_type=Purchase&entity_id=1')).text).to.contain('"price":5.0');
    expect((await post(`${url}/features/batch`, batch([1]))).text).to.match(/\[1,1,1,5\.0,5\.0,/);
    expect((await post(`${url}/features/offline`, offline([T]))).text).to.contain('"spend_1d":5.0');
    const { table } = await arrow('/features/offline', offline(['1767225600.25']));
    expect([table.getChild('entity_id')?.get(0), table.getChild('timestamp')?.get(0)]).to.deep.equal(['1', 1_767_225_600_250]);
  });

  it('REST 12: tells a dataset that is not there from a row that is not', async () => {
    expect(jsonOf(await get('entity_type=Purchase&entity_id=777'))).to.include({ features: null, mode: 'online' });
    expect((await get('entity_type=Nothing&entity_id=1')).status).to.equal(404);
  });

  it('REST 13: sends datetimes as RFC 3339 in JSON, and as timestamps in Arrow', async () => {
    expect(jsonOf(await get('featureset=Buyer&entity_id=1')).features).to.include({ last_paid_at: T.replace(/\.?0*Z$/, 'Z') });
    const { table } = await arrow('/features/batch', batch([1, 777]));
    const column = table.getChild('last_paid_at');
    expect([Number(column?.get(0)), column?.get(1)]).to.deep.equal([NOW.getTime(), null]);
  });

  it('REST 14: prefers the featureset, and gives the web UI what it lists', async () => {
    expect(jsonOf(await get('featureset=Buyer&entity_type=Purchase&entity_id=1'))).to.include({ entity_type: 'Buyer' });
    expect((await request(`${url}/health`)).text).to.equal('{"status":"ok"}');
    for (const path of ['/api/v1/featuresets', '/api/v1/jobs', '/api/v1/sources'])
      expect(JSON.parse((await request(url + path)).text), path).to.be.an('array');
    const { runs, next_cursor: cursor } = jsonOf(await request(`${url}/query-runs?limit=2&featureset=Buyer`)) as {
      readonly runs: readonly Record<string, unknown>[];
      readonly next_cursor: string;
    };
    expect(runs).to.have.length(2);
    expect((jsonOf(await request(`${url}/query-runs?limit=1000`)).runs as readonly object[]).length).to.be.above(2);
    expect(runs[0])
      .to.include({ featureset: 'Buyer', kind: 'online', row_count: 1, hit_count: 1, error: null, api_key_fingerprint: null })
      .and.include.keys('id', 'entity_ids', 'requested_timestamp', 'latency_ms', 'created_at');
    expect(
      (jsonOf(await request(`${url}/query-runs?limit=2&featureset=Buyer&cursor=${encodeURIComponent(cursor)}`)).runs as readonly object[])
        .length,
    ).to.equal(2);
    expect(jsonOf(await request(`${url}/query-runs/${String(runs[0]?.id)}/replay`, { method: 'POST' }))).to.include({ kind: 'online' });
  });
});
