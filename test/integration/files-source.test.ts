// Files of a folder as a source: each row of each file once, whenever the file comes.
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { SourceDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { filesConnector } from '../../libs/source/files/files-connector.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { NOW_US, numberDataset, SourcesFixture } from './sources-fixture.js';

const EVERY_MS = 5_000;

describe('the files source', () => {
  let folder: string;
  let fixture: SourcesFixture;
  const started: Sources[] = [];

  beforeEach(() => {
    folder = temporaryFolder();
    fixture = new SourcesFixture(new MemoryLog(), (clock) => [filesConnector(clock)]);
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 0 })));
  });

  /** A file that was written so long ago. */
  function file(name: string, content: string | Uint8Array, ageS = 60): void {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    const seconds = NOW_US / 1e6 - ageS;
    utimesSync(path, seconds, seconds);
  }

  function lines(from: number, to: number): string {
    return Array.from({ length: to - from }, (_, i) => `{"k":"k${(from + i) % 7}","n":${from + i},"at":"2026-01-31T11:00:00Z"}\n`).join('');
  }

  function csv(from: number, to: number): string {
    return `k,n,at\n${Array.from({ length: to - from }, (_, i) => `k${(from + i) % 7},${from + i},2026-01-31T11:00:00Z\n`).join('')}`;
  }

  function folderSource(pattern: string, more: SourceDefinition['config'] = {}): SourceDefinition {
    return {
      dataset: 'A',
      connector: 'files',
      config: { path: `${folder}/${pattern}`, ...more },
      everyUs: EVERY_MS * 1_000,
      cdc: 'append',
    };
  }

  async function start(): Promise<Sources> {
    const sources = await fixture.start();
    started.push(sources);
    return sources;
  }

  const status = (sources: Sources) => sources.list()[0];
  const waits = (sources: Sources): Promise<void> => eventually(() => status(sources)?.phase.kind === 'waiting', 'the poll ends');

  const notices = (): string[] => fixture.events.list({ limit: 10, eventType: 'source_notice' }).map(({ message }) => message);

  async function nextPoll(sources: Sources, afterMs = EVERY_MS): Promise<void> {
    const before = status(sources)?.successUs ?? 0;
    fixture.clock.advance(afterMs);
    await eventually(() => (status(sources)?.successUs ?? 0) > before, 'the next poll ends');
    await waits(sources);
  }

  it('reads each format, compressed or not, in folders below, in the order of names', async () => {
    file('a.ndjson', lines(0, 3));
    file('b/b.csv', csv(3, 5));
    file('b/c.JSONL.gz', gzipSync(lines(5, 9)));
    file('d.tsv', csv(9, 11).replaceAll(',', '\t'));
    file('e.json', `[\n${lines(11, 13).trimEnd().replaceAll('\n', ',\n')}\n]`);
    file('f.json', JSON.stringify(JSON.parse(lines(13, 14)), null, 2));
    file('ignored.txt', 'no rows');
    await fixture.commit([numberDataset('A')], [folderSource('**/*.{ndjson,csv,gz,tsv,json}')]);
    const sources = await start();
    await waits(sources);
    const published = await fixture.published('A');
    expect(await fixture.numbers('A')).to.deep.equal(Array.from({ length: 14 }, (_, n) => n));
    expect(published.every(({ historical }) => historical)).to.equal(true);
    expect(new Set(published.map(({ lane }) => lane))).to.deep.equal(
      new Set(['a.ndjson', 'b/b.csv', 'b/c.JSONL.gz', 'd.tsv', 'e.json', 'f.json'].map((name) => `file:${name}`)),
    );
    expect(status(sources)).to.include({ rows: 14, refused: 0, position: 'behind f.json' });
  });

  it('takes what comes later, once, after a restart in the middle of a file as well', async () => {
    file('1.ndjson', lines(0, 10_000));
    await fixture.commit([numberDataset('A')], [folderSource('*.ndjson')]);
    const first = await start();
    await eventually(() => (status(first)?.rows ?? 0) >= 2_000, 'some of it is read');
    await first.stop({ graceMs: 0 });
    expect(status(first)?.rows).to.be.lessThan(10_000);
    const second = await start();
    await waits(second);
    file('2.ndjson', lines(10_000, 10_005));
    await nextPoll(second);
    expect(await fixture.numbers('A')).to.deep.equal(Array.from({ length: 10_005 }, (_, n) => n));
    expect((await fixture.published('A')).filter(({ historical }) => !historical)).to.have.lengthOf(5);
  });

  it('leaves a file alone while it is being written', async () => {
    file('1.ndjson', lines(0, 2), 0.2);
    await fixture.commit([numberDataset('A')], [folderSource('*.ndjson')]);
    const sources = await start();
    await waits(sources);
    expect(await fixture.numbers('A')).to.deep.equal([]);
    await nextPoll(sources);
    expect(await fixture.numbers('A')).to.deep.equal([0, 1]);
  });

  it('finds a file that comes late among the last that were read, and not further back', async () => {
    for (const name of ['b', 'd', 'f', 'h']) file(`${name}.ndjson`, lines(name.charCodeAt(0), name.charCodeAt(0) + 1));
    await fixture.commit([numberDataset('A')], [folderSource('*.ndjson', { lookBack: 2 })]);
    const sources = await start();
    await waits(sources);
    file('g.ndjson', lines(1_000, 1_001));
    file('a.ndjson', lines(2_000, 2_001));
    await nextPoll(sources);
    await nextPoll(sources);
    expect(await fixture.numbers('A')).to.deep.equal([98, 100, 102, 104, 1_000]);
    await nextPoll(sources, 3_600_000);
    expect(notices()).to.have.lengthOf(1);
    expect(notices()[0]).to.match(/^a\.ndjson came late/);
  });

  it('says that a file was overwritten after it had been read, and reads it no more', async () => {
    file('1.ndjson', lines(0, 2));
    await fixture.commit([numberDataset('A')], [folderSource('*.ndjson')]);
    const sources = await start();
    await waits(sources);
    file('1.ndjson', lines(5, 9), 30);
    await nextPoll(sources);
    await nextPoll(sources);
    expect(await fixture.numbers('A')).to.deep.equal([0, 1]);
    expect(notices()).to.have.lengthOf(1);
    expect(notices()[0]).to.contain('1.ndjson was overwritten');
  });

  it('stands still where a file is overwritten in its middle, since what was read is of the old one', async () => {
    file('1.ndjson', lines(0, 10_000));
    await fixture.commit([numberDataset('A')], [folderSource('*.ndjson')]);
    const first = await start();
    await eventually(() => (status(first)?.rows ?? 0) >= 2_000, 'some of it is read');
    await first.stop({ graceMs: 0 });
    file('1.ndjson', lines(20_000, 30_000), 30);
    const second = await start();
    await eventually(() => status(second)?.phase.kind === 'stopped', 'it stands still');
    expect(status(second)?.phase).to.have.property('cause').that.contains('1.ndjson was overwritten or removed after');
  });

  it('sets aside rows that do not fit with file and line, and the rest of a file that breaks off', async () => {
    file('1.ndjson', `${lines(0, 1)}{"k":"k","n":"x","at":"2026-01-31T11:00:00Z"}\nnot json\n${lines(3, 4)}`);
    file('2.csv', `${csv(4, 5)}k,"1"x,2026-01-31\nk,6,2026-01-31\n`);
    file('3.ndjson', lines(7, 8));
    await fixture.commit([numberDataset('A')], [folderSource('*')]);
    const sources = await start();
    await waits(sources);
    expect(await fixture.numbers('A')).to.deep.equal([0, 3, 4, 7]);
    const dead = await fixture.dead('A');
    expect(dead.map(({ place }) => place)).to.deep.equal(['1.ndjson line 2', '1.ndjson line 3', '2.csv from line 3 on']);
    expect(dead[2]?.['reason']).to.contain('2.csv breaks off');
    expect(status(sources)).to.include({ rows: 4, refused: 3 });
  });

  it('stands still, and names the file, where one cannot be opened as what it is called', async () => {
    file('1.parquet', 'no parquet at all');
    await fixture.commit([numberDataset('A')], [folderSource('*.parquet')]);
    const sources = await start();
    await eventually(() => status(sources)?.phase.kind === 'stopped', 'it stands still');
    expect(status(sources)?.phase).to.have.property('cause').that.contains('1.parquet');
    rmSync(join(folder, '1.parquet'));
    await sources.setPaused('A', false);
    await waits(sources);
  });

  it('waits for a folder that is not there yet', async () => {
    await fixture.commit([numberDataset('A')], [folderSource('later/*.ndjson')]);
    const sources = await start();
    await eventually(() => status(sources)?.phase.kind === 'retrying', 'it waits');
    file('later/1.ndjson', lines(0, 1));
    fixture.clock.advance(60_000);
    await waits(sources);
    expect(await fixture.numbers('A')).to.deep.equal([0]);
  });

  it('is tested with the first row of the first file', async () => {
    file('1.csv', 'k,n,at,more\na,1,2026-01-31T11:00:00Z,x\n');
    await fixture.commit([numberDataset('A')], [folderSource('*.csv')]);
    const sources = await start();
    const { steps, sample } = await sources.test('A', new AbortController().signal);
    expect(steps.map(({ what, ok }) => [what, ok])).to.deep.equal([
      ['reached', true],
      ['may read', true],
      ['columns', true],
    ]);
    expect(sample).to.include({ k: 'a', n: 1 });
  });
});
