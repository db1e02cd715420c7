// A fail-over: logical slots are not on a stand-by (before Postgres 17), so the source must not go on as if nothing were missing.
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { startStandby, type Postgres } from '../support/postgres.js';
import { PostgresLogFixture, SETTINGS, upserts } from './postgres-log-fixture.js';
import { numberDataset } from './sources-fixture.js';

describe('a Postgres source by its log, of a stand-by that was promoted', function () {
  this.timeout(90_000);
  const world = new PostgresLogFixture();
  let standby: Postgres | undefined;

  before(async function () {
    await world.open(this);
  });
  beforeEach(() => world.begin());
  afterEach(() => world.end());
  after(async () => {
    await standby?.stop();
    await world.close();
  });

  it('stands still, says that the slot was left behind, and reads the table anew by a new version', async () => {
    await world.sql(`CREATE TABLE item (k text, n bigint PRIMARY KEY, at timestamptz);
      INSERT INTO item SELECT 'k', i, '2026-01-01' FROM generate_series(1, 5) i`);
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'item')]);
    const sources = await world.start();
    await world.follows(sources);
    await world.isCaughtUp(sources);
    standby = await startStandby(world.postgres, SETTINGS);
    const { client, port } = standby;
    await sources.setPaused('A', true);
    await eventually(() => sources.list()[0]?.phase.kind === 'paused', 'it is paused');
    await world.sql(`DELETE FROM item WHERE n = 2; UPDATE item SET k = 'changed' WHERE n = 3`); // nobody will hear of these
    await eventually(
      async () => (await client.query(`SELECT FROM item WHERE k = 'changed'`)).rowCount === 1,
      'the stand-by has what was written',
    );
    await client.query('SELECT pg_promote()');
    await client.query(`INSERT INTO item VALUES ('after', 6, '2026-01-01')`);
    const promoted = world.source('A', 'item', {}, { port });
    await world.fixture.commit([numberDataset('A', upserts)], [promoted]);
    await sources.setPaused('A', false);
    expect(await world.stops(sources))
      .to.contain('the replication slot thyme_a_v1 is not there any more')
      .and.contain('a fail-over has left it behind')
      .and.contain("upgrade: 'empty'");
    expect(await world.fixture.numbers('A')).to.deep.equal([1, 2, 3, 4, 5]);
    await world.fixture.commit([numberDataset('A', { ...upserts, version: 2 })], [promoted]);
    await eventually(async () => (await world.fixture.published('A', 2)).length === 5, 'the new version is read');
    const rows = (await world.fixture.published('A', 2))
      .map(({ row: [k, n] }) => [k, Number(n)])
      .sort((a, b) => Number(a[1]) - Number(b[1]));
    expect(rows).to.deep.equal([
      ['k', 1],
      ['changed', 3],
      ['k', 4],
      ['k', 5],
      ['after', 6],
    ]);
    await sources.stop({ graceMs: 1_000 });
  });
});
