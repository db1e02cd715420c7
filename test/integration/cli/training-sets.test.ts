// Training sets in files: what is in them, of every format, and what becomes of a run that is killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { expect } from 'chai';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { commitFile } from '../../../libs/cli/commit-command.js';
import { progressText } from '../../../libs/cli/progress-line.js';
import { TableFile } from '../../../libs/files/table-writer.js';
import { openRows } from '../../../libs/files/open-rows.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { eventually } from '../../support/eventually.js';
import { cli, CliFiles, type CliResult } from './cli-run.js';

const TIME = '2026-01-01T00:00:00Z';
const KNOWN = '2026-02-01T00:00:00Z';
/** From source, also where this file was compiled. */
const LAUNCHER = resolve('services/program/thyme.ts');

describe('training sets in files', function () {
  this.timeout(180_000);
  const files = new CliFiles();
  let platform: EmbeddedPlatform;
  const run = (...args: readonly string[]): Promise<CliResult> => cli(platform.url, 'query-offline', ...args);

  before(async () => {
    platform = await startEmbeddedPlatform();
    await commitFile('test/support/training-features.ts', platform.context);
    const events = [1, 2, 3].map((minute) => ({ rider: 'u1', fare: minute, at: `2025-12-31T23:5${minute}:00Z` }));
    const { body } = await platform.client.post('/api/v1/log', { dataset: 'Ride', events, historical: true });
    const { token } = body as { readonly token: string };
    const asked = { featureset: 'Quote', entity_id: 'u1', inputs: { surge: 1 }, timestamp: TIME, after: token };
    const isServed = (): Promise<boolean> =>
      platform.client.post('/features', asked).then(
        () => true,
        () => false,
      );
    await eventually(isServed, 'the revision is served, with the rides'); // S18
  });
  after(async () => {
    files.end();
    await platform.stop();
  });

  const CSV = `rider,timestamp,surge,note,label,score,ok,code\nu1,${TIME},2,n,1,0.5,True,007\nu2,2026-01-01,1e-05,,0,,false,8\n`;

  /** As a reader of the format has them; instants as RFC 3339. */
  async function rowsOf(name: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const rows: Readonly<Record<string, unknown>>[] = [];
    for await (const row of (await openRows(files.path(name))).rows()) rows.push((row as { readonly row: Record<string, unknown> }).row);
    return rows;
  }

  it('have the labels beside the features, in columns of their types', async () => {
    const spine = files.write('labels.csv', CSV);
    const first = { rider: 'u1', timestamp: TIME, surge: 2, note: 'n', label: 1, score: 0.5, ok: true, code: '007' };
    const second = { rider: 'u2', timestamp: TIME, surge: 1e-5, label: 0, ok: false, code: '8' };
    const expected = [
      { ...first, known_at: KNOWN, rides_1d: 3, price: 14 },
      { ...second, known_at: KNOWN, rides_1d: 0, price: 1e-4 },
    ];
    for (const ending of ['parquet', 'arrow', 'arrows']) {
      const { code, out, err } = await run('Quote', '-i', spine, '--known-at', KNOWN, '-o', files.path(`labels.${ending}`));
      expect(code, err).to.equal(0);
      expect(out).to.equal(
        `2 rows, 11 columns written to ${files.path(`labels.${ending}`)}: commit 1, as of ${TIME} to ${TIME}, known at ${KNOWN}`,
      );
      expect(err).to.match(/^Query run: \S+\nResults: http:\/\/web\.test\/query-runs\/\S+$/);
      expect(await rowsOf(`labels.${ending}`)).to.deep.equal(expected);
      expect(existsSync(files.path(`labels.${ending}.partial`))).to.equal(false);
    }
    await run('Quote', '-i', spine, '--known-at', KNOWN, '-o', files.path('labels.jsonl'));
    expect(readFileSync(files.path('labels.jsonl'), 'utf8').split('\n')[1]).to.equal(
      `{"rider":"u2","timestamp":"${TIME}","surge":0.00001,"note":null,"label":0,"score":null,"ok":false,"code":"8","known_at":"${KNOWN}","rides_1d":0,"price":0.0001}`,
    );
    await run('Quote', '-i', spine, '--known-at', KNOWN, '-o', files.path('labels.out.csv'));
    expect(readFileSync(files.path('labels.out.csv'), 'utf8')).to.equal(
      `rider,timestamp,surge,note,label,score,ok,code,known_at,rides_1d,price\nu1,${TIME},2.0,n,1,0.5,true,007,${KNOWN},3,14.0\nu2,${TIME},0.00001,,0,,false,8,${KNOWN},0,0.0001\n`,
    );
  });

  it('say in their metadata what they are of, and make timestamps of timestamps', async () => {
    await run('Quote', '-i', files.write('meta.csv', CSV), '--known-at', 'timestamp', '-o', files.path('meta.parquet'));
    await run('Quote', '-i', files.path('meta.csv'), '--known-at', 'timestamp', '-o', files.path('meta.arrow'));
    const parquet = await parquetMetadataAsync(await asyncBufferFromFile(files.path('meta.parquet')));
    const arrow = tableFromIPC(readFileSync(files.path('meta.arrow')));
    const told = new Map(parquet.key_value_metadata?.map(({ key, value }) => [key, value]));
    const expected = { 'thyme.featureset': 'Quote', 'thyme.commit': '1', 'thyme.as_of_min': TIME, 'thyme.as_of_max': TIME };
    for (const metadata of [told, arrow.schema.metadata]) {
      expect(Object.fromEntries(metadata)).to.include({ ...expected, 'thyme.known_at': 'timestamp', 'thyme.rows': '2' });
      expect(metadata.get('thyme.query_runs')).to.match(/^[\w-]+$/);
    }
    const types = Object.fromEntries(arrow.schema.fields.map(({ name, type }) => [name, String(type)]));
    expect(types).to.include({
      timestamp: 'Timestamp<MICROSECOND, UTC>',
      known_at: 'Timestamp<MICROSECOND, UTC>',
      label: 'Int64',
      ok: 'Bool',
    });
    const [row] = await parquetReadObjects({ file: await asyncBufferFromFile(files.path('meta.parquet')) });
    expect(row).to.deep.include({ timestamp: new Date(TIME), known_at: new Date(TIME), label: 1n, price: 14 });
  });

  it('take columns of other names, files of typed columns, keys of several fields, and pairs of the command line', async () => {
    const when = { name: 'when', kind: 'timestamp' } as const;
    const file = await TableFile.create(files.path('typed.arrow'), 'arrow', {
      columns: [{ name: 'from', kind: 'text' }, { name: 'no', kind: 'int' }, when, { name: 'late', kind: 'bool' }],
      metadata: new Map(),
    });
    await file.write([['ATL', 7, '2026-01-01T00:00:00.000001Z', true]]);
    await file.end();
    const named = ['--entity-column', 'origin=from', '--entity-column', 'number=no', '--timestamp-column', 'when'];
    const { code, err } = await run(
      'Leg',
      '-i',
      files.path('typed.arrow'),
      ...named,
      '--known-at',
      KNOWN,
      '-o',
      files.path('legs.parquet'),
    );
    expect(code, err).to.equal(0);
    expect(await rowsOf('legs.parquet')).to.deep.equal([
      { from: 'ATL', no: 7, when: '2026-01-01T00:00:00.000001Z', late: true, known_at: KNOWN, origin: 'ATL', number: 7 },
    ]);
    const pairs = ['-e', 'a', '-e', 'b', '--inputs', '{"surge":1}', '--from', '2026-01-01', '--to', '2026-01-02', '--every', '12h'];
    expect((await run('Quote', ...pairs, '-o', files.path('grid.jsonl'))).code).to.equal(0);
    const grid = await rowsOf('grid.jsonl');
    expect(grid.map(({ entity_id, timestamp }) => `${String(entity_id)} ${String(timestamp)}`)).to.deep.equal(
      ['a', 'b'].flatMap((entity) => [TIME, '2026-01-01T12:00:00Z', '2026-01-02T00:00:00Z'].map((time) => `${entity} ${time}`)),
    );
    const entities = files.write('entities.csv', 'entity_id,surge\na,1\nb,1\n');
    await run('Quote', '-i', entities, '--from', '2026-01-01', '--to', '2026-01-02', '--every', '12h', '-o', files.path('grid.csv'));
    expect((await rowsOf('grid.csv')).map(({ entity_id, timestamp }) => [entity_id, timestamp])).to.deep.equal(
      grid.map(({ entity_id, timestamp }) => [entity_id, timestamp]),
    );
  });

  it('ask about all entities of which anything is kept where none is named, and go on with those of the beginning', async () => {
    const grid = ['--from', '2026-01-01', '--to', '2026-01-02', '--every', '12h'];
    const printed = await run('Quote', ...grid, '--inputs', '{"surge":1}');
    expect(printed.code, printed.err).to.equal(0);
    const ids = printed.out.split('\n').map((line) => (JSON.parse(line) as { readonly entity_id: unknown }).entity_id);
    expect(ids).to.deep.equal(['u1', 'u1', 'u1']);
    expect(printed.err).to.match(/^Query run: \S+\nResults: \S+$/); // one
    const args = ['Quote', ...grid, '--inputs', '{"surge":2}', '--known-at', KNOWN, '-o', files.path('all.jsonl')];
    files.write('all.jsonl.entities', '"u1"\n"u9"\n'); // as a run that was killed leaves it
    expect((await run(...args)).err).to.match(/all\.jsonl\.entities is of a run that did not end/);
    const resumed = await run(...args, '--resume');
    expect(resumed.code, resumed.err).to.equal(0);
    expect((await rowsOf('all.jsonl')).map(({ entity_id, rides_1d }) => [entity_id, rides_1d])).to.deep.equal([
      ['u1', 3],
      ['u1', 3],
      ['u1', 0],
      ['u9', 0],
      ['u9', 0],
      ['u9', 0],
    ]);
    expect(existsSync(files.path('all.jsonl.entities'))).to.equal(false);
    const refusals: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['Leg', ...grid], 1, /Leg refers to no dataset, so nothing says which entities there are: name them/],
      [['SlotSeats', ...grid, '-o', files.path('none.csv')], 1, /nothing is kept of any entity of SlotSeats yet/],
      [['Quote', ...grid, '--inputs', '[{"surge":1}]'], 2, /--inputs: write an object/],
      [['Quote', ...grid, '--at', TIME], 2, /--at is one instant/],
    ];
    for (const [asked, code, words] of refusals) {
      const result = await run(...asked);
      expect([result.code, result.out], result.err).to.deep.equal([code, '']);
      expect(result.err).to.match(words);
    }
    expect(existsSync(files.path('none.csv.entities')) || existsSync(files.path('none.csv.entities.unfinished'))).to.equal(false);
  });

  it('are refused with the row or the flag that is wrong, and leave nothing', async () => {
    const spine = files.write('bad.csv', `rider,timestamp,surge\nu1,${TIME},1\nu2,soon,1\n`);
    const output = files.path('bad.parquet');
    const refusals: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['Quote', '-i', spine, '-o', output], 1, /^\S+bad\.csv:3: timestamp: 'soon' is no timestamp/],
      [['Quote', '-i', spine, '-o', files.path('bad.xls')], 2, /-o \S+: end the name in one of \.csv, \.jsonl/],
      [['Quote', '-i', spine, '-o', output, '--timestamp-column', 'at'], 2, /has no column 'at': its columns are rider, timestamp, surge/],
      [['Quote', '-i', spine, '--resume'], 2, /--resume goes with -o FILE/],
      [['Quote', '-i', spine, '-o', output, '--from', TIME], 2, /--from, --to and --every go together/],
      [['Quote', '-i', spine, '-o', output, '--from', TIME, '--to', TIME, '--every', '0s'], 2, /--every 0s: write a duration/],
      [['Quote', '-i', '-', '-o', output], 2, /-i -: with -o the rows are read more than once/],
      [['Quote', '-i', files.write('none.csv', 'rider,timestamp\n'), '-o', output], 1, /there are no rows/],
      [
        ['Quote', '-i', files.write('taken.csv', `rider,timestamp,surge,price\nu1,${TIME},1,2\n`), '-o', output],
        2,
        /'price' has the name of a feature/,
      ],
      [
        ['Quote', '-i', files.write('high.csv', `rider,timestamp,surge\nu1,${TIME},x\n`), '-o', output],
        1,
        /high\.csv:2: inputs\.surge: expected a float/,
      ],
    ];
    for (const [args, code, words] of refusals) {
      const result = await run(...args);
      expect([result.code, result.out], result.err).to.deep.equal([code, '']);
      expect(result.err).to.match(words);
      expect(existsSync(output)).to.equal(false);
    }
    // What was answered before would be kept: here nothing was, but the file of the run is there, and is not overwritten in silence.
    expect((await run('Quote', '-i', files.path('high.csv'), '-o', output)).err).to.match(
      /bad\.parquet\.partial is of a run that did not end/,
    );
    expect((await run('Quote', '-i', spine.replace('bad', 'labels'), '-o', output, '--resume')).err).to.match(
      /of another question, other rows/,
    );
  });

  it('are gone on with where a killed run stood, and end as if it had not been killed', async () => {
    const spine = files.path('long.csv');
    const note = 'n'.repeat(3_000);
    const out = createWriteStream(spine);
    out.write('rider,timestamp,surge,note,label\n');
    for (let i = 0; i < 11_500; i++) out.write(`u${i % 7},2026-01-0${1 + (i % 9)}T00:00:00Z,${i}.5,${note},${i}\n`);
    out.end();
    await once(out, 'finish');
    const args = ['query-offline', 'Quote', '-i', spine, '--known-at', KNOWN, '-o', files.path('long.jsonl')];
    const child = spawn(process.execPath, ['--import', 'tsx', LAUNCHER, ...args], {
      env: { ...process.env, THYME_API_URL: platform.url },
      stdio: 'ignore',
    });
    const partial = files.path('long.jsonl.partial');
    // One request holds 16 MiB of questions: the rows of the first are answered, and there is more to come.
    await untilFile(partial, /^\{"rows":/m);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(files.path('long.jsonl'))).to.equal(false);
    const markBefore = readFileSync(partial, 'utf8');
    writeFileSync(partial, '[1,2', { flag: 'a' }); // as a write that the kill cut in two
    const resumed = await run(...args.slice(1), '--resume');
    expect(resumed.code, resumed.err).to.equal(0);
    // One run, which was begun before the kill.
    const [begun] = /[0-9a-f]{14}-[0-9a-f]{16}/.exec(markBefore) ?? [];
    expect(resumed.err.match(/Query run: \S+/g)).to.deep.equal([`Query run: ${begun ?? ''}`]);
    const { body } = await platform.client.get(`/query-runs/${begun ?? ''}`);
    expect((body as { readonly row_count: number }).row_count).to.be.at.least(11_500);
    expect(resumed.err).to.match(/long\.jsonl: going on behind \d{4,5} of 11500 rows/);
    const whole = await run('Quote', '-i', spine, '--known-at', KNOWN, '-o', files.path('whole.jsonl'));
    expect(whole.code, whole.err).to.equal(0);
    expect(readFileSync(files.path('long.jsonl')).equals(readFileSync(files.path('whole.jsonl')))).to.equal(true);
    expect(existsSync(partial)).to.equal(false);
  });

  /** Resolves once the file has what matches, told by the system of each change in its folder. */
  async function untilFile(path: string, pattern: RegExp): Promise<void> {
    for await (const _ of watch(dirname(path), { signal: AbortSignal.timeout(120_000) }))
      if (existsSync(path) && pattern.test(readFileSync(path, 'utf8'))) return;
  }

  it('tell how far they are, how fast, and how long it will take', () => {
    expect(progressText('asked', { done: 250_000, total: 1_000_000, ratePerS: 12_345.6 })).to.equal(
      'asked [######..................] 250,000 of 1,000,000, 12,346/s, 2 min left',
    );
    expect(progressText('asked', { done: 0, total: 10, ratePerS: 0 })).to.equal('asked [........................] 0 of 10');
  });
});
