// Sources over a log, with a system that is a list: what the runner promises whatever the connector.
import { expect } from 'chai';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { SourceError } from '../../libs/source/source-error.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { eventually } from '../support/eventually.js';
import { ListSystem, listConnector } from '../support/list-connector.js';
import { numberDataset, polled, row, SECRET, SourcesFixture } from './sources-fixture.js';

const EVERY_MS = 5_000;

describe('sources', () => {
  let system: ListSystem;
  let other: ListSystem;
  let log: MemoryLog;
  let fixture: SourcesFixture;
  const started: Sources[] = [];

  beforeEach(() => {
    system = new ListSystem();
    other = new ListSystem();
    log = new MemoryLog();
    fixture = new SourcesFixture(log, () => [listConnector('postgres', system), listConnector('snowflake', other)]);
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 0 })));
  });

  async function start(): Promise<Sources> {
    const sources = await fixture.start();
    started.push(sources);
    return sources;
  }

  const phase = (sources: Sources, dataset = 'A'): string | undefined =>
    sources.list().find((status) => status.dataset === dataset)?.phase.kind;

  it('publish what there is, then what comes, each row once, the first load as history (S10, S16)', async () => {
    system.rows.push(row(0), row(1), row(2));
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start();
    await eventually(() => phase(sources) === 'waiting', 'the first poll ends');
    system.rows.push(row(3));
    fixture.clock.advance(EVERY_MS);
    await eventually(async () => (await fixture.numbers('A')).length === 4, 'the second poll brings the fourth');
    const published = await fixture.published('A');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 3]);
    expect(published.filter(({ historical }) => historical).map(({ row: [, n] }) => Number(n))).to.have.members([0, 1, 2]);
    expect(published.map(({ lane }) => lane)).to.deep.equal(['list', 'list', 'list', 'list']);
    expect(sources.list()[0]).to.include({ dataset: 'A', connector: 'postgres', rows: 4, refused: 0, position: 'behind row 4' });
  });

  it('go on behind what was committed after a restart (S16)', async () => {
    system.rows.push(row(0), row(1));
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const first = await start();
    await eventually(() => phase(first) === 'waiting', 'the first process has read all');
    await first.stop({ graceMs: 1_000 });
    expect(system.closed).to.equal(system.opened);
    system.rows.push(row(2));
    const second = await start();
    await eventually(() => phase(second) === 'waiting', 'the second process has read on');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2]);
    expect(second.list()[0]?.rows).to.equal(3);
  });

  it('set aside a row that does not fit, with its place, and go on (S12)', async () => {
    system.rows.push(row(0), { k: 'k', n: 'many', at: '2026-01-31T11:00:00Z' }, row(2));
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start();
    await eventually(() => phase(sources) === 'waiting', 'the poll ends');
    expect(await fixture.numbers('A')).to.deep.equal([0, 2]);
    const [letter] = await fixture.dead('A');
    expect(letter).to.include({ dataset: 'A', place: 'row 1' });
    expect(letter?.['reason']).to.contain('A.n');
    expect(sources.list()[0]).to.include({ rows: 2, refused: 1 });
  });

  it('try again with a growing pause what fails, and lose and repeat nothing', async () => {
    system.rows.push(...Array.from({ length: 10 }, (_, n) => row(n)));
    system.failure = { atRow: 4, error: new SourceError('retry', 'THYME_SOURCE_UNREACHABLE', 'the connection was reset') };
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start();
    await eventually(() => phase(sources) === 'retrying', 'the failure is seen');
    expect(sources.list()[0]?.phase).to.include({ cause: 'the connection was reset' });
    fixture.clock.advance(500);
    await eventually(() => phase(sources) === 'waiting', 'the next life reads on');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('stand still where only a person can help, until they are resumed', async () => {
    system.rows.push(row(0));
    system.failure = { atRow: 0, error: new SourceError('stop', 'THYME_SOURCE_TABLE', 'there is no table t') };
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start();
    await eventually(() => phase(sources) === 'stopped', 'it stands still');
    fixture.clock.advance(3_600_000);
    expect(phase(sources)).to.equal('stopped');
    await sources.setPaused('A', false);
    await eventually(() => phase(sources) === 'waiting', 'it is tried again');
    expect(await fixture.numbers('A')).to.deep.equal([0]);
  });

  it('never go on from the position of another table', async () => {
    system.rows.push(row(0), row(1));
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const first = await start();
    await eventually(() => phase(first) === 'waiting', 'the table is read');
    await first.stop({ graceMs: 1_000 });
    system.place = 'another list';
    const second = await start();
    await eventually(() => phase(second) === 'stopped', 'it stands still');
    expect(second.list()[0]?.phase).to.have.property('cause').that.contains('raise the version of the dataset');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1]);
  });

  it("begin anew for another version of the dataset, beside the old one's rows (S19a)", async () => {
    system.rows.push(row(0), row(1));
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start();
    await eventually(() => phase(sources) === 'waiting', 'version 1 is read');
    await fixture.commit([numberDataset('A', { version: 2 })], [polled('A')]);
    await eventually(async () => (await fixture.numbers('A', 2).catch(() => [])).length === 2, 'version 2 is read');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1]);
    expect(await fixture.numbers('A', 2)).to.deep.equal([0, 1]);
  });

  it('go on behind what was read for the version before, where its records are carried over (S19a)', async () => {
    system.rows.push(row(0), row(1));
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start();
    await eventually(() => phase(sources) === 'waiting', 'version 1 is read');
    system.rows.push(row(2));
    const carryOvers = [{ id: 9, from: numberDataset('A'), toVersion: 2, revision: 2 }];
    await fixture.commit([numberDataset('A', { version: 2 })], [polled('A')], carryOvers);
    await eventually(() => sources.list()[0]?.version === 2 && phase(sources) === 'waiting', 'version 2 is read');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1]);
    expect(await fixture.numbers('A', 2)).to.deep.equal([2]);
  });

  it('hold up no other when their system never answers, and let go of it when they are to end', async () => {
    system.isStuck = true;
    other.rows.push(row(0));
    await fixture.commit([numberDataset('A'), numberDataset('B')], [polled('A'), polled('B', 'snowflake')]);
    const sources = await start();
    await eventually(() => phase(sources, 'B') === 'waiting', 'the other is read');
    expect(phase(sources, 'A')).to.equal('starting');
    await sources.stop({ graceMs: 1_000 });
    expect(await fixture.numbers('B')).to.deep.equal([0]);
  });

  it('stay paused over a restart, and go on when they are resumed', async () => {
    system.rows.push(row(0));
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const first = await start();
    await eventually(() => phase(first) === 'waiting', 'it runs');
    await first.setPaused('A', true);
    await eventually(() => phase(first) === 'paused', 'it is paused');
    await first.stop({ graceMs: 1_000 });
    system.rows.push(row(1));
    const second = await start();
    await eventually(() => phase(second) === 'paused', 'it is still paused');
    expect(await fixture.numbers('A')).to.deep.equal([0]);
    await second.setPaused('A', false);
    await eventually(async () => (await fixture.numbers('A')).length === 2, 'it goes on');
  });

  it('wait while the disk has no room, and lose nothing', async () => {
    system.rows.push(row(0));
    fixture.hasRoom = false;
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start();
    await eventually(() => phase(sources) === 'retrying', 'it waits');
    expect(await fixture.numbers('A')).to.deep.equal([]);
    fixture.hasRoom = true;
    fixture.clock.advance(60_000);
    await eventually(async () => (await fixture.numbers('A')).length === 1, 'it goes on');
  });

  it('of two processes that believe to own one, only the newer publishes (L4)', async () => {
    system.rows.push(row(0));
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const first = await start();
    await eventually(() => phase(first) === 'waiting', 'the first reads');
    const second = await start();
    await eventually(() => phase(second) === 'waiting', 'the second has taken over');
    system.rows.push(row(1), row(2));
    fixture.clock.advance(EVERY_MS);
    await eventually(async () => (await fixture.numbers('A')).length === 3, 'the rows are there');
    await eventually(() => phase(first) === 'retrying', 'the first has learnt of it');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2]);
  });

  it('tell no secret to anybody: not in errors, logs, events, statuses, tests or topics', async () => {
    system.rows.push(row(0));
    system.failure = { atRow: 0, error: new SourceError('retry', 'THYME_SOURCE_REFUSED', `login failed for p:${SECRET}@host`) };
    await fixture.commit([numberDataset('A')], [polled('A')]);
    const sources = await start();
    await eventually(() => phase(sources) === 'retrying', 'the failure is seen');
    const test = await sources.test('A', new AbortController().signal);
    const told = JSON.stringify([sources.list(), fixture.logged, fixture.events.list({ limit: 100 }), test]);
    expect(told).to.contain('login failed for p:[secret]@host');
    expect(told).to.not.contain(SECRET);
  });

  it('are not known by another name, and the nearest is told', async () => {
    await fixture.commit([numberDataset('Orders')], [polled('Orders')]);
    const sources = await start();
    const refused = await sources.setPaused('Order', true).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(String(refused)).to.contain("did you mean 'Orders'?");
  });
});
