// Postgres as a stream, against a real server: first load and changes, each once, in the order of their commits.
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { PostgresLogFixture, upserts } from './postgres-log-fixture.js';
import { numberDataset } from './sources-fixture.js';

describe('the Postgres source by its log', function () {
  this.timeout(60_000);
  const world = new PostgresLogFixture();
  const sql = (text: string): ReturnType<PostgresLogFixture['sql']> => world.sql(text);

  before(async function () {
    await world.open(this);
  });
  after(() => world.close());
  beforeEach(() => world.begin());
  afterEach(() => world.end());

  it('loads what is there, then follows inserts, updates and deletes at their commit times (S17)', async () => {
    await sql(`CREATE TABLE plain (k text, n bigint PRIMARY KEY, at timestamptz);
      INSERT INTO plain VALUES ('a', 1, '2026-01-01'), ('b', 2, '2026-01-01')`);
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'plain')]);
    const sources = await world.start();
    await world.reads(sources, 2);
    await sql(`UPDATE plain SET k = 'c' WHERE n = 1; DELETE FROM plain WHERE n = 2`);
    await sql(`INSERT INTO plain VALUES ('d', 3, '2026-01-01')`);
    await sql('UPDATE plain SET n = 4 WHERE n = 3');
    await world.reads(sources, 7);
    const seen = (await world.fixture.published('A')).map(({ row, change, historical }) => [
      row[0],
      row[1],
      change?.deleted === true ? 'deleted' : historical ? 'loaded' : 'set',
    ]);
    expect(seen).to.have.deep.members([
      ['a', 1, 'loaded'],
      ['b', 2, 'loaded'],
      ['c', 1, 'set'],
      [null, 2, 'deleted'],
      ['d', 3, 'set'],
      [null, 3, 'deleted'],
      ['d', 4, 'set'],
    ]);
  });

  it('goes on in the middle of a transaction that is larger than a batch, and takes each change once', async () => {
    await sql(`CREATE TABLE large (k text, n bigint PRIMARY KEY, at timestamptz)`);
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'large')]);
    let sources = await world.start();
    await world.follows(sources);
    await sql(`INSERT INTO large SELECT 'k' || i % 7, i, '2026-01-01' FROM generate_series(0, 19999) i`);
    const seen = new Set<number>();
    while ((sources.list()[0]?.rows ?? 0) < 20_000) {
      const before = sources.list()[0]?.rows ?? 0;
      await world.reads(sources, Math.min(20_000, before + 1));
      seen.add(sources.list()[0]?.rows ?? 0);
      sources = await world.restart(sources);
      await eventually(() => sources.list()[0]?.position !== undefined, 'it has begun anew');
    }
    await world.isCaughtUp(sources);
    expect(await world.fixture.numbers('A')).to.deep.equal(Array.from({ length: 20_000 }, (_, n) => n));
    expect(seen.size).to.be.greaterThan(1);
  });

  it('reads whole partitioned tables as one', async () => {
    await sql(`CREATE TABLE parts (k text, n bigint PRIMARY KEY, at timestamptz) PARTITION BY RANGE (n);
      CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (10);
      CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (10) TO (20);
      INSERT INTO parts VALUES ('a', 1, '2026-01-01'), ('b', 11, '2026-01-01')`);
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'parts')]);
    const sources = await world.start();
    await world.reads(sources, 2);
    await sql(
      `UPDATE parts SET n = 12 WHERE n = 1; INSERT INTO parts VALUES ('c', 3, '2026-01-01'); UPDATE parts SET k = 'd' WHERE n = 11`,
    );
    await world.reads(sources, 6);
    expect((await world.latest('A')).map(([k, n]) => [k, n])).to.have.deep.members([
      ['a', 12],
      ['c', 3],
      ['d', 11],
    ]);
  });

  it('keeps the slot moving while its table is idle and its neighbours write', async () => {
    await sql(`CREATE TABLE quiet (k text, n bigint PRIMARY KEY, at timestamptz); CREATE TABLE noisy (x text)`);
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'quiet')]);
    const sources = await world.start();
    await world.follows(sources);
    for (let i = 0; i < 3; i++) {
      await sql(`INSERT INTO noisy SELECT repeat('x', 100) FROM generate_series(1, 20000)`);
      await world.isCaughtUp(sources);
    }
    await eventually(() => sources.list()[0]?.lag.bytes === 0, 'it is not behind');
    await sql(`INSERT INTO quiet VALUES ('a', 1, '2026-01-01')`);
    await world.reads(sources, 1);
    expect(await world.fixture.numbers('A')).to.deep.equal([1]);
  });

  it('goes on over pauses, and over restarts and crashes of the server, with each change once', async () => {
    await sql(`CREATE TABLE restarted (k text, n bigint PRIMARY KEY, at timestamptz)`);
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'restarted')]);
    const sources = await world.start();
    await world.follows(sources);
    let n = 0;
    for (const how of ['fast', 'immediate', 'pause', 'fast'] as const) {
      await sql(`INSERT INTO restarted SELECT 'k', i, '2026-01-01' FROM generate_series(${n}, ${n + 2_999}) i`);
      n += 3_000;
      if (how === 'pause') {
        await sources.setPaused('A', true);
        await eventually(() => sources.list()[0]?.phase.kind === 'paused', 'it is paused');
        await sql(`INSERT INTO restarted SELECT 'k', i, '2026-01-01' FROM generate_series(${n}, ${n + 999}) i`);
        n += 1_000;
        await sources.setPaused('A', false);
      } else await world.postgres.restart(how);
      await eventually(() => {
        world.fixture.clock.advance(1_000); // the pause before it is tried again
        return (sources.list()[0]?.rows ?? 0) >= n;
      }, `${n} rows after ${how}`);
    }
    expect(await world.fixture.numbers('A')).to.deep.equal(Array.from({ length: n }, (_, i) => i));
  });
});
