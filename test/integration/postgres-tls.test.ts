// What libpq means by each sslmode, against a server with a certificate that is made here.
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { SourceDefinition } from '../../libs/definition/definitions.js';
import { rulesOf } from '../../libs/definition/connectors.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { connectPostgres } from '../../libs/source/postgres/postgres-client.js';
import { postgresConnector } from '../../libs/source/postgres/postgres-connector.js';
import { sourceSettings } from '../../libs/source/source-settings.js';
import { systemClock } from '../../libs/time/clock.js';
import { componentOrSkip } from '../support/component.js';
import { eventually } from '../support/eventually.js';
import { postgresPrograms, startPostgres, type Postgres } from '../support/postgres.js';
import { numberDataset, NOW_US, SourcesFixture } from './sources-fixture.js';

type Outcome = 'TLS' | 'plain' | 'refused';

describe('TLS to Postgres', function () {
  this.timeout(60_000);
  let postgres: Postgres;
  let isStarted = false;
  let folder = '';

  before(async function () {
    componentOrSkip(this, postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)');
    componentOrSkip(this, hasOpenssl(), 'openssl');
    folder = mkdtempSync(join(tmpdir(), 'thyme-tls-'));
    for (const name of ['own', 'other']) selfSigned(name);
    postgres = await startPostgres({ settings: ['ssl=on', 'wal_level=logical'], prepare });
    isStarted = true;
    for (const role of ['needs_tls', 'refuses_tls', 'worded']) await postgres.client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'pass'`);
  });
  after(async () => {
    if (isStarted) await postgres.stop();
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  function hasOpenssl(): boolean {
    try {
      execFileSync('openssl', ['version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }

  function selfSigned(name: string): void {
    const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)];
    execFileSync('openssl', ['req', '-x509', ...curve, ...names, ...files], { stdio: 'ignore' });
  }

  /** The server's certificate, and who may come how. */
  function prepare(data: string, { uid, gid }: { readonly uid?: number; readonly gid?: number }): void {
    for (const [from, to] of [
      ['own.crt', 'server.crt'],
      ['own.key', 'server.key'],
    ] as const) {
      copyFileSync(join(folder, from), join(data, to));
      chmodSync(join(data, to), 0o600);
      if (uid !== undefined && gid !== undefined) chownSync(join(data, to), uid, gid);
    }
    const file = join(data, 'pg_hba.conf');
    const rest = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      'hostssl all needs_tls samehost trust\nhost all needs_tls all reject\nhostnossl all refuses_tls samehost trust\nhost all refuses_tls all reject\nhost all worded all scram-sha-256\n',
    );
    appendFileSync(file, rest);
  }

  async function outcome(user: string, config: SourceDefinition['config']): Promise<Outcome> {
    const where = { host: 'localhost', port: postgres.port, user, database: 'postgres', table: 't', ...config };
    const source: SourceDefinition = { dataset: 'A', connector: 'postgres', config: where, cursor: 'at', everyUs: 5e6, cdc: 'append' };
    const rules = rulesOf(source);
    if (rules === undefined) throw new Error('no rules');
    const environment = { variables: {}, readFile: () => Promise.reject(new Error('no file')) };
    const settings = sourceSettings(source, numberDataset('A'), rules, environment);
    try {
      const client = await connectPostgres(settings, new AbortController().signal);
      const { rows } = await client.query<{ ssl: string }>('SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      await client.end();
      return rows[0]?.ssl === 'true' ? 'TLS' : 'plain';
    } catch {
      return 'refused';
    }
  }

  const cases: readonly (readonly [user: string, mode: string, ca: 'own' | 'other' | undefined, host: string, expected: Outcome])[] = [
    ['thyme', 'disable', undefined, 'localhost', 'plain'],
    ['thyme', 'allow', undefined, 'localhost', 'plain'],
    ['thyme', 'prefer', undefined, 'localhost', 'TLS'],
    ['thyme', 'require', undefined, 'localhost', 'TLS'],
    ['thyme', 'require', 'own', 'localhost', 'TLS'],
    ['thyme', 'require', 'other', 'localhost', 'refused'],
    ['thyme', 'verify-ca', undefined, 'localhost', 'refused'],
    ['thyme', 'verify-ca', 'other', 'localhost', 'refused'],
    ['thyme', 'verify-ca', 'own', 'localhost', 'TLS'],
    ['thyme', 'verify-ca', 'own', '127.0.0.1', 'TLS'],
    ['thyme', 'verify-full', 'own', 'localhost', 'refused'],
    ['thyme', 'verify-full', 'own', '127.0.0.1', 'TLS'],
    ['thyme', 'verify-full', undefined, 'localhost', 'refused'],
    ['needs_tls', 'disable', undefined, 'localhost', 'refused'],
    ['needs_tls', 'allow', undefined, 'localhost', 'TLS'],
    ['needs_tls', 'prefer', undefined, 'localhost', 'TLS'],
    ['refuses_tls', 'allow', undefined, 'localhost', 'plain'],
    ['refuses_tls', 'prefer', undefined, 'localhost', 'plain'],
    ['refuses_tls', 'require', undefined, 'localhost', 'refused'],
  ];
  for (const [user, mode, ca, host, expected] of cases)
    it(`${mode}${ca === undefined ? '' : ` with ${ca === 'own' ? 'its' : 'another'} authority`} at ${host} as ${user}: ${expected}`, async () => {
      const sslrootcert = ca === undefined ? {} : { sslrootcert: join(folder, `${ca}.crt`) };
      expect(await outcome(user, { sslmode: mode, host, ...sslrootcert })).to.equal(expected);
    });

  it('says what is wrong in the words of the server, not in those of the attempt before', async () => {
    const fixture = new SourcesFixture(new MemoryLog(), () => [postgresConnector(systemClock)]);
    const config = {
      host: 'localhost',
      port: postgres.port,
      user: 'worded',
      database: 'postgres',
      table: 't',
      password: { secret: 'env:PASSWORD' },
    };
    const source: SourceDefinition = { dataset: 'A', connector: 'postgres', config, cursor: 'at', everyUs: 5e6, cdc: 'append' };
    await fixture.commit([numberDataset('A')], [source]);
    const sources = await fixture.start();
    await eventually(() => sources.list()[0]?.phase.kind === 'stopped', 'it stands still');
    expect(JSON.stringify(sources.list()[0]?.phase)).to.contain('password authentication failed for user');
    await sources.stop({ graceMs: 0 });
  });

  it('holds for the stream of the log as well', async () => {
    await postgres.client.query(`CREATE TABLE t (k text, n bigint PRIMARY KEY, at timestamptz)`);
    const fixture = new SourcesFixture(new MemoryLog(), () => [postgresConnector(systemClock)]);
    fixture.clock.advance((systemClock.nowUs() - NOW_US) / 1_000);
    const config = {
      host: '127.0.0.1',
      port: postgres.port,
      user: 'thyme',
      database: 'postgres',
      table: 't',
      mode: 'cdc',
      sslmode: 'verify-full',
      sslrootcert: join(folder, 'own.crt'),
    };
    await fixture.commit(
      [numberDataset('A', { cdc: { mode: 'upsert', rowKey: ['n'] } })],
      [{ dataset: 'A', connector: 'postgres', config, cdc: 'upsert' }],
    );
    const sources = await fixture.start();
    await eventually(() => sources.list()[0]?.position?.startsWith('WAL') === true, 'it follows');
    await postgres.client.query(`INSERT INTO t VALUES ('a', 1, '2026-01-01')`);
    await eventually(() => sources.list()[0]?.rows === 1, 'it reads');
    const { rows } = await postgres.client.query<{ ssl: boolean }>(
      'SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_replication r ON r.pid = s.pid',
    );
    expect(rows).to.deep.equal([{ ssl: true }]);
    await sources.stop({ graceMs: 0 });
  });
});
