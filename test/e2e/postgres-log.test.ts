// Random changes in random transactions, with processes killed and servers restarted in between: Thyme's answers are Postgres'
// own, as of each commit. THYME_CHANGES sets how many changes.
import { expect } from 'chai';
import { RestClient } from '../../libs/client/rest-client.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { componentOrSkip } from '../support/component.js';
import { eventually } from '../support/eventually.js';
import { jsonOf, request } from '../support/http.js';
import { postgresPrograms, startPostgres, type Postgres } from '../support/postgres.js';
import { ANSWERS, COMMIT_ORDER, drawFrom, ITEM_TABLE, writeItems } from '../support/postgres-writers.js';
import { Processes, type ThymeProcess } from '../support/processes.js';

const CHANGES = Number(process.env['THYME_CHANGES'] ?? 600);
const SEED = Number(process.env['THYME_SEED'] ?? 20_261_130);
const WRITERS = 5;
/** Instants that are compared, spread over all commits. */
const INSTANTS_MAX = CHANGES < 10_000 ? 60 : 300;
const SETTINGS = ['wal_level=logical', 'max_replication_slots=10', 'track_commit_timestamp=on'];

describe('a table of Postgres by its log, with everything killed in between', function () {
  this.timeout(120_000 + CHANGES * 20);
  const processes = new Processes();
  let postgres: Postgres;
  let isStarted = false;

  before(async function () {
    componentOrSkip(this, postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)');
    postgres = await startPostgres({ settings: SETTINGS });
    isStarted = true;
    await postgres.client.query(ITEM_TABLE);
  });

  after(async () => {
    await processes.end();
    if (isStarted) await postgres.stop();
  });

  const serve = (): Promise<ThymeProcess> =>
    processes.serve(processes.subfolder('data'), [], {
      env: {
        THYME_POSTGRES_HOST: '127.0.0.1',
        THYME_POSTGRES_PORT: String(postgres.port),
        THYME_POSTGRES_USER: 'thyme',
        THYME_POSTGRES_DATABASE: 'postgres',
      },
    });

  /** The state of the sources, as it is told. */
  async function source(thyme: ThymeProcess): Promise<string> {
    const client = new RestClient({ apiUrl: thyme.restUrl, apiKey: thyme.adminKey });
    return JSON.stringify((await client.get('/api/v1/sources')).body);
  }

  it(`answers as Postgres does, as of each commit of ${CHANGES} changes (seed ${SEED})`, async () => {
    let thyme = await serve();
    const committed = await processes.run(['commit', 'test/support/postgres-log-features.ts'], { env: { THYME_API_URL: thyme.restUrl } });
    expect(committed.code, committed.stderr + committed.stdout).to.equal(0);
    await eventually(async () => (await source(thyme)).includes('"cursor_value":"WAL '), 'the first load is done');
    await postgres.client.query(`SELECT pg_create_logical_replication_slot('oracle', 'test_decoding')`);

    const draw = drawFrom(SEED);
    const left = { changes: CHANGES };
    const writing = Promise.all(
      Array.from({ length: WRITERS }, (_, i) => writeItems({ port: postgres.port, draw: drawFrom(SEED + i + 1), left })),
    );
    for (const [i, kind] of ['kill', 'fast', 'kill', 'immediate', 'kill'].entries()) {
      const at = CHANGES * (1 - (i + draw()) / 5);
      while (left.changes > Math.max(0, at)) await new Promise((resolve) => setImmediate(resolve));
      if (kind === 'kill') {
        await thyme.kill();
        thyme = await serve();
      } else await postgres.restart(kind === 'fast' ? 'fast' : 'immediate');
    }
    await writing;

    const end = (await postgres.client.query<{ end: string }>('SELECT pg_current_wal_lsn()::text AS end')).rows[0]?.end ?? '';
    const confirmed = `SELECT FROM pg_replication_slots WHERE slot_name = 'thyme_item_v1' AND confirmed_flush_lsn >= '${end}'`;
    for (let tries = 0; (await postgres.client.query(confirmed)).rowCount === 0 && tries < 10; tries++)
      await eventually(async () => (await postgres.client.query(confirmed)).rowCount === 1, 'all is read').catch(async (error: unknown) => {
        if (tries === 9) throw new Error(await source(thyme), { cause: error });
      });
    await postgres.client.query(COMMIT_ORDER);
    const { rows: commits } = await postgres.client.query<{ at_us: string }>(
      'SELECT DISTINCT at_us FROM commit_order WHERE xid IN (SELECT xid FROM history) ORDER BY at_us',
    );
    const step = Math.max(1, Math.ceil(commits.length / INSTANTS_MAX));
    const instants = commits.filter((_commit, i) => i % step === 0 || i === commits.length - 1).map(({ at_us }) => Number(at_us));
    expect(instants.length).to.be.greaterThan(20);
    let isApplied = false;
    for (const atUs of instants.reverse()) {
      const { rows } = await postgres.client.query<Record<string, unknown>>(ANSWERS, [atUs]);
      if (!isApplied)
        await eventually(
          async () => JSON.stringify(await answers(thyme, atUs)) === JSON.stringify(rows),
          `the end: ${JSON.stringify(rows)}`,
        );
      isApplied = true;
      expect(await answers(thyme, atUs), `as of ${formatTimestamp(atUs)}`).to.deep.equal(rows);
    }
  });

  async function answers(thyme: ThymeProcess, atUs: number): Promise<readonly unknown[]> {
    const groups = ['g0', 'g1', 'g2', 'g3', 'g4'];
    return Promise.all(
      groups.map(async (g) => {
        const query = new URLSearchParams({ featureset: 'Group', entity_id: g, timestamp: formatTimestamp(atUs) });
        const { features } = jsonOf(await request(`${thyme.restUrl}/features?${String(query)}`)) as { features: Record<string, unknown> };
        const { n, recent, total, most, newest } = features;
        return { g, n, recent, total, most, newest };
      }),
    );
  }
});
