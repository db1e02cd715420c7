import { expect } from 'chai';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { cli, CliFiles, countModule, type CliResult } from './cli-run.js';

const TIME = '2026-01-01T00:00:00Z';

describe('thyme log, query, query-offline, lookup and status', function () {
  this.timeout(120_000);
  const files = new CliFiles();
  let platform: EmbeddedPlatform;
  const run = (...args: readonly string[]): Promise<CliResult> => cli(platform, ...args);

  before(async () => {
    platform = await startEmbeddedPlatform();
    expect((await run('commit', files.write('features.ts', countModule({ window: '1d' })))).code).to.equal(0);
  });
  after(async () => {
    files.end();
    await platform.stop();
  });

  /** Until the newest of the logged rows shows: the CLI prints no token. */
  async function clicksOf(page: string, wanted: number): Promise<void> {
    const deadline = AbortSignal.timeout(30_000);
    for (;;) {
      const { out } = await run('lookup', 'Pages', '-e', page, '--at', TIME);
      if ((JSON.parse(out) as { readonly features: { readonly clicks: number } }).features.clicks === wanted) return;
      deadline.throwIfAborted();
    }
  }

  it('log reads NDJSON, CSV by the declared types, renames columns and stops at a limit', async () => {
    const ndjson = files.write('a.ndjson', `{"page":"a","ms":1,"paid":null,"at":"${TIME}"}\n\n{"page":"a","ms":2,"at":"${TIME}"}\n`);
    expect(await run('log', 'Click', '-i', ndjson)).to.include({ code: 0, out: '2 events sent to Click' });
    const csv = files.write('b.csv', `page,ms,paid,at\n"b, ""quoted""",3,true,${TIME}\nb,4,,${TIME}\nb,5,false,${TIME}\n`);
    expect(await run('log', 'Click', '-i', csv, '--historical')).to.include({ code: 0, out: '3 events sent to Click' });
    const renamed = files.write('c.csv', `site,ms,when\n${`c,1,${TIME}\n`.repeat(9)}`);
    expect(await run('log', 'Click', '-i', renamed, '--rename', 'site=page', '--rename', 'when=at', '--limit', '4')).to.include({
      code: 0,
      out: '4 events sent to Click',
    });
    await clicksOf('a', 2);
    await clicksOf('b, "quoted"', 1);
    await clicksOf('b', 2);
    await clicksOf('c', 4);
  });

  it('log names the line of a file that is wrong, and the event that was refused', async () => {
    const notJson = await run('log', 'Click', '-i', files.write('bad.ndjson', `{"page":"d","ms":1,"at":"${TIME}"}\nnonsense\n`));
    expect(notJson).to.include({ code: 1, out: '1 events sent to Click, 1 refused' });
    expect(notJson.err).to.match(/bad\.ndjson:2: expected one JSON object a line/);
    const ragged = await run('log', 'Click', '-i', files.write('bad.csv', `page,ms,at\nd,1\n`));
    expect(ragged.err).to.match(/bad\.csv:2: 2 fields, but the header has 3/);
    const refused = await run('log', 'Click', '-i', files.write('refused.ndjson', `{"page":"d","ms":"x","at":"${TIME}"}\n`));
    expect(refused.code).to.equal(1);
    expect(refused.err).to.match(/refused\.ndjson:1: Click\.ms: expected an int, got text/);
    const gone = await run('log', 'Click', '-i', files.path('gone.csv'));
    expect(gone.code).to.equal(1);
    expect(gone.err)
      .to.match(/gone\.csv/)
      .and.not.match(/\n\s+at /);
    const parquet = await run('log', 'Click', '-i', files.write('bad.parquet', 'this is no parquet file'));
    expect(parquet.code).to.equal(2);
    expect(parquet.err)
      .to.match(/bad\.parquet/)
      .and.not.match(/\n\s+at /);
  });

  it("query prints one entity's features, and of several a batch, with the run and its address on standard error", async () => {
    const one = await run('query', 'PageFeatures', '-e', 'c', '--at', TIME);
    expect(one, one.err).to.include({ code: 0 });
    expect(JSON.parse(one.out)).to.deep.include({ entity_id: 'c', mode: 'point_in_time', as_of: TIME, features: { page: 'c', clicks: 4 } });
    expect(one.err).to.match(/^Query run: (\S+)\nResults: http:\/\/web\.test\/query-runs\/\1$/);
    const two = await run('query', 'PageFeatures', '-e', 'c', '-e', 'never', '--at', TIME);
    expect(JSON.parse(two.out)).to.deep.include({
      features: ['entity_id', 'page', 'clicks'],
      values: [
        ['c', 'c', 4],
        ['never', 'never', 0],
      ],
    });
    expect((await run('query', 'PageFeatures', '-e', 'page=c', '--at', TIME)).out, 'a key by its name').to.contain('"clicks": 4');
  });

  it('query-offline answers a file of pairs, or one pair of the command line', async () => {
    const pairs = files.write('pairs.csv', `entity_id,timestamp\nc,${TIME}\nc,2025-12-31\na,${TIME}\n`);
    const rows = (out: string): unknown[] => out.split('\n').map((line) => (JSON.parse(line) as { readonly features: unknown }).features);
    const file = await run('query-offline', 'PageFeatures', '-i', pairs);
    expect(file, file.err).to.include({ code: 0 });
    expect(rows(file.out)).to.deep.equal([
      { page: 'c', clicks: 4 },
      { page: 'c', clicks: 0 },
      { page: 'a', clicks: 2 },
    ]);
    const pair = await run('query-offline', 'PageFeatures', '-e', 'c', '--at', TIME, '--known-at', 'timestamp');
    expect(rows(pair.out), 'known only since it was sent').to.deep.equal([{ page: 'c', clicks: 0 }]);
  });

  it('status prints what is committed', async () => {
    const { code, out } = await run('status');
    expect(code).to.equal(0);
    const { datasets, featuresets } = JSON.parse(out) as {
      readonly datasets: readonly { readonly name: string }[];
      readonly featuresets: readonly { readonly name: string }[];
    };
    expect([datasets, featuresets].map((listed) => listed.map(({ name }) => name))).to.deep.equal([['Click', 'Pages'], ['PageFeatures']]);
  });

  const wrongCalls: readonly (readonly [readonly string[], RegExp])[] = [
    [['log'], /name a dataset/],
    [['log', 'Clicks'], /no dataset is called 'Clicks'/],
    [['log', 'Click', '-i', 'x.csv', '--limit', '0'], /--limit 0: expected a positive number/],
    [['log', 'Click', '-i', 'x.csv', '--limit', 'ten'], /--limit ten/],
    [['log', 'Click', '-i', 'x.csv', '--rename', 'site'], /--rename site: write COLUMN=FIELD/],
    [['log', 'Click', '--shift-to-now'], /--shift-to-now reads the file twice/],
    [['log', 'Click', '--histrical'], /--histrical/],
    [['query'], /name a featureset and at least one entity/],
    [['query', 'PageFeatures'], /at least one entity/],
    [['query', 'PageFeatures', '-e', 'a', '--inputs', '{x'], /--inputs: .*JSON/],
    [['query', 'PageFeatures', '-e', 'a', '--inputs', '[1]'], /--inputs: .*object/],
    [['query-offline', 'PageFeatures', '-i', 'x.csv', '--inputs', '{}'], /--inputs go with -e/],
    [['query', 'PageFeatures', '-e', 'a', '--timestamp', TIME], /--timestamp/],
    [['query-offline'], /name a featureset/],
    [['query-offline', 'PageFeatures'], /give -i FILE/],
    [['query-offline', 'PageFeatures', '-e', 'a'], /give -i FILE, or -e ENTITY with --at TIME/],
    [['lookup', 'Pages'], /name a dataset and an entity/],
    [['status', 'now'], /now/],
  ];
  for (const [args, words] of wrongCalls) {
    it(`thyme ${args.join(' ')} is called wrongly: exit 2, with the usage`, async () => {
      const { code, err, out } = await run(...args);
      expect([code, out], err).to.deep.equal([2, '']);
      expect(err)
        .to.match(words)
        .and.contain(`\n\n  thyme ${args[0] ?? ''}`);
    });
  }

  const refusals: readonly (readonly [readonly string[], RegExp])[] = [
    [['query', 'PageFeature', '-e', 'a'], /PageFeature.*PageFeatures/],
    [['query', 'PageFeatures', '-e', 'a', '--at', 'yesterday'], /timestamp/],
    [['query', 'PageFeatures', '-e', 'a', '--after', '!'], /after/],
    [['query', 'PageFeatures', '-e', 'pag=c'], /pag/],
    [['lookup', 'Page', '-e', 'a'], /Page.*Pages/],
    [['lookup', 'Pages', '-e', 'a', '--at', '2999-01-01'], /timestamp/],
    [['query-offline', 'PageFeatures', '-e', 'a', '--at', TIME, '--known-at', 'then'], /known_at/],
  ];
  for (const [args, words] of refusals) {
    it(`thyme ${args.join(' ')} is refused: exit 1, in the platform's words`, async () => {
      const { code, err, out } = await run(...args);
      expect([code, out], err).to.deep.equal([1, '']);
      expect(err)
        .to.match(words)
        .and.not.match(/\n\s+at /);
    });
  }

  it('query-offline refuses a file without the columns, naming the row', async () => {
    const { code, err } = await run('query-offline', 'PageFeatures', '-i', files.write('pairs2.csv', `entity,timestamp\nc,${TIME}\n`));
    expect(code).to.equal(1);
    expect(err).to.match(/pairs2\.csv:2: no entity, page is missing: send a column entity_id, or entity\.page$/);
  });

  it('lists the commands, and refuses one that is none', async () => {
    expect((await run()).err)
      .to.match(/^Usage: thyme COMMAND/)
      .and.match(/ {2}plan +what a commit/);
    expect(await run('--help')).to.include({ code: 0 });
    expect(await run('comit')).to.include({ code: 2 });
    expect((await run('plan', '--help')).out).to.contain('thyme plan FEATURES.ts');
  });
});
