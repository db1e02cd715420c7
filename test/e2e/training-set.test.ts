// Batches and training sets over REST: request-time inputs of each row, keys of every shape, and every row judged before the
// first byte, by one process and by several holders alike.
import { tableFromIPC } from 'apache-arrow';
import { expect } from 'chai';
import { startOwner } from '../support/deployment.js';
import { curlUntil, jsonOf, post, request } from '../support/http.js';
import { Processes } from '../support/processes.js';

const MODULE = 'test/support/training-features.ts';
const ARROW = 'application/vnd.apache.arrow.stream';
const AT = '2026-01-05T12:00:00Z';
const US = Date.parse(AT) / 1_000;

describe('batches and training sets', function () {
  this.timeout(240_000);
  const processes = new Processes();
  /** One process, and two query services behind a gateway that hold two of three partitions each. */
  const urls: string[] = [];

  before(async () => {
    const whole = await processes.serve(processes.subfolder('whole'), ['--partitions', '3']);
    const owner = await startOwner(processes, 'split', { THYME_PARTITIONS: '3' });
    const hold = (name: string, partitions: string) =>
      processes.serve(processes.subfolder(name), ['--roles', 'query', '--owner', owner.grpcTarget, '--partitions', partitions]);
    const holders = [await hold('low', '0-1'), await hold('high', '1,2')].map(({ grpcTarget }) => grpcTarget).join(',');
    const gateway = await processes.serve(processes.subfolder('gateway'), [
      ...['--roles', 'gateway', '--owner', owner.grpcTarget, '--query', holders],
    ]);
    urls.push(whole.restUrl, gateway.restUrl);
    for (const url of urls) {
      const { code, stderr } = await processes.run(['commit', MODULE], { env: { THYME_API_URL: url } });
      expect(code, stderr).to.equal(0);
      await fill(url);
    }
  });
  after(() => processes.end());

  async function push(url: string, dataset: string, events: readonly object[]): Promise<void> {
    const { token } = jsonOf(await post(`${url}/api/v1/log`, { dataset, events, historical: true }));
    const entity = { Ride: 'RiderStats&entity_id=u0', Flag: 'Flag&entity_id=true', Slot: `Slot&entity_id=${AT}` }[dataset] ?? '';
    await curlUntil(`${url}/features?entity_type=${entity}&after=${String(token)}`, ({ status }) => status === 200);
  }

  async function fill(url: string): Promise<void> {
    const rides = Array.from({ length: 60 }, (_, i) => ({ rider: `u${i % 10}`, fare: 1, at: AT }));
    await push(url, 'Ride', rides);
    await push(url, 'Flag', [
      { on: true, level: 1, at: AT },
      { on: false, level: 0, at: AT },
    ]);
    await push(url, 'Slot', [{ begins: AT, seats: 4, at: AT }]);
  }

  const withoutClock = (text: string): string => text.replaceAll(/server's clock, [^:]+:\d\d:[^:]+:/g, '');

  /** Asks both deployments, which must say the same; freshness and the server's clock aside. */
  async function both(path: string, body: unknown, status = 200): Promise<Record<string, unknown>> {
    const [first, second] = await Promise.all(urls.map(async (url) => jsonOf(await post(url + path, body), status)));
    const comparable = (answer: Record<string, unknown> | undefined): unknown =>
      JSON.parse(withoutClock(JSON.stringify({ ...answer, freshness: 0, as_of: 0 })));
    expect(comparable(second)).to.deep.equal(comparable(first));
    return first ?? {};
  }

  const batch = (entity_ids: readonly unknown[], more: object = {}) => ({ featureset: 'Quote', entity_ids, timestamp: AT, ...more });
  const riders = Array.from({ length: 1_000 }, (_, i) => `u${i}`);

  it('take inputs that all rows share, and those of each row', async () => {
    const shared = await both('/features/batch', batch(['u1', 'never'], { inputs: { surge: 2, note: 'n' } }));
    expect(shared.features).to.deep.equal(['entity_id', 'rider', 'rides_1d', 'surge', 'note', 'price']);
    expect(shared.values).to.deep.equal([
      ['u1', 'u1', 6, 2, 'n', 10],
      ['never', 'never', 0, 2, 'n', 20],
    ]);
    const inputs = riders.map((_, i) => ({ surge: i, ...(i % 2 === 0 ? { note: `n${i}` } : {}) }));
    const { values } = await both('/features/batch', batch(riders, { inputs }));
    expect(values).to.deep.equal(
      riders.map((rider, i) => [rider, rider, i < 10 ? 6 : 0, i, i % 2 === 0 ? `n${i}` : null, (i < 10 ? 5 : 10) * i]),
    );
    const queries = riders.map((entity_id, i) => ({ entity_id, timestamp: i % 2 === 0 ? AT : '2025-01-01', inputs: { surge: i } }));
    const { results } = (await both('/features/offline', { featureset: 'Quote', queries })) as {
      readonly results: readonly { readonly features: object }[];
    };
    expect(results.map(({ features }) => features)).to.deep.equal(
      riders.map((rider, i) => {
        const rides_1d = i < 10 && i % 2 === 0 ? 6 : 0;
        return { rider, rides_1d, surge: i, note: null, price: (10 - Math.min(rides_1d, 5)) * i };
      }),
    );
  });

  it('answer the same in Arrow, in declared types', async () => {
    for (const url of urls) {
      const bodies = [
        ['/features/batch', batch(riders, { inputs: riders.map((_, surge) => ({ surge })) })],
        [
          '/features/offline',
          { featureset: 'Quote', queries: riders.map((entity_id, surge) => ({ entity_id, timestamp: AT, inputs: { surge } })) },
        ],
      ] as const;
      for (const [path, body] of bodies) {
        const response = await fetch(url + path, {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json', accept: ARROW },
        });
        const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
        expect(table.numRows).to.equal(riders.length);
        expect(String(table.schema.fields.find(({ name }) => name === 'surge')?.type)).to.equal('Float64');
        for (const i of [0, 9, 500, 999])
          expect(table.get(i)?.toJSON()).to.include({
            entity_id: `u${i}`,
            rider: `u${i}`,
            surge: i,
            note: null,
            price: (i < 10 ? 5 : 10) * i,
          });
      }
    }
  });

  const words = (row: number, rest: string): RegExp => new RegExp(`^(entities|entity_ids|queries|inputs)\\[${row}\\]${rest}`);
  const surge = { surge: 1 };
  /** A fault, as one row of a batch (entity and inputs) or of a training set. */
  const faults: readonly {
    readonly title: string;
    readonly id?: unknown;
    readonly inputs?: unknown;
    readonly timestamp?: unknown;
    readonly words: string;
  }[] = [
    { title: 'an empty id', id: '', words: '.*(empty|entity)' },
    { title: 'an id of another shape', id: ['u1', 'u2'], words: '.*' },
    { title: 'an object of other fields', id: { ridr: 'u1' }, words: '.*rider' },
    { title: 'no inputs where one is required', inputs: {}, words: '.*surge: required, but missing' },
    { title: 'inputs that are null', inputs: null, words: '.*surge: required, but missing' },
    { title: 'an input of another type', inputs: { surge: 'high' }, words: '.*surge: expected a float' },
    { title: 'an input that is none', inputs: { surge: 1, rides_1d: 3 }, words: '.*rides_1d: Quote has no such input' },
    { title: 'a misspelt input', inputs: { surge: 1, notes: 'x' }, words: ".*notes: .*did you mean 'note'\\?" },
    { title: 'inputs that are no object', inputs: [1], words: '(\\.inputs)?: must be an object' },
    { title: 'a time that is none', timestamp: 'soon', words: "\\.timestamp: 'soon' is no timestamp" },
    { title: 'a time to come', timestamp: '2099-01-01', words: '\\.timestamp: .*more than a minute ahead' },
  ];
  for (const fault of faults) {
    it(`name the row of ${fault.title}, wherever it stands, before anything is answered`, async () => {
      for (const row of [0, 255, 256, 700, 999]) {
        const inputs = riders.map((_, i) => (i === row && 'inputs' in fault ? fault.inputs : surge));
        const ids = riders.map((rider, i) => (i === row && 'id' in fault ? fault.id : rider));
        const queries = ids.map((entity_id, i) => ({
          entity_id,
          timestamp: i === row && 'timestamp' in fault ? fault.timestamp : AT,
          inputs: inputs[i],
        }));
        const offline = await both('/features/offline', { featureset: 'Quote', queries }, 400);
        expect(offline.detail).to.match(words(row, fault.words));
        if ('timestamp' in fault) continue;
        expect((await both('/features/batch', batch(ids, { inputs }), 400)).detail).to.match(words(row, fault.words));
      }
    });
  }

  it('name the first of several bad rows, whoever holds them', async () => {
    for (const [one, other] of [
      [300, 301],
      [17, 999],
      [1, 2],
    ] as const) {
      const inputs = riders.map((_, i) => (i === one || i === other ? {} : surge));
      expect((await both('/features/batch', batch(riders, { inputs }), 400)).detail).to.match(words(one, '\\.surge'));
    }
  });

  it('say when inputs and entities are not as many, and take none of either', async () => {
    const { detail } = await both('/features/batch', batch(['a', 'b'], { inputs: [surge] }), 400);
    expect(detail).to.equal('inputs: 1 for 2 entity_ids: send one for each, or one object for all');
    expect((await both('/features/batch', batch([], { inputs: [] }))).values).to.deep.equal([]);
    expect((await both('/features/batch', batch([]))).values).to.deep.equal([]);
    expect(await both('/features/offline', { featureset: 'Quote', queries: [] })).to.include.keys('results');
  });

  it('take each form of time in each row, and known_at for all or by row', async () => {
    const forms = [AT, '2026-01-05 12:00:00', '2026-01-05T12:00:00.000000+00:00', US, `${US}`, `${US}.000001`, '2026-01-06'];
    const ask = async (more: object) =>
      (
        (await both('/features/offline', {
          featureset: 'Quote',
          queries: forms.map((timestamp) => ({ entity_id: 'u1', timestamp, inputs: surge })),
          ...more,
        })) as { readonly results: readonly { readonly timestamp: unknown; readonly features: { readonly rides_1d: number } }[] }
      ).results;
    const rows = await ask({});
    expect(rows.map(({ timestamp }) => timestamp)).to.deep.equal(forms);
    expect(rows.map(({ features }) => features.rides_1d)).to.deep.equal([6, 6, 6, 6, 6, 6, 6]);
    expect((await ask({ known_at: 'timestamp' })).map(({ features }) => features.rides_1d)).to.deep.equal([6, 6, 6, 6, 6, 6, 6]);
    expect((await ask({ known_at: '2026-01-01' })).map(({ features }) => features.rides_1d)).to.deep.equal([0, 0, 0, 0, 0, 0, 0]);
  });

  it('take composite keys as objects, in any order of their fields', async () => {
    const ids = [
      { origin: 'ATL', number: 7 },
      { number: '8', origin: 'ORD' },
    ];
    const { values } = await both('/features/batch', { featureset: 'Leg', entity_ids: ids, inputs: [{ bags: 2 }, {}] });
    expect((values as unknown[][]).map((row) => row.slice(1))).to.deep.equal([
      ['ATL', 7, 2],
      ['ORD', 8, null],
    ]);
    const { detail } = await both('/features/batch', { featureset: 'Leg', entity_ids: [...ids, { origin: 'ATL' }] }, 400);
    expect(detail).to.match(/^entity_ids\[2\]: the key has the fields origin, number; missing: number/);
  });

  it('take bools and instants as keys, in JSON as themselves', async () => {
    const { values } = await both('/features/batch', { featureset: 'FlagLevel', entity_ids: [true, 'true', false, { on: true }] });
    expect(values).to.deep.equal([
      [true, true, 1],
      ['true', true, 1],
      [false, false, 0],
      [{ on: true }, true, 1],
    ]);
    expect((await both('/features', { featureset: 'FlagLevel', entity_id: true })).features).to.deep.equal({ on: true, level: 1 });
    expect((await both('/features/batch', { featureset: 'FlagLevel', entity_ids: [true, 1] }, 400)).detail).to.match(
      /\[1\]\.on: expected a bool/,
    );
    const slots = await both('/features/batch', { featureset: 'SlotSeats', entity_ids: [AT, US, '2026-01-05 12:00:00', '2026-01-06'] });
    expect((slots.values as unknown[][]).map((row) => row.slice(1))).to.deep.equal([
      [AT, 4],
      [AT, 4],
      [AT, 4],
      ['2026-01-06T00:00:00Z', null],
    ]);
  });

  it('take 100,000 entities and questions, and not one more', async () => {
    const many = Array.from({ length: 100_001 }, (_, i) => i);
    for (const url of urls) {
      const text = (await post(`${url}/features/batch`, { featureset: 'FlagLevel', entity_ids: many.slice(1).map((i) => i % 2 === 0) }))
        .text;
      expect((JSON.parse(text) as { readonly values: readonly unknown[] }).values).to.have.length(100_000);
      const queries = many.map(() => ({ entity_id: true, timestamp: 0 }));
      expect((await post(`${url}/features/batch`, { featureset: 'FlagLevel', entity_ids: many })).text).to.match(
        /entity_ids: holds 100001 entries; at most 100000/,
      );
      expect((await post(`${url}/features/offline`, { featureset: 'FlagLevel', queries })).text).to.match(
        /queries: holds 100001 entries; at most 100000/,
      );
    }
  });

  it('end the stream of what can only fail later, and never make it look whole', async () => {
    const ids = [...Array.from({ length: 100 }, (_, i) => `w${i}`), 'bad'];
    for (const url of urls) {
      const first = await post(`${url}/features/batch`, { featureset: 'Wide', entity_ids: ['bad', ...ids] });
      expect([first.status, first.text]).to.satisfy(
        ([status, text]: [number, string]) => status === 409 && /entities\[0\]/.test(text),
        first.text.slice(0, 300),
      );
      const cut = await post(`${url}/features/batch`, { featureset: 'Wide', entity_ids: ids }).catch((error: unknown) => error);
      expect(cut, 'after 45 MB').to.be.instanceOf(TypeError);
    }
  });

  it('leave a run each, which says that it had inputs and is not replayed', async () => {
    const [url = ''] = urls;
    const answers = [
      await post(`${url}/features/batch`, batch(['u1'], { inputs: surge })),
      await post(`${url}/features/offline`, { featureset: 'Quote', queries: [{ entity_id: 'u1', timestamp: AT, inputs: surge }] }),
    ];
    for (const { headers } of answers) {
      const id = headers.get('x-query-run-id') ?? '';
      expect(jsonOf(await request(`${url}/query-runs/${id}`))).to.include({ had_inputs: true, row_count: 1 });
      expect(jsonOf(await request(`${url}/query-runs/${id}/replay`, { method: 'POST' }), 409).detail).to.match(/request-time inputs/);
    }
  });
});
