// `thyme sources reset`: another place, and no row twice in one version of a dataset.
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { ThymeError } from '../../libs/errors/errors.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { filesConnector } from '../../libs/source/files/files-connector.js';
import { postgresConnector } from '../../libs/source/postgres/postgres-connector.js';
import { SourceError } from '../../libs/source/source-error.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { componentOrSkip } from '../support/component.js';
import { eventually } from '../support/eventually.js';
import { ListSystem, listConnector } from '../support/list-connector.js';
import { postgresPrograms, startPostgres, type Postgres } from '../support/postgres.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { NOW_US, numberDataset, polled, row, SourcesFixture } from './sources-fixture.js';

const EVERY_MS = 5_000;

const started: Sources[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 0 })));
});

async function start(fixture: SourcesFixture): Promise<Sources> {
  const sources = await fixture.start();
  started.push(sources);
  return sources;
}

const waits = (sources: Sources): Promise<void> => eventually(() => sources.list()[0]?.phase.kind === 'waiting', 'the poll ends');

async function nextPoll(sources: Sources, fixture: SourcesFixture): Promise<void> {
  const before = sources.list()[0]?.successUs ?? 0;
  fixture.clock.advance(EVERY_MS);
  await eventually(() => (sources.list()[0]?.successUs ?? 0) > before, 'the next poll ends');
  await waits(sources);
}

const reset = (sources: Sources, to: string): Promise<string> => sources.reset('A', to, new AbortController().signal);

async function refusal(sources: Sources, to: string): Promise<string> {
  const error = await reset(sources, to).then(
    (position) => new Error(`it went to ${position}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ThymeError)) throw error;
  expect(error.status).to.be.oneOf(['FAILED_PRECONDITION', 'INVALID_ARGUMENT']);
  return error.message;
}

describe('a source that is reset', () => {
  let system: ListSystem;
  let fixture: SourcesFixture;

  beforeEach(() => {
    system = new ListSystem();
    fixture = new SourcesFixture(new MemoryLog(), () => [listConnector('postgres', system)]);
  });

  const push = (from: number, to: number): void => {
    for (let n = from; n < to; n++) system.rows.push(row(n));
  };

  it('to now leaves out what is there, and publishes what comes, also after a restart', async () => {
    push(0, 3);
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const first = await start(fixture);
    await waits(first);
    push(3, 6);
    expect(await reset(first, 'now')).to.equal('behind row 6');
    await waits(first);
    push(6, 8);
    await nextPoll(first, fixture);
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 6, 7]);
    expect(first.list()[0]).to.include({ rows: 5, position: 'behind row 8' });
    await first.stop({ graceMs: 0 });
    push(8, 9);
    await waits(await start(fixture));
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 6, 7, 8]);
  });

  it('goes on from a named place ahead, and is refused one behind, or the beginning, with the way to have it', async () => {
    push(0, 3);
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start(fixture);
    await waits(sources);
    const before = system.opened;
    for (const to of ['beginning', '1']) {
      const words = await refusal(sources, to);
      expect(words).to.contain("upgrade: 'empty'");
    }
    expect(await refusal(sources, 'beginning'))
      .to.contain('version: 2')
      .and.to.contain('3 rows');
    expect(system.opened - before, 'whoever reads is not disturbed by what is refused at once').to.equal(1);
    push(3, 6);
    expect(await reset(sources, '5')).to.equal('behind row 5');
    await eventually(async () => (await fixture.numbers('A')).includes(5), 'it goes on');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 5]);
  });

  it('publishes no row twice, whatever it was doing when it was reset', async () => {
    push(0, 20_000);
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start(fixture);
    await eventually(() => (sources.list()[0]?.rows ?? 0) >= 2_000, 'it has begun');
    await reset(sources, 'now');
    push(20_000, 20_010);
    await eventually(() => sources.list()[0]?.phase.kind !== 'retrying', 'it does not wait as after a fence');
    await nextPoll(sources, fixture);
    const numbers = await fixture.numbers('A');
    expect(new Set(numbers).size).to.equal(numbers.length);
    expect(numbers.slice(-10)).to.deep.equal(Array.from({ length: 10 }, (_, i) => 20_000 + i));
    expect(numbers.length).to.be.lessThan(20_010);
  });

  it('may begin a new version anywhere while nothing of it is published, and stays paused', async () => {
    push(0, 4);
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start(fixture);
    await waits(sources);
    await sources.setPaused('A', true);
    await eventually(() => sources.list()[0]?.phase.kind === 'paused', 'it is paused');
    await fixture.commit([numberDataset('A', { version: 2 })], [polled('A')]);
    await eventually(() => sources.list()[0]?.version === 2, 'the new version is known');
    await reset(sources, 'now');
    expect(await reset(sources, '2')).to.equal('behind row 2');
    await eventually(() => sources.list()[0]?.position === 'behind row 2', 'people are told');
    expect(sources.list()[0]?.phase.kind).to.equal('paused');
    expect(await reset(sources, 'beginning')).to.equal('the beginning');
    expect(await reset(sources, '1')).to.equal('behind row 1');
    await sources.setPaused('A', false);
    await eventually(async () => (await fixture.numbers('A', 2)).length === 3, 'it goes on');
    expect(await fixture.numbers('A', 2)).to.deep.equal([1, 2, 3]);
  });

  it('goes on with what comes where it names another place than it was filled from, and nowhere else', async () => {
    push(0, 3);
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start(fixture);
    await waits(sources);
    system.place = 'another list';
    await sources.setPaused('A', false);
    await eventually(() => sources.list()[0]?.phase.kind === 'stopped', 'it stands still');
    expect(await refusal(sources, '3')).to.contain('`--to now` goes on');
    await reset(sources, 'now');
    await waits(sources);
    push(3, 4);
    await nextPoll(sources, fixture);
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 3]);
  });

  it('is refused where rows replace one another, where its system has no places, and without a place', async () => {
    push(0, 3);
    const upsert = { cdc: { mode: 'upsert', rowKey: ['k'] } } as const;
    await fixture.commit([numberDataset('A', upsert)], [polled('A', 'postgres', { cdc: 'upsert' })]);
    const sources = await start(fixture);
    await waits(sources);
    expect(await refusal(sources, 'now'))
      .to.contain('replace one another')
      .and.to.contain("upgrade: 'empty'");
    expect(await refusal(sources, '')).to.contain('to: is missing');
    expect(await refusal(sources, 'x'.repeat(5_000))).to.contain('at most 4096');
    system.canSeek = false;
    await fixture.commit([numberDataset('A', { version: 2 })], [polled('A')]);
    await eventually(async () => (await fixture.numbers('A', 2)).length === 3, 'the new version is read');
    expect(await refusal(sources, 'now')).to.contain('cannot be begun in its middle');
    await waits(sources);
    expect(await fixture.numbers('A', 2)).to.deep.equal([0, 1, 2]);
  });
});

describe('a source of files that is reset', () => {
  it('goes on behind a name or behind all names, and still finds one that comes late among the last', async () => {
    const folder = temporaryFolder();
    const fixture = new SourcesFixture(new MemoryLog(), (clock) => [filesConnector(clock)]);
    const file = (name: string, n: number): void => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, name), `${JSON.stringify(row(n))}\n`);
      utimesSync(join(folder, name), NOW_US / 1e6 - 60, NOW_US / 1e6 - 60);
    };
    ['a', 'b', 'd'].forEach((name, n) => file(`${name}.jsonl`, n));
    const source = {
      dataset: 'A',
      connector: 'files',
      config: { path: `${folder}/*.jsonl`, lookBack: 3 },
      everyUs: 5e6,
      cdc: 'append',
    } as const;
    await fixture.commit([numberDataset('A')], [source]);
    const sources = await start(fixture);
    await waits(sources);
    await sources.setPaused('A', true);
    ['e', 'g', 'h', 'i'].forEach((name, i) => file(`${name}.jsonl`, 3 + i));
    expect(await refusal(sources, 'b.jsonl')).to.contain('b.jsonl lies before d.jsonl');
    expect(await reset(sources, 'g.jsonl')).to.equal('behind g.jsonl');
    await sources.setPaused('A', false);
    await eventually(async () => (await fixture.numbers('A')).length === 5, 'it goes on');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 5, 6]);
    file('k.jsonl', 7);
    file('l.jsonl', 8);
    expect(await reset(sources, 'now')).to.equal('behind l.jsonl');
    file('kk.jsonl', 9); // its name lies before the last one
    file('m.jsonl', 10);
    await waits(sources);
    await nextPoll(sources, fixture);
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 5, 6, 9, 10]);
  });
});

describe('a source of a table that is reset', () => {
  let postgres: Postgres | undefined;

  before(async function () {
    componentOrSkip(this, postgresPrograms() !== undefined, 'PostgreSQL (apt-get install postgresql)');
    postgres = await startPostgres();
  });

  after(() => postgres?.stop());

  it('leaves out the rows that are there, and none that an open transaction has yet to commit', async () => {
    if (postgres === undefined) throw new SourceError('stop', 'THYME_SOURCE_POSTGRES', 'there is no server');
    const { client, port } = postgres;
    await client.query(`CREATE TABLE t (k text, n bigint PRIMARY KEY, at timestamptz);
      INSERT INTO t SELECT 'k', i, timestamptz '2026-01-01 00:00:00Z' + i * interval '1 second' FROM generate_series(0, 9) i`);
    const insert = (n: number): string =>
      `INSERT INTO t VALUES ('k', ${n}, timestamptz '2026-01-01 00:00:00Z' + ${n} * interval '1 second')`;
    const fixture = new SourcesFixture(new MemoryLog(), (clock) => [postgresConnector(clock)]);
    const config = { table: 't', host: '127.0.0.1', port, user: 'thyme', database: 'postgres' };
    await fixture.commit(
      [numberDataset('A')],
      [{ dataset: 'A', connector: 'postgres', config, cursor: 'at', everyUs: EVERY_MS * 1_000, cdc: 'append' }],
    );
    const sources = await start(fixture);
    await waits(sources);
    await sources.setPaused('A', true);
    const writer = new pg.Client({ host: '127.0.0.1', port, user: 'thyme', database: 'postgres' });
    await writer.connect();
    await writer.query('BEGIN');
    await writer.query(insert(12));
    for (const n of [11, 13, 14]) await client.query(insert(n)); // younger than the writer's, and committed before the reset
    expect(await refusal(sources, '2026-01-01 00:00:03Z'))
      .to.contain('lies before')
      .and.to.contain("upgrade: 'empty'");
    expect(await refusal(sources, 'soon')).to.contain("'soon' is no timestamp with time zone, which at is");
    expect(await reset(sources, '2026-01-01 00:00:11.5Z')).to.contain('n 11');
    expect(await reset(sources, 'now')).to.contain('n 14');
    await writer.query('COMMIT');
    await writer.end();
    await client.query(insert(15));
    await sources.setPaused('A', false);
    await waits(sources);
    await nextPoll(sources, fixture);
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15]);
  });
});
