// The first load ends exactly where the changes begin, whoever writes meanwhile, and however often it is broken off.
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { PostgresLogFixture } from './postgres-log-fixture.js';
import { numberDataset } from './sources-fixture.js';

describe('the first load of a Postgres source by its log', function () {
  this.timeout(60_000);
  const world = new PostgresLogFixture();
  const sql = (text: string): ReturnType<PostgresLogFixture['sql']> => world.sql(text);

  before(async function () {
    await world.open(this);
  });
  after(() => world.close());
  beforeEach(() => world.begin());
  afterEach(() => world.end());

  for (const key of ['numbers', 'text'] as const)
    it(`is gone on with where it was broken off while others write, by a key of ${key}`, async () => {
      const isText = key === 'text';
      const table = `racing_${key}`;
      // A collation that is not the order of bytes.
      await sql(
        isText
          ? `CREATE TABLE ${table} (k text COLLATE "en-x-icu" PRIMARY KEY, n bigint, at timestamptz DEFAULT '2026-01-01')`
          : `CREATE TABLE ${table} (k text, n bigint PRIMARY KEY, at timestamptz DEFAULT '2026-01-01')`,
      );
      await sql(
        `INSERT INTO ${table} (k, n) SELECT (CASE WHEN i % 2 = 0 THEN 'a' ELSE 'B' END) || md5(i::text), i FROM generate_series(0, 11999) i`,
      );
      await world.fixture.commit(
        [numberDataset('A', { cdc: { mode: 'upsert', rowKey: [isText ? 'k' : 'n'] } })],
        [world.source('A', table)],
      );
      let sources = await world.start();
      let parts = 0;
      for (let round = 0; round < 4; round++) {
        await world.reads(sources, 2_000 * (round + 1));
        const move = isText ? ", k = 'moved' || n" : '';
        await sql(`UPDATE ${table} SET at = at + interval '1 second' WHERE n % 500 = ${round};
          DELETE FROM ${table} WHERE n % 500 = ${round + 100};
          UPDATE ${table} SET n = n + 100000${move} WHERE n % 500 = ${round + 200} AND n < 100000;
          INSERT INTO ${table} (k, n) VALUES ('new${round}', ${50_000 + round}), ('zz-${round}', -${round + 1})`);
        sources = await world.restart(sources);
        await eventually(() => sources.list()[0]?.position !== undefined, 'it goes on');
        if (sources.list()[0]?.position?.startsWith('the first load') === true) parts++;
      }
      await world.isCaughtUp(sources);
      const { rows } = await sql(
        `SELECT k, n::text, (extract(epoch FROM at) * 1000000)::int8::text AS at FROM ${table} ORDER BY ${table}.n`,
      );
      expect(parts).to.be.greaterThan(0);
      expect(await world.latest('A', isText ? 0 : 1)).to.deep.equal(rows.map(({ k, n, at }) => [k, Number(n), Number(at)]));
    });
});
