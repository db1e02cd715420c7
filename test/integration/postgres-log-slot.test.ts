// What is made or checked on the server, and what is said where it lacks something.
import { expect } from 'chai';
import type { SourceDefinition } from '../../libs/definition/definitions.js';
import { eventually } from '../support/eventually.js';
import { PostgresLogFixture, upserts } from './postgres-log-fixture.js';
import { numberDataset } from './sources-fixture.js';

describe('slot, publication and rights of a Postgres source by its log', function () {
  this.timeout(60_000);
  const world = new PostgresLogFixture();
  const sql = (text: string): ReturnType<PostgresLogFixture['sql']> => world.sql(text);

  before(async function () {
    await world.open(this);
  });
  after(() => world.close());
  beforeEach(() => world.begin());
  afterEach(() => world.end());

  const table = async (name: string, more = ''): Promise<void> => {
    await sql(
      `CREATE TABLE ${name} (k text, n bigint${more === '' ? ' PRIMARY KEY' : ''}, at timestamptz) ${more}; INSERT INTO ${name} VALUES ('a', 1, '2026-01-01')`,
    );
  };

  it('does not take a slot that is there already, and says how to go on', async () => {
    await table('taken');
    await sql(`SELECT pg_create_logical_replication_slot('thyme_a_v1', 'pgoutput')`);
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'taken')]);
    const sources = await world.start();
    expect(await world.stops(sources))
      .to.contain(`there is a replication slot thyme_a_v1 already`)
      .and.contain(`SELECT pg_drop_replication_slot('thyme_a_v1')`);
    await sql(`SELECT pg_drop_replication_slot('thyme_a_v1')`);
    await sources.setPaused('A', false);
    await eventually(() => sources.list()[0]?.rows === 1, 'it goes on when it is resumed');
  });

  it('stands still when its slot is dropped, made anew, moved by somebody else, or has lost its log', async () => {
    await table('dropped');
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'dropped')]);
    let sources = await world.start();
    await world.follows(sources);
    const whileStopped = async (...statements: readonly string[]): Promise<string> => {
      await sources.setPaused('A', true);
      await eventually(async () => (await sql('SELECT FROM pg_replication_slots WHERE active')).rowCount === 0, 'the slot is free');
      for (const statement of statements) await sql(statement);
      await sources.setPaused('A', false);
      return world.stops(sources);
    };
    const write = `INSERT INTO dropped SELECT 'b', coalesce(max(n), 0) + 1, '2026-01-01' FROM dropped`;
    const moved = await whileStopped(write, `SELECT pg_replication_slot_advance('thyme_a_v1', pg_current_wal_lsn())`);
    expect(moved).to.contain('somebody else read from it, or made it anew').and.contain("upgrade: 'empty'");
    expect(await whileStopped(`SELECT pg_drop_replication_slot('thyme_a_v1')`, write)).to.contain(
      'the replication slot thyme_a_v1 is not there any more',
    );
    expect(await whileStopped(`SELECT pg_create_logical_replication_slot('thyme_a_v1', 'pgoutput')`)).to.contain('made it anew');
    sources = await world.restart(sources);
    expect(await world.stops(sources)).to.contain('made it anew');
  });

  it('names what rights, table or publication lack, with the statement that mends it', async () => {
    await table('kept');
    await table('bare', 'WITH (fillfactor = 100)');
    await sql(`CREATE VIEW seen AS SELECT * FROM kept; CREATE UNLOGGED TABLE fleeting (LIKE kept INCLUDING ALL); CREATE TABLE parted (k text, n bigint PRIMARY KEY, at timestamptz) PARTITION BY RANGE (n);
      CREATE TABLE nothing (LIKE kept INCLUDING ALL); ALTER TABLE nothing REPLICA IDENTITY NOTHING; CREATE TABLE twofold (LIKE bare); ALTER TABLE twofold REPLICA IDENTITY FULL;
      CREATE ROLE plain LOGIN; CREATE ROLE replicator LOGIN REPLICATION; GRANT SELECT ON kept TO replicator, plain; CREATE SCHEMA hidden; CREATE TABLE hidden.kept (LIKE kept INCLUDING ALL);
      CREATE PUBLICATION others FOR TABLE bare WITH (publish = 'insert'); CREATE PUBLICATION inserts FOR TABLE kept WITH (publish = 'insert');
      CREATE PUBLICATION filtered FOR TABLE kept WHERE (n > 5); CREATE PUBLICATION narrow FOR TABLE kept (n, at); CREATE PUBLICATION leaves FOR TABLE parted`);
    const cases: readonly (readonly [config: SourceDefinition['config'], words: readonly string[]])[] = [
      [{ table: 'seen' }, ['public.seen is a view']],
      [{ table: 'fleeting' }, ['unlogged', 'SET LOGGED']],
      [{ table: 'absent' }, ['there is no table public.absent']],
      [{ table: 'bare' }, ['public.bare has no replica identity', 'ALTER TABLE "public"."bare" REPLICA IDENTITY']],
      [{ table: 'nothing' }, ['public.nothing has no replica identity']],
      [{ table: 'twofold' }, ['nothing in public.twofold keeps rows of one n', 'CREATE UNIQUE INDEX ON "public"."twofold" ("n")']],
      [{ user: 'plain' }, ['replication', 'ALTER ROLE "plain" REPLICATION']],
      [{ table: 'bare', user: 'replicator' }, ['GRANT SELECT ON "public"."bare" TO "replicator"']],
      [{ schema: 'hidden', user: 'replicator' }, ['GRANT USAGE ON SCHEMA "hidden" TO "replicator"']],
      [{ user: 'replicator' }, ['this role may not make it', 'CREATE PUBLICATION "thyme_a_v1" FOR TABLE "public"."kept" WITH']],
      [{ publication: 'others' }, ['does not have "public"."kept"', 'ALTER PUBLICATION "others" ADD TABLE "public"."kept"']],
      [{ publication: 'inserts' }, ['leaves changes out', `SET (publish = 'insert, update, delete, truncate')`]],
      [{ publication: 'filtered' }, ['filters rows']],
      [{ publication: 'narrow' }, ['leaves out the column k']],
      [{ table: 'parted', publication: 'leaves' }, ['ALTER PUBLICATION "leaves" SET (publish_via_partition_root = true)']],
    ];
    for (const [config, words] of cases) {
      await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'kept', {}, config)]);
      const sources = await world.start();
      const said = await world.stops(sources);
      for (const word of words) expect(said).to.contain(word);
      await world.stopAll();
      world.begin();
    }
  });

  it('is tested in words, and makes nothing', async () => {
    await table('looked_at');
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'looked_at', {}, { user: 'plain_looker' })]);
    await sql('CREATE ROLE plain_looker LOGIN; GRANT SELECT ON looked_at TO plain_looker');
    const sources = await world.start();
    await world.stops(sources);
    const test = async (): Promise<readonly string[]> =>
      (await sources.test('A', new AbortController().signal)).steps.map(
        ({ what, ok, detail }) => `${what} ${ok ? 'ok' : 'not ok'}: ${detail}`,
      );
    expect((await test()).at(-1)).to.equal('may replicate not ok: this role may not replicate: ALTER ROLE "plain_looker" REPLICATION');
    await sql('ALTER ROLE plain_looker REPLICATION');
    expect((await test()).slice(3)).to.deep.equal([
      'may replicate ok: yes',
      `publication ok: not there yet; the source makes it: CREATE PUBLICATION "thyme_a_v1" FOR TABLE "public"."looked_at" WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)`,
      'slot ok: thyme_a_v1 is not there yet; the source makes it',
      'may read ok: "public"."looked_at" n 1, first load',
    ]);
    expect((await sql('SELECT FROM pg_publication')).rowCount).to.equal(0);
  });

  it('stands still when the server has thrown away log that the slot needed', async () => {
    await table('slow');
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'slow')]);
    const sources = await world.start();
    await world.follows(sources);
    await sources.setPaused('A', true);
    await eventually(async () => (await sql('SELECT FROM pg_replication_slots WHERE active')).rowCount === 0, 'the slot is free');
    for (const statement of [`ALTER SYSTEM SET max_slot_wal_keep_size = '40MB'`, 'SELECT pg_reload_conf()', 'CREATE TABLE filler (x text)'])
      await sql(statement);
    const status = async (): Promise<string> => (await sql('SELECT wal_status FROM pg_replication_slots')).rows[0]?.['wal_status'] ?? '';
    while ((await status()) !== 'lost') {
      await sql(`INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 8000)`);
      await sql('SELECT pg_switch_wal()');
      await sql('CHECKPOINT');
    }
    await sources.setPaused('A', false);
    expect(await world.stops(sources))
      .to.contain('the server has thrown away log that the replication slot thyme_a_v1 needed')
      .and.contain('max_slot_wal_keep_size');
    await sql('ALTER SYSTEM RESET max_slot_wal_keep_size');
    await sql('SELECT pg_reload_conf()');
  });

  it('tells of slots that versions before have left behind', async () => {
    await table('raised');
    await sql(`SELECT pg_create_logical_replication_slot('thyme_a_v1', 'pgoutput')`);
    await world.fixture.commit([numberDataset('A', { ...upserts, version: 2 })], [world.source('A', 'raised')]);
    const sources = await world.start();
    await world.follows(sources);
    await eventually(
      () => world.fixture.events.list({ limit: 10 }).some(({ message }) => message.includes('thyme_a_v1 is read by nobody')),
      'it is told',
    );
  });
});
