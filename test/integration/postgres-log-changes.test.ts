// What a change may be: large values, events, TRUNCATE, and tables that are altered in mid-stream.
import { expect } from 'chai';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import { eventually } from '../support/eventually.js';
import { PostgresLogFixture, upserts } from './postgres-log-fixture.js';
import { numberDataset } from './sources-fixture.js';

describe('changes in the log of Postgres', function () {
  this.timeout(60_000);
  const world = new PostgresLogFixture();
  const sql = (text: string): ReturnType<PostgresLogFixture['sql']> => world.sql(text);

  before(async function () {
    await world.open(this);
  });
  after(() => world.close());
  beforeEach(() => world.begin());
  afterEach(() => world.end());

  const longText = `(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500) i)`;

  const withText: DatasetDefinition['fields'] = [...numberDataset('A').fields, { name: 'doc', type: { kind: 'string', optional: false } }];

  it('completes large values that an update leaves alone: from the log where that has them, or from the row', async () => {
    await sql(`CREATE TABLE toasted (k text, n bigint PRIMARY KEY, at timestamptz, doc text);
      CREATE TABLE toasted_full (LIKE toasted INCLUDING ALL);
      ALTER TABLE toasted_full REPLICA IDENTITY FULL;
      INSERT INTO toasted SELECT 'a', n, '2026-01-01', n || ${longText} FROM generate_series(1, 3) n;
      INSERT INTO toasted_full SELECT * FROM toasted`);
    await world.fixture.commit(
      [numberDataset('A', { ...upserts, fields: withText }), numberDataset('B', { ...upserts, fields: withText })],
      [world.source('A', 'toasted'), world.source('B', 'toasted_full')],
    );
    const sources = await world.start();
    await world.follows(sources);
    for (const table of ['toasted', 'toasted_full']) {
      await sql(
        `BEGIN; UPDATE ${table} SET k = 'b' WHERE n = 1; UPDATE ${table} SET k = 'b' WHERE n = 2; UPDATE ${table} SET n = 4 WHERE n = 3; DELETE FROM ${table} WHERE n = 2; COMMIT`,
      );
    }
    await eventually(() => sources.list().every(({ rows, refused }) => rows + refused === 8), 'both are read');
    const expected = [1, 4].map((n) => [n === 1 ? 'b' : 'a', n]);
    for (const dataset of ['A', 'B']) {
      const rows = await world.latest(dataset, 1, withText);
      expect(rows.map(([k, n]) => [k, n])).to.have.deep.members(expected, dataset);
      expect(rows.map(([, , , doc]) => String(doc).length)).to.deep.equal([16_001, 16_001], dataset);
    }
    expect(await world.fixture.dead('B')).to.have.lengthOf(0);
    const [letter] = await world.fixture.dead('A');
    expect(letter?.['reason']).to.contain('doc is large and was left alone by an update').and.contain('REPLICA IDENTITY FULL');
    expect(letter?.['place']).to.contain('"public"."toasted" n 2, WAL ');
  });

  it('takes inserts alone into datasets of events, and sets updates and deletes aside by name', async () => {
    await sql(`CREATE TABLE events (k text, n bigint PRIMARY KEY, at timestamptz);
      INSERT INTO events VALUES ('a', 1, '2026-01-01')`);
    await world.fixture.commit([numberDataset('A')], [world.source('A', 'events', { cdc: 'append' })]);
    const sources = await world.start();
    await world.reads(sources, 1);
    await sql(`INSERT INTO events VALUES ('b', 2, '2026-01-01'); UPDATE events SET k = 'c' WHERE n = 1; DELETE FROM events WHERE n = 2`);
    await world.reads(sources, 4);
    expect(await world.fixture.numbers('A')).to.deep.equal([1, 2]);
    expect((await world.fixture.dead('A')).map(({ reason }) => String(reason).split(',')[0])).to.deep.equal([
      'A: an update of a row',
      'A: a delete of a row',
    ]);
    await sql(`TRUNCATE events; INSERT INTO events VALUES ('d', 3, '2026-01-01')`);
    await world.reads(sources, 5);
    expect(await world.fixture.numbers('A')).to.deep.equal([1, 2, 3]);
    await eventually(
      () => world.fixture.events.list({ limit: 10 }).some(({ message }) => message.includes('"public"."events" was truncated')),
      'it is told',
    );
  });

  it('stands still at a TRUNCATE, which does not say which rows it took', async () => {
    await sql(`CREATE TABLE emptied (k text, n bigint PRIMARY KEY, at timestamptz); INSERT INTO emptied VALUES ('a', 1, '2026-01-01')`);
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'emptied')]);
    const sources = await world.start();
    await world.reads(sources, 1);
    await sql(`INSERT INTO emptied VALUES ('b', 2, '2026-01-01'); TRUNCATE emptied`);
    expect(await world.stops(sources))
      .to.contain('"public"."emptied" was truncated at WAL')
      .and.contain('raise the version of A');
  });

  it('ignores columns that are added, fills optional ones that are dropped with null, and stands still by name at others', async () => {
    await sql(
      `CREATE TABLE altered (k text, n bigint PRIMARY KEY, at timestamptz, spare text); INSERT INTO altered VALUES ('a', 1, '2026-01-01', 'x')`,
    );
    const fields = [...numberDataset('A').fields, { name: 'spare', type: { kind: 'string', optional: true } } as const];
    await world.fixture.commit([numberDataset('A', { ...upserts, fields })], [world.source('A', 'altered')]);
    const sources = await world.start();
    await world.reads(sources, 1);
    await sql(`ALTER TABLE altered ADD COLUMN more int DEFAULT 7`);
    await sql(`INSERT INTO altered VALUES ('b', 2, '2026-01-01', 'y', 8)`);
    await sql('ALTER TABLE altered DROP COLUMN spare');
    await sql(`INSERT INTO altered VALUES ('c', 3, '2026-01-01', 9)`);
    await sql('ALTER TABLE altered ALTER COLUMN k TYPE varchar(9)');
    await sql(`INSERT INTO altered VALUES ('d', 4, '2026-01-01', 9)`);
    await world.reads(sources, 4);
    const rows = (await world.latest('A', 1, fields)).map(([k, n, , spare]) => [k, n, spare]);
    expect(rows).to.have.deep.members([
      ['a', 1, 'x'],
      ['b', 2, 'y'],
      ['c', 3, null],
      ['d', 4, null],
    ]);
    await sql('ALTER TABLE altered RENAME COLUMN k TO kk');
    await sql(`INSERT INTO altered VALUES ('e', 5, '2026-01-01', 9)`);
    expect(await world.stops(sources)).to.contain(`"public"."altered" had no column 'k' any more, which A needs`);
  });

  it('stands still where the log no longer names rows, or a column became what fits no field', async () => {
    await sql(`CREATE TABLE retyped (k text, n bigint PRIMARY KEY, at timestamptz); CREATE TABLE renamed (LIKE retyped INCLUDING ALL)`);
    await world.fixture.commit([numberDataset('A', upserts)], [world.source('A', 'retyped')]);
    const sources = await world.start();
    await world.follows(sources);
    await sql(`ALTER TABLE retyped ALTER COLUMN at TYPE text; INSERT INTO retyped VALUES ('a', 1, '2026-01-01')`);
    expect(await world.stops(sources)).to.contain('"public"."retyped".at became text, which cannot fill');
  });
});
