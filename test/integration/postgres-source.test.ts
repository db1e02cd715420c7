// The Postgres connector against a real server: each row once, whoever writes what beside it.
import { expect } from 'chai';
import pg from 'pg';
import type { DatasetDefinition, SourceDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import type { ValueType } from '../../libs/schema/value-type.js';
import { postgresConnector } from '../../libs/source/postgres/postgres-connector.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { eventually } from '../support/eventually.js';
import { componentOrSkip } from '../support/component.js';
import { postgresPrograms, startPostgres, type Postgres } from '../support/postgres.js';
import { NOW_US, numberDataset, SourcesFixture } from './sources-fixture.js';

const EVERY_MS = 5_000;

describe('the Postgres source', () => {
  let postgres: Postgres;
  let isStarted = false;
  let fixture: SourcesFixture;
  const started: Sources[] = [];

  before(async function () {
    componentOrSkip(this, postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)');
    postgres = await startPostgres();
    isStarted = true;
    await postgres.client.query('CREATE ROLE reader LOGIN');
    await postgres.client.query('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader');
  });

  after(() => (isStarted ? postgres.stop() : undefined));

  beforeEach(() => {
    fixture = new SourcesFixture(new MemoryLog(), (clock) => [postgresConnector(clock)]);
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 0 })));
  });

  function tableSource(dataset: string, table: string, more: Partial<SourceDefinition> = {}): SourceDefinition {
    const config = { table, host: '127.0.0.1', port: postgres.port, user: 'reader', database: 'postgres' };
    return { dataset, connector: 'postgres', config, cursor: 'at', everyUs: EVERY_MS * 1_000, cdc: 'append', ...more };
  }

  async function start(): Promise<Sources> {
    const sources = await fixture.start();
    started.push(sources);
    return sources;
  }

  async function waits(sources: Sources): Promise<void> {
    await eventually(() => {
      const phase = sources.list()[0]?.phase;
      if (phase?.kind === 'stopped' || phase?.kind === 'retrying') throw new Error(phase.cause);
      return phase?.kind === 'waiting';
    }, 'the poll ends');
  }

  async function nextPoll(sources: Sources): Promise<void> {
    const before = sources.list()[0]?.successUs ?? 0;
    fixture.clock.advance(EVERY_MS);
    await eventually(() => (sources.list()[0]?.successUs ?? 0) > before, 'the next poll ends');
    await waits(sources);
  }

  const sql = (text: string): Promise<unknown> => postgres.client.query(text);

  it('reads a table with ties and neighbours of a microsecond, each row once, over a restart in the middle', async () => {
    await sql(`CREATE TABLE ties (k text, n bigint PRIMARY KEY, at timestamptz);
      INSERT INTO ties SELECT 'k' || i % 7, i, timestamptz '2026-01-01 00:00:00Z' + (i / 997) * interval '1 microsecond' FROM generate_series(0, 29999) i`);
    await fixture.commit([numberDataset('A')], [tableSource('A', 'ties')]);
    const first = await start();
    await eventually(() => (first.list()[0]?.rows ?? 0) >= 4_000, 'some of it is read');
    await first.stop({ graceMs: 0 });
    const halfway = first.list()[0]?.rows ?? 0;
    const second = await start();
    await waits(second);
    expect(halfway).to.be.lessThan(30_000);
    expect(await fixture.numbers('A')).to.deep.equal(Array.from({ length: 30_000 }, (_, n) => n));
    expect((await fixture.published('A')).every(({ historical }) => historical)).to.equal(true);
    await sql(`INSERT INTO ties VALUES ('k', 30000, '2026-01-01 00:00:00.000031Z')`);
    await nextPoll(second);
    const last = (await fixture.published('A')).find(({ row: [, n] }) => n === 30_000);
    expect(last).to.include({ historical: false, eventTimeUs: 1_767_225_600_000_031 });
  });

  it('finds each row of writers that are slow, roll back, and use savepoints (CONNECTORS 2)', async () => {
    await sql("CREATE TABLE busy (k text, n bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp() - interval '400 days')");
    await fixture.commit([numberDataset('A')], [tableSource('A', 'busy')]);
    const sources = await start();
    await waits(sources);
    const kept = new Set<number>();
    let writing = 12;
    const writers = Array.from({ length: 12 }, async (_, writer) => {
      const client = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'thyme', database: 'postgres' });
      await client.connect();
      for (let round = 0; round < 12; round++) {
        const mine: number[] = [];
        const insert = async (): Promise<void> => {
          const { rows } = await client.query<{ readonly n: string }>(
            `INSERT INTO busy (k) SELECT 'k' || g FROM generate_series(1, 5) g RETURNING n`,
          );
          mine.push(...rows.map(({ n }) => Number(n)));
        };
        await client.query('BEGIN');
        await insert();
        await client.query('SAVEPOINT s');
        await insert();
        if ((writer + round) % 3 === 0) {
          await client.query('ROLLBACK TO SAVEPOINT s');
          mine.splice(5);
        }
        await client.query(`SELECT pg_sleep(${((writer * 7 + round * 3) % 10) / 40})`);
        await insert();
        const commits = (writer + round) % 5 !== 0;
        await client.query(commits ? 'COMMIT' : 'ROLLBACK');
        if (commits) for (const n of mine) kept.add(n);
      }
      await client.end();
      writing--;
    });
    while (writing > 0) await nextPoll(sources);
    await Promise.all(writers);
    await nextPoll(sources);
    await nextPoll(sources);
    expect(await fixture.numbers('A')).to.deep.equal([...kept].sort((a, b) => a - b));
  }).timeout(120_000);

  it('holds rows back while a writer is older than more of them than can be remembered, and gives them once it has ended', async () => {
    await sql('CREATE TABLE held (k text, n bigint PRIMARY KEY, at timestamptz)');
    await fixture.commit([numberDataset('A')], [tableSource('A', 'held', { cursor: 'n' })]);
    const sources = await start();
    await waits(sources);
    const slow = new pg.Client({ host: '127.0.0.1', port: postgres.port, user: 'thyme', database: 'postgres' });
    await slow.connect();
    await slow.query(`BEGIN; INSERT INTO held VALUES ('k', 0, '2026-01-01')`);
    await sql(`INSERT INTO held SELECT 'k', i, '2026-01-01' FROM generate_series(1, 5000) i`);
    await nextPoll(sources);
    expect(await fixture.numbers('A')).to.have.lengthOf(2_000);
    expect(sources.list()[0]?.position).to.contain('wait for older transactions to end');
    await slow.query('COMMIT');
    await slow.end();
    await nextPoll(sources);
    await nextPoll(sources);
    expect(await fixture.numbers('A')).to.deep.equal(Array.from({ length: 5_001 }, (_, n) => n));
  });

  it('reads each type of column exactly, and sets aside by name what fits no field', async () => {
    await sql(`CREATE TYPE colour AS ENUM ('red', 'green');
      CREATE TABLE every_type (k uuid PRIMARY KEY, i8 int8, f8 float8, num numeric, b bool, raw bytea, tz timestamptz, plain timestamp, day date, doc jsonb, list int4[], colours colour[], c colour, nothing text, at timestamptz);
      INSERT INTO every_type VALUES ('00000000-0000-0000-0000-000000000001', 9007199254740991, 0.1, 12345678901234567.890, true, '\\x00ff', '2026-01-01 01:02:03.123456+02', '2026-01-01 01:02:03.000001', '2026-02-28', '{"a": [1, 2]}', '{1,2}', '{red,green}', 'green', NULL, '2026-01-01'),
        ('00000000-0000-0000-0000-000000000002', 9007199254740993, 0.1, 1, true, '', '2026-01-01', '2026-01-01', '2026-01-01', '{}', '{}', '{}', 'red', 'x', '2026-01-02'),
        ('00000000-0000-0000-0000-000000000003', 1, 'NaN', 1, true, '', '2026-01-01', '2026-01-01', '2026-01-01', '{}', '{}', '{}', 'red', 'x', '2026-01-03')`);
    const type = (kind: 'string' | 'int' | 'float' | 'decimal' | 'bool' | 'bytes' | 'timestamp' | 'date', optional = false): ValueType => ({
      kind,
      optional,
    });
    const colour: ValueType = { kind: 'enum', values: ['red', 'green'], optional: false };
    const fields: DatasetDefinition['fields'] = [
      { name: 'k', type: type('string') },
      { name: 'i8', type: type('int') },
      { name: 'f8', type: type('float') },
      { name: 'num', type: type('decimal') },
      { name: 'b', type: type('bool') },
      { name: 'raw', type: type('bytes') },
      { name: 'tz', type: type('timestamp') },
      { name: 'plain', type: type('timestamp') },
      { name: 'day', type: type('date') },
      {
        name: 'doc',
        type: { kind: 'struct', fields: [{ name: 'a', type: { kind: 'list', of: type('int'), optional: true } }], optional: true },
      },
      { name: 'list', type: { kind: 'list', of: type('int'), optional: false } },
      { name: 'colours', type: { kind: 'list', of: colour, optional: false } },
      { name: 'c', type: colour },
      { name: 'nothing', type: type('string', true) },
      { name: 'at', type: type('timestamp') },
    ];
    await fixture.commit([numberDataset('A', { fields })], [tableSource('A', 'every_type')]);
    const sources = await start();
    await waits(sources);
    const [record] = await fixture.published('A', 1, fields);
    expect(record?.row).to.deep.equal([
      '00000000-0000-0000-0000-000000000001',
      9007199254740991,
      0.1,
      '12345678901234567.89',
      true,
      Uint8Array.of(0, 255),
      1_767_222_123_123_456,
      1_767_229_323_000_001,
      20_512,
      [[1, 2]],
      [1, 2],
      ['red', 'green'],
      'green',
      null,
      1_767_225_600_000_000,
    ]);
    expect((await fixture.dead('A')).map(({ reason }) => String(reason).split(':')[0])).to.deep.equal(['A.i8', 'A.f8']);
  });

  it('reads partitioned tables, and views by their time, whose rows do not tell their transactions', async () => {
    await sql(`CREATE TABLE parted (k text, n bigint, at timestamptz, PRIMARY KEY (n, at)) PARTITION BY RANGE (at);
      CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-01-02');
      CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2026-01-02') TO ('2026-01-03');
      INSERT INTO parted SELECT 'k', i, timestamptz '2026-01-01' + i * interval '1 minute' FROM generate_series(0, 2000) i;
      CREATE VIEW seen_through AS SELECT k, n, at FROM parted WHERE n < 100`);
    await fixture.commit(
      [numberDataset('A'), numberDataset('B')],
      [tableSource('A', 'parted'), tableSource('B', 'seen_through', { config: { ...tableSource('B', 'seen_through').config, key: 'n' } })],
    );
    const sources = await start();
    await eventually(() => sources.list().every(({ phase }) => phase.kind === 'waiting'), 'both are read');
    expect(await fixture.numbers('A')).to.have.lengthOf(2_001);
    expect(await fixture.numbers('B')).to.have.lengthOf(100);
  });

  it('replaces rows that were updated, at the time of their cursor (S17)', async () => {
    await sql(`CREATE TABLE changing (k text, n bigint PRIMARY KEY, at timestamptz);
      INSERT INTO changing VALUES ('a', 1, '2026-01-01 00:00:00Z'), ('b', 2, '2026-01-01 00:00:01Z')`);
    await fixture.commit(
      [numberDataset('A', { cdc: { mode: 'upsert', rowKey: ['n'] } })],
      [tableSource('A', 'changing', { cdc: 'upsert' })],
    );
    const sources = await start();
    await waits(sources);
    await sql(`UPDATE changing SET k = 'c', at = '2026-01-01 00:00:05.000007Z' WHERE n = 1`);
    await nextPoll(sources);
    const changes = (await fixture.published('A')).map(({ row, change }) => [row[0], row[1], change?.deleted, change?.timeUs]);
    expect(changes).to.have.deep.members([
      ['a', 1, false, 1_767_225_600_000_000],
      ['b', 2, false, 1_767_225_601_000_000],
      ['c', 1, false, 1_767_225_605_000_007],
    ]);
  });

  const refusals: readonly (readonly [what: string, setup: string, table: string, more: Partial<SourceDefinition>, words: string])[] = [
    ['a table that is not there', 'SELECT 1', 'absent', {}, 'there is no table or view public.absent'],
    [
      'a column that is missing',
      'CREATE TABLE lacks (k text, at timestamptz PRIMARY KEY)',
      'lacks',
      {},
      "has no column 'n', which A needs",
    ],
    [
      'a column of another type',
      'CREATE TABLE odd (k text, n text PRIMARY KEY, at timestamptz)',
      'odd',
      {},
      'is text, which cannot fill t.int',
    ],
    ['a table without a key', 'CREATE TABLE keyless (k text, n bigint, at timestamptz)', 'keyless', {}, 'has no primary key'],
    [
      'a cursor that is null',
      "CREATE TABLE gaps (k text, n bigint PRIMARY KEY, at timestamptz, c int); INSERT INTO gaps VALUES ('k', 7, '2026-01-01', NULL)",
      'gaps',
      { cursor: 'c' },
      'c is null where n = 7',
    ],
    [
      'a cursor without end',
      "CREATE TABLE endless (k text, n bigint PRIMARY KEY, at timestamptz); INSERT INTO endless VALUES ('k', 8, 'infinity')",
      'endless',
      {},
      'at is infinity at key 8',
    ],
    [
      'what it may not read',
      'CREATE TABLE secret_rows (k text, n bigint PRIMARY KEY, at timestamptz); REVOKE ALL ON secret_rows FROM reader',
      'secret_rows',
      {},
      'permission denied',
    ],
  ];
  for (const [what, setup, table, more, words] of refusals) {
    it(`stands still, and names it: ${what}`, async () => {
      await sql(setup);
      await fixture.commit([numberDataset('A')], [tableSource('A', table, more)]);
      const sources = await start();
      await eventually(() => sources.list()[0]?.phase.kind === 'stopped', 'it stands still');
      expect(sources.list()[0]?.phase).to.have.property('cause').that.contains(words);
      const { steps } = await sources.test('A', new AbortController().signal);
      expect(steps[0]).to.include({ what: 'reached', ok: true });
    });
  }

  it('tries again while the server is away, and tells where it looked', async () => {
    await fixture.commit([numberDataset('A')], [tableSource('A', 'ties', { config: { ...tableSource('A', 'ties').config, port: 1 } })]);
    const sources = await start();
    await eventually(() => sources.list()[0]?.phase.kind === 'retrying', 'it waits');
    expect(sources.list()[0]?.phase).to.have.property('cause').that.contains('127.0.0.1:1');
    expect(fixture.clock.nowUs()).to.equal(NOW_US);
  });
});
