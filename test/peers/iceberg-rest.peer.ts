// A REST catalog that lends keys, and asks for a token: what the specification says of both, on a server of the test's own in front
// of tables that pyiceberg writes to S3 on moto.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { contractRow } from '../../services/ingest/testing/contract-system.js';
import { componentOrSkip } from '../support/component.js';
import { fieldsOf, IcebergPolls, icebergSettings } from '../support/iceberg-reading.js';
import { hasPyIceberg, PyIceberg, pyicebergWhat } from '../support/pyiceberg.js';
import { moto, type S3Server } from '../support/s3-servers.js';
import { openLake } from './iceberg-glue-system.js';

const LENT = { 's3.access-key-id': 'lent-key', 's3.secret-access-key': 'lent-secret', 's3.session-token': 'lent-session' };

describe('the iceberg source on a REST catalog that lends keys', function () {
  this.timeout(60_000);
  let server: S3Server;
  let python: PyIceberg;
  let catalog: Server;
  let url: string;
  let asPrefix = false;
  let tokens = 0;
  /** Of requests to S3: who signed them, and with which session. */
  const signed = new Set<string>();
  const opened: IcebergPolls[] = [];

  before(async function () {
    componentOrSkip(this, hasPyIceberg(), pyicebergWhat);
    componentOrSkip(this, moto.isThere(), moto.what);
    server = await moto.start();
    python = PyIceberg.start();
    await openLake(python, server);
    const rows = JSON.stringify(JSON.stringify(Array.from({ length: 20 }, (_, n) => contractRow(n))));
    await python.run(`import json\ntables['lent'] = cat.create_table('db.lent', schema=ARROW)\nadd('lent', json.loads(${rows}))`);
    catalog = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
    await once(catalog, 'listening');
    url = `http://127.0.0.1:${(catalog.address() as AddressInfo).port}`; // of TCP
  });

  afterEach(() => Promise.all(opened.splice(0).map((polls) => polls.close())));

  after(async () => {
    catalog?.closeAllConnections();
    catalog?.close();
    await python?.stop();
    await server?.stop();
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const json = (status: number, body: string): unknown => response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    if (path.startsWith('/lake/')) return forward(request, response);
    if (path === '/v1/oauth/tokens')
      return void json(200, JSON.stringify({ access_token: `token-${++tokens}`, token_type: 'bearer', expires_in: 30 }));
    if (!/^Bearer (token-\d+|fixed)$/.test(request.headers.authorization ?? ''))
      return void json(401, '{"error":{"message":"who are you?","type":"NotAuthorizedException","code":401}}');
    if (path === '/v1/config?warehouse=w') return void json(200, JSON.stringify({ defaults: {}, overrides: { prefix: 'p' } }));
    if (path !== '/v1/p/namespaces/db/tables/lent')
      return void json(404, '{"error":{"message":"no such table","type":"NoSuchTableException","code":404}}');
    const config = { 's3.endpoint': url, 's3.path-style-access': 'true', 'client.region': 'us-east-1', ...(asPrefix ? {} : LENT) };
    const lent = asPrefix
      ? [
          { prefix: 's3://lake/', config: LENT },
          { prefix: 's3://la', config: { ...LENT, 's3.access-key-id': 'shorter' } },
        ]
      : [];
    const metadata = String(
      await python.run(
        "with tables['lent'].refresh().io.new_input(tables['lent'].metadata_location).open() as f: result = f.read().decode()",
      ),
    );
    json(200, `{"metadata":${metadata},"config":${JSON.stringify(config)},"storage-credentials":${JSON.stringify(lent)}}`);
  }

  /** To moto, which looks at no keys. */
  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = /Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    signed.add(`${key} ${String(request.headers['x-amz-security-token'])}`);
    const { range } = request.headers;
    const theirs = await fetch(`${server.endpoint}${request.url ?? ''}`, {
      method: request.method ?? 'GET',
      headers: range === undefined ? {} : { range },
    });
    const body = Buffer.from(await theirs.arrayBuffer());
    const length = request.method === 'HEAD' ? theirs.headers.get('content-length') : String(body.length);
    response.writeHead(theirs.status, { 'content-length': length ?? '0' }).end(body);
  }

  async function open(secrets: Readonly<Record<string, string>>, table = 'lent'): Promise<IcebergPolls> {
    const references = Object.fromEntries(Object.keys(secrets).map((name) => [name, { secret: `env:${name}` }]));
    const config = { table, catalog: url, warehouse: 'w', database: 'db', ...references };
    const polls = await IcebergPolls.open(
      icebergSettings(config, fieldsOf({ k: 'string', n: 'int', at: 'timestamp' }), undefined, secrets),
    );
    opened.push(polls);
    return polls;
  }

  async function failure(polls: IcebergPolls): Promise<string> {
    return polls.poll().then(
      () => 'none',
      (error: unknown) => String(error),
    );
  }

  for (const prefixed of [false, true])
    it(`reads with the keys that stand ${prefixed ? 'beside the longest beginning of a location' : 'in the table’s config'}`, async () => {
      asPrefix = prefixed;
      signed.clear();
      const numbers = (await (await open({ credential: 'user:secret' })).inputs()).map(({ n }) => n);
      expect(numbers).to.deep.equal(Array.from({ length: 20 }, (_, n) => n));
      expect([...signed]).to.deep.equal(['lent-key lent-session']);
    });

  it('asks for another token before one ends, and takes one that is given as it is', async () => {
    const polls = await open({ credential: 'user:secret' });
    const before = tokens;
    await polls.poll();
    await polls.poll(); // a token of 30 s has ended as soon as it is there
    expect(tokens).to.be.greaterThan(before + 1);
    const asked = tokens;
    await (await open({ token: 'fixed' })).poll();
    expect(tokens).to.equal(asked);
  });

  it('says in the words of the catalog what is refused, and no secret', async () => {
    expect(await failure(await open({}))).to.match(/failed with 401: .*who are you\?.*; look at 'token' or 'credential'/);
    expect(await failure(await open({ token: 'hunter2' })))
      .to.match(/failed with 401/)
      .and.not.include('hunter2');
    expect(await failure(await open({ token: 'fixed' }, 'other'))).to.match(/no such table or namespace \(.*no such table/);
  });
});
