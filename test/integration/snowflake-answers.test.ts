// What the service answers and fakesnow does not: key pairs, warehouses that are suspended, sessions and statements that end.
// Contract-tested, against answers as the driver reads them.
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { expect } from 'chai';
import type { ConfigValue } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import type { Field } from '../../libs/schema/value-type.js';
import { snowflakeConnector } from '../../libs/source/snowflake/snowflake-connector.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { eventually } from '../support/eventually.js';
import { type JsonAnswer, type JsonRequest, type JsonServer, startJsonServer } from '../support/json-server.js';
import { failed, isLogin, loggedIn, rows, sqlOf } from '../support/snowflake-stub.js';
import { contractTested, VALUE_COLUMNS } from '../support/value-table.js';
import { numberDataset, SourcesFixture } from './sources-fixture.js';

const COLUMNS = [
  ['K', 'VARCHAR(16777216)'],
  ['N', 'NUMBER(38,0)'],
  ['AT', 'TIMESTAMP_NTZ(9)'],
];
/** 2026-01-01T00:00:00.000001Z, as the service writes it. */
const AT = '1767225600.000001000';
const PASSPHRASE = 'c4n4ry-of-the-passphrase';
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE },
});

describe('the Snowflake source, by answers of the service', () => {
  let server: JsonServer | undefined;
  let published: () => ReturnType<SourcesFixture['published']>;
  const started: Sources[] = [];

  afterEach(async () => {
    await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 0 })));
    await server?.close();
    server = undefined;
  });

  async function start(
    answer: (request: JsonRequest, sql: string) => JsonAnswer | undefined,
    more: Readonly<Record<string, ConfigValue>> = { password: { secret: 'env:PASSWORD' } },
    added: readonly Field[] = [],
  ): Promise<Sources> {
    server = await startJsonServer((request) => answer(request, sqlOf(request)) ?? wellAnswer(request));
    const fixture = new SourcesFixture(new MemoryLog(), (clock) => [snowflakeConnector(clock)]);
    Object.assign(fixture.variables, { KEY: privateKey, PASSPHRASE, WRONG: 'another one' });
    const config = { table: 't', account: 'acme-shop', user: 'reader', endpointUrl: `http://127.0.0.1:${server.port}`, key: 'n', ...more };
    const source = { dataset: 'A', connector: 'snowflake', config, cursor: 'at', everyUs: 5e6, cdc: 'append' } as const;
    const fields = [...numberDataset('A').fields, ...added];
    await fixture.commit([numberDataset('A', { fields })], [source]);
    published = () => fixture.published('A', 1, fields);
    const sources = await fixture.start();
    started.push(sources);
    return sources;
  }

  async function ends(sources: Sources, kind: 'stopped' | 'retrying' | 'waiting'): Promise<string> {
    await eventually(() => {
      const phase = sources.list()[0]?.phase;
      if (phase !== undefined && phase.kind !== kind && 'cause' in phase) throw new Error(`${phase.kind}: ${phase.cause}`);
      return phase?.kind === kind;
    }, `it is ${kind}`);
    const phase = sources.list()[0]?.phase;
    return phase !== undefined && 'cause' in phase ? phase.cause : '';
  }

  it('logs in by a key pair: a token that its public key verifies, of the account and the user', async () => {
    const key = { privateKey: { secret: 'env:KEY' }, privateKeyPassphrase: { secret: 'env:PASSPHRASE' } };
    await ends(await start(() => undefined, key), 'waiting');
    const login = server?.requests.find(isLogin)?.body as { readonly data: { readonly AUTHENTICATOR: string; readonly TOKEN: string } };
    expect(login.data.AUTHENTICATOR).to.equal('SNOWFLAKE_JWT');
    const [header = '', payload = '', signature = ''] = login.data.TOKEN.split('.');
    const isSigned = verify(
      'RSA-SHA256',
      Buffer.from(`${header}.${payload}`),
      createPublicKey(publicKey),
      Buffer.from(signature, 'base64url'),
    );
    expect(isSigned).to.equal(true);
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Readonly<Record<string, unknown>>;
    expect(claims['sub']).to.equal('ACME-SHOP.READER');
    expect(claims['iss']).to.match(/^ACME-SHOP\.READER\.SHA256:/);
    expect(server?.requests.some(({ path }) => path.includes('telemetry'))).to.equal(false);
  });

  it('refuses a key that does not open, and a login without any, and repeats no secret', async () => {
    const wrong = { privateKey: { secret: 'env:KEY' }, privateKeyPassphrase: { secret: 'env:WRONG' } };
    expect(await ends(await start(() => undefined, wrong), 'stopped'))
      .to.contain('privateKeyPassphrase')
      .and.not.contain('another one');
    await server?.close();
    expect(await ends(await start(() => undefined, {}), 'stopped')).to.contain('neither privateKey nor password');
  });

  const answers: readonly (readonly [what: string, answer: JsonAnswer, more: object, kind: 'stopped' | 'retrying', words: string])[] = [
    [
      'a warehouse that is suspended',
      failed('000606', '57P03', 'No active warehouse selected in the current session.'),
      { warehouse: 'wh' },
      'retrying',
      'is suspended',
    ],
    [
      'a session without a warehouse',
      failed('000606', '57P03', 'No active warehouse selected in the current session.'),
      {},
      'stopped',
      'THYME_SNOWFLAKE_WAREHOUSE',
    ],
    [
      'a statement that takes too long',
      failed('000630', '57014', 'Statement reached its statement or warehouse timeout of 300 second(s) and was canceled.'),
      {},
      'retrying',
      'a larger warehouse',
    ],
    [
      'a session that has ended for good',
      failed('390114', '08001', 'Authentication token has expired. The user must authenticate again.'),
      {},
      'retrying',
      'must authenticate again',
    ],
    [
      'rights that are missing',
      failed('003001', '42501', "Insufficient privileges to operate on table 'T'"),
      {},
      'stopped',
      'Insufficient privileges',
    ],
    [
      'a table that is not there',
      failed('002003', '42S02', "Object 'T' does not exist or not authorized."),
      {},
      'stopped',
      'does not exist or not authorized',
    ],
  ];
  for (const [what, answer, more, kind, words] of answers)
    it(`${kind === 'stopped' ? 'stands still' : 'tries again'} for ${what}, in the system's words`, async () => {
      const config = { password: { secret: 'env:PASSWORD' }, ...more };
      const sources = await start((_request, sql) => (/FROM "T"/.test(sql) ? answer : undefined), config);
      expect(await ends(sources, kind)).to.contain(words);
    });

  it("keeps the table's values that the emulator does not: 38 digits, and decimals within documents", async () => {
    const [wide, documents] = [contractTested('snowflake', 'wide'), contractTested('snowflake', 'struct')];
    expect([wide.length, documents.length], 'rows of each').to.deep.equal([3, 1]);
    const added: Field[] = [
      { name: 'v', type: VALUE_COLUMNS.wide },
      { name: 'd', type: VALUE_COLUMNS.struct },
    ];
    const digits = (text: string): string => (text === '1e20' ? `1${'0'.repeat(20)}` : text); // as the service writes it
    const sources = await start(
      (_request, sql) => {
        if (sql.startsWith('DESCRIBE')) return rows(['text', 'text'], [...COLUMNS, ['V', 'NUMBER(38,0)'], ['D', 'VARIANT']]);
        if (!sql.includes('NULLS FIRST')) return undefined;
        return rows(
          ['boolean', 'timestamp_ntz', 'fixed', 'text', 'fixed', 'timestamp_ntz', 'fixed', 'text'],
          wide.map(({ text }, n) => ['0', AT, String(n), 'k', String(n), AT, digits(text ?? ''), documents[0]?.text ?? null]),
        );
      },
      undefined,
      added,
    );
    await ends(sources, 'waiting');
    const held = (await published()).map(({ row }) => row.slice(3));
    expect(held).to.have.deep.members(wide.map((one) => [one.held, documents[0]?.held]));
  });

  it('stands still for a password that is wrong', async () => {
    const sources = await start((request) =>
      isLogin(request) ? failed('390100', '08001', 'Incorrect username or password was specified.') : undefined,
    );
    expect(await ends(sources, 'stopped')).to.contain('Incorrect username or password');
  });

  it('tells each statement how long it may take, and sends none that writes', async () => {
    await ends(await start(() => undefined), 'waiting');
    const statements = server?.requests.filter(({ path }) => path.includes('query-request')) ?? [];
    expect(statements.map((request) => sqlOf(request).split(' ')[0])).to.deep.equal(['DESCRIBE', 'SELECT', 'SELECT', 'SELECT']);
    for (const { body } of statements) expect(body).to.have.nested.property('parameters.STATEMENT_TIMEOUT_IN_SECONDS', 300);
  });
});

function wellAnswer(request: JsonRequest): JsonAnswer {
  if (isLogin(request)) return loggedIn();
  const sql = sqlOf(request);
  if (sql.startsWith('DESCRIBE')) return rows(['text', 'text'], COLUMNS);
  if (sql === 'SELECT SYSDATE()') return rows(['timestamp_ntz'], [['1796000000.000000000']]);
  if (sql.includes('DESC NULLS LAST')) return rows(['timestamp_ntz', 'fixed'], []);
  if (sql !== '') return rows(['boolean', 'timestamp_ntz', 'fixed', 'text', 'fixed', 'timestamp_ntz'], []);
  return { body: { success: true, data: {} } };
}
