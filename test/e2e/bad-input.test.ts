// Each mistake: the error that its caller sees over REST and over gRPC, and nothing half done afterwards.
import type { JsonValue } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { grpcTool, RpcFailure } from '../support/grpc-tool.js';
import { jsonOf, post, request } from '../support/http.js';
import { Processes, type ThymeProcess } from '../support/processes.js';
import { BAD_PUSHES, BAD_REQUESTS, type BadInput } from './bad-input-cases.js';

const STACK = /\n\s+at |node_modules|\.[tj]s:\d+|internal error/;
const MIB = 1_024 * 1_024;

describe('bad input', function () {
  this.timeout(300_000);
  const processes = new Processes();
  const tool = grpcTool();
  let thyme: ThymeProcess;
  let untouched: string;
  let goodPushes = 0;

  before(async () => {
    thyme = await processes.serve(processes.subfolder('data'));
    const { code, stderr } = await processes.run(['commit', 'test/support/shop-features.ts'], { env: { THYME_API_URL: thyme.restUrl } });
    expect(code, stderr).to.equal(0);
    await pushGood(1);
    untouched = await stateOf(1);
  });
  after(() => processes.end());
  // A refusal leaves no trace: what was there is as it was, and the next good push counts as one.
  afterEach(async () => {
    await pushGood(2);
    goodPushes++;
    expect(await stateOf(1)).to.equal(untouched);
    expect(JSON.parse(await stateOf(2))).to.include({ count_1d: goodPushes });
    expect(thyme.isRunning, thyme.stderr()).to.be.true;
    expect(thyme.stderr()).to.not.match(/"level":"error"/);
  });

  async function pushGood(user: number): Promise<void> {
    const events = [{ user_id: user, item: 'tea', price: 2.5, paid_at: new Date().toISOString() }];
    const { token } = jsonOf(await post(`${thyme.restUrl}/api/v1/log`, { dataset: 'Purchase', events }));
    jsonOf(await request(`${thyme.restUrl}/features?featureset=Buyer&entity_id=${user}&after=${String(token)}`));
  }

  async function stateOf(user: number): Promise<string> {
    return JSON.stringify(jsonOf(await request(`${thyme.restUrl}/features?featureset=Buyer&entity_id=${user}`)).features);
  }

  async function refusedByRest({ rest, status, words }: BadInput): Promise<void> {
    const text = rest.text ?? (rest.body === undefined ? undefined : JSON.stringify(rest.body));
    const answer = await request(thyme.restUrl + rest.path, {
      ...(text === undefined ? {} : { body: text }),
      headers: { authorization: `Bearer ${thyme.adminKey}`, ...rest.headers },
      ...(rest.method === undefined ? {} : { method: rest.method }),
    });
    const problem = jsonOf(answer, status);
    expect(answer.headers.get('content-type')).to.equal('application/problem+json');
    expect(problem).to.include({ status, error: problem.detail });
    expect(problem.detail).to.match(words).and.not.match(STACK);
  }

  async function refusedByGrpc({ method, request: message, code }: NonNullable<BadInput['rpc']>, words: RegExp): Promise<void> {
    try {
      // The cast: the tables hold what JSON can say.
      const [answer] = await tool.call(thyme.grpcTarget, `thyme.v1.${method}`, message as JsonValue);
      const { errors = [] } = answer as unknown as { readonly errors?: readonly { readonly error: string }[] };
      expect(code, 'the call went well').to.equal(undefined);
      expect(errors[0]?.error).to.match(words);
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      expect(error.code, error.message).to.equal(code);
      expect(error.message).to.match(words).and.not.match(STACK);
    }
  }

  for (const bad of [...BAD_PUSHES, ...BAD_REQUESTS]) {
    it(`is refused: ${bad.title}`, async () => {
      await refusedByRest(bad);
      if (bad.rpc !== undefined) await refusedByGrpc(bad.rpc, bad.words);
    });
  }

  it('REST 7: accepts the good records beside refused ones, names those, and says that a retry would double the others', async () => {
    const event = { user_id: 7, item: 'tea', price: 1, paid_at: new Date().toISOString() };
    const answer = await post(`${thyme.restUrl}/api/v1/log`, { dataset: 'Purchase', events: [event, { ...event, price: null }, event, 4] });
    const { events_sent: sent, errors, token, error } = jsonOf(answer, 422);
    expect(sent).to.equal(2);
    expect((errors as readonly { readonly index: number }[]).map(({ index }) => index)).to.deep.equal([1, 3]);
    expect(error).to.match(/The 2 accepted stay accepted: send only the refused ones again/);
    const { features } = jsonOf(await request(`${thyme.restUrl}/features?featureset=Buyer&entity_id=7&after=${String(token)}`));
    expect(features).to.include({ count_1d: 2 });
  });

  it('REST 2: a read that was refused is on record under the id that the refusal carries', async () => {
    const { restUrl: url } = thyme;
    const offline = { featureset: 'Buyer', queries: [{ entity_id: 'user_1', timestamp: '2026-01-01' }] };
    const refused = [
      await request(`${url}/features?featureset=Buyr&entity_id=1`),
      await request(`${url}/features?entity_type=Purchase&entity_id=user_1`),
      await post(`${url}/features/batch`, { featureset: 'Buyer', entity_ids: [1, 'user_1'] }),
      await post(`${url}/features/offline`, offline),
    ];
    const ids = refused.map(({ headers }) => headers.get('x-query-run-id') ?? '');
    expect(new Set(ids).size, ids.join()).to.equal(4);
    const kinds: unknown[] = [];
    for (const [i, id] of ids.entries()) {
      expect(refused[i]?.status).to.be.within(400, 404);
      const answer = await runOf(id);
      expect(answer.error).to.match(/^THYME_/);
      kinds.push(answer.kind);
    }
    expect(kinds).to.deep.equal(['online', 'lookup', 'batch', 'offline']);
  });

  /** A run is written after the answer is on its way. */
  async function runOf(id: string): Promise<Record<string, unknown>> {
    const deadline = AbortSignal.timeout(30_000);
    for (;;) {
      const answer = await request(`${thyme.restUrl}/query-runs/${id}`);
      if (answer.status !== 404 || deadline.aborted) return jsonOf(answer);
    }
  }

  it('REST 10: answers 413 with the limit and the way out', async () => {
    const large = await request(`${thyme.restUrl}/features`, {
      body: `{"featureset":"Buyer","entity_id":1,"inputs":{"x":"${'x'.repeat(10 * MIB)}"}}`,
    });
    expect(jsonOf(large, 413).detail).to.equal(
      'the body is larger than 1048576 bytes (1024 KiB): inputs are a handful of values; send fewer',
    );
    const larger = await request(`${thyme.restUrl}/api/v1/log`, {
      body: `{"dataset":"Purchase","events":[{"note":"${'x'.repeat(33 * MIB)}"}]}`,
    });
    expect(jsonOf(larger, 413).detail).to.match(
      /larger than 33554432 bytes .*send the events in several requests, best with producer_id and sequence/,
    );
  });

  it('keeps names like __proto__ apart from everything else, as entities and as fields', async () => {
    const at = new Date().toISOString();
    const text = JSON.stringify({
      dataset: 'Visit',
      events: ['__proto__', 'constructor', 'toString'].map((page, ms) => ({ page, ms, at })),
    }).replaceAll('"ms"', '"__proto__":{"ms":99},"constructor":1,"ms"');
    const { token } = jsonOf(await request(`${thyme.restUrl}/api/v1/log`, { body: text }));
    const look = async (page: string): Promise<unknown> =>
      jsonOf(await request(`${thyme.restUrl}/features?entity_type=Visit&entity_id=${page}&after=${String(token)}`)).features;
    expect(await look('__proto__')).to.include({ page: '__proto__', ms: 0 });
    expect(await look('constructor')).to.include({ page: 'constructor', ms: 1 });
    expect(await look('hasOwnProperty')).to.equal(null);
    const cart = await request(`${thyme.restUrl}/features`, {
      body: '{"__proto__":{"featureset":"Buyer"},"featureset":"Cart","entity_id":2,"inputs":{"total":1}}',
    });
    expect(jsonOf(cart, 400).detail).to.match(/^__proto__: there is no such member; known are featureset, entity_id/);
  });
});
