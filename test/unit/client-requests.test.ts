// How the typed client's requests end: what is made again and what never is, deadlines, and the caller's own signal.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { DeadlineError, RestError, ThymeClient, UnreachableError } from '../../libs/client/thyme-client.js';
import { eventually } from '../support/eventually.js';
import { Buyer, Purchase } from '../support/shop-features.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const FEATURES = { features: {}, as_of: '2026-01-01T00:00:00Z', freshness: { watermark: null, lag_us: 5 } };

const busy: Answer = (_request, response) => {
  response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '0' });
  response.end(JSON.stringify({ type: 'urn:thyme:error:THYME_UNAVAILABLE', detail: 'it stops' }));
};
const hangUp: Answer = (request) => void request.socket.destroy();
const cutOff: Answer = (request, response) => {
  response.writeHead(200, { 'content-length': '100' });
  response.write('{"as_of"', () => void request.socket.destroy());
};
const silent: Answer = () => undefined;
const json =
  (body: object): Answer =>
  (_request, response) =>
    void response.end(JSON.stringify(body));

describe("the typed client's requests", () => {
  let server: Server;
  let client: ThymeClient;
  let answers: Answer[];
  let asked: { readonly path: string; readonly body: string }[];
  let gone: number;

  beforeEach(async () => {
    [answers, asked, gone] = [[], [], 0];
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (bytes: Buffer) => (body += bytes.toString()));
      request.on('end', () => {
        asked.push({ path: request.url ?? '', body });
        (answers.shift() ?? silent)(request, response);
      });
      response.on('close', () => (gone += response.writableFinished ? 0 : 1));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = new ThymeClient({ apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const rows: readonly Purchase[] = [{ user_id: 1, item: 'a', price: 1, quantity: null, note: null, paid_at: new Date(0) }];

  async function failure(work: Promise<unknown>): Promise<unknown> {
    return work.then(
      () => {
        throw new Error('it did not fail');
      },
      (error: unknown) => error,
    );
  }

  const lookup = () => client.lookup(Purchase, 1);
  for (const [what, fails] of Object.entries({ busy, hangUp, cutOff })) {
    it(`makes a read again where the deployment does not answer it: ${what}`, async () => {
      answers = [fails, fails, json({ ...FEATURES, features: null })];
      expect(await lookup()).to.deep.include({ row: null, lagUs: 5 });
      expect(asked).to.have.lengthOf(3);
    });

    it(`gives up after so many retries as were told: ${what}`, async () => {
      answers = [fails, fails, fails, json(FEATURES)];
      const error = await failure(lookup());
      expect(error).to.be.instanceOf(what === 'busy' ? RestError : UnreachableError);
      expect(asked).to.have.lengthOf(3);
      if (what === 'busy') expect(error).to.include({ status: 503, code: 'THYME_UNAVAILABLE', retryAfterMs: 0 });
    });

    it(`makes a push again only where it counts once: ${what}`, async () => {
      answers = [fails, json({ events_sent: 1, token: 't' }), fails, fails, json({ events_sent: 1, token: 't' })];
      expect(await client.log(Purchase, rows, { producerId: 'p', sequence: 7 })).to.deep.equal({ eventsSent: 1, token: 't' });
      expect(asked.map(({ body }) => (JSON.parse(body) as { readonly sequence: number }).sequence)).to.deep.equal([7, 7]);
      await failure(client.log(Purchase, rows));
      await failure(client.log(Purchase, rows, { producerId: 'p' }));
      expect(asked).to.have.lengthOf(4);
    });
  }

  it('makes nothing again that is wrong', async () => {
    answers = [400, 401, 404, 409, 422, 500, 504].map(
      (status): Answer =>
        (_request, response) =>
          void response.writeHead(status).end('{"detail":"no"}'),
    );
    const count = answers.length;
    for (let i = 0; i < count; i++) expect(await failure(lookup())).to.be.instanceOf(RestError);
    expect(asked).to.have.lengthOf(count);
  });

  it('ends at its deadline, retries and all', async () => {
    answers = [busy];
    const error = await failure(client.query(Buyer, 1, { timeoutMs: 1_500 }));
    expect(error)
      .to.be.instanceOf(DeadlineError)
      .and.include({ status: 0, message: `no answer from ${origin(server)} within 1500 ms` });
    expect(asked).to.have.lengthOf(2);
    await eventually(() => gone === 1, 'the connection is given up');
  });

  it("ends with the caller's signal and its reason", async () => {
    const controller = new AbortController();
    const query = failure(client.queryBatch(Buyer, [1], { signal: controller.signal }));
    await eventually(() => asked.length === 1, 'the question is there');
    const reason = new Error('nobody waits for it');
    controller.abort(reason);
    expect(await query).to.equal(reason);
    await eventually(() => gone === 1, 'the connection is given up');
    expect(await failure(client.log(Purchase, rows, { signal: controller.signal }))).to.equal(reason);
    expect(asked).to.have.lengthOf(1);
  });

  it('ends in a pause between two requests, too', async () => {
    const controller = new AbortController();
    const [reason, path] = [new Error('enough'), '/features?entity_type=Purchase&entity_id=1'];
    answers = [(_request, response) => void response.writeHead(503, { 'retry-after': '60' }).end('{"detail":"it stops"}')];
    const ending = failure(client.lookup(Purchase, 1, { signal: controller.signal }));
    await eventually(() => asked.length === 1 && answers.length === 0, 'it was asked');
    controller.abort(reason);
    expect(await ending).to.equal(reason);
    expect(asked.map((one) => one.path)).to.deep.equal([path]);
  });
});

function origin(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
