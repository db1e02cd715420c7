// inspect, runs and logs: what they print of a platform at work.
import { expect } from 'chai';
import { commitFile } from '../../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { eventually } from '../../support/eventually.js';
import { cli, cliOn, CliFiles, countModule, type CliResult } from './cli-run.js';

const TIME = '2026-01-01T00:00:00Z';

describe('commands that look at a platform', function () {
  this.timeout(120_000);
  const files = new CliFiles();
  let platform: EmbeddedPlatform;
  const target = () => ({ url: platform.url, adminKey: platform.adminKey });
  const seen = (...args: readonly string[]): Promise<CliResult> => cliOn({ isPerson: true }, target(), ...args);
  const json = async (...args: readonly string[]): Promise<unknown> => JSON.parse((await seen(...args, '--json')).out);
  let runId = '';

  before(async () => {
    platform = await startEmbeddedPlatform();
    expect((await seen('logs')).out).to.equal('Nothing of this kind has happened lately');
    expect((await seen('runs')).out).to.equal('No such run is on record');
    await commitFile(
      files.write('features.ts', countModule().replace('@dataset({ version: 1 })', '@dataset({ version: 1, index: true })')),
      platform.context,
    );
    const rows = files.write(
      'clicks.ndjson',
      `{"page":"p","ms":7,"at":"${TIME}"}\n{"page":"p","ms":8,"at":"2026-01-01T00:00:01Z"}\n{"page":"q","ms":"x"}\n`,
    );
    const { token } = JSON.parse((await cli(target(), 'log', 'Click', '-i', rows, '--historical', '--json')).out) as {
      readonly token: string;
    };
    const asked = async (): Promise<CliResult> => cli(target(), 'query', 'PageFeatures', '-e', 'p', '--at', TIME, '--after', token);
    await eventually(async () => (await asked()).code === 0, 'the revision is served'); // S18
    runId = /^Query run: (\S+)$/m.exec((await asked()).err)?.[1] ?? '';
    await eventually(async () => (await seen('runs', 'show', runId)).code === 0, 'the run is on record');
  });
  after(async () => {
    files.end();
    await platform.stop();
  });

  it('inspect shows a dataset: its key, fields, what fills and reads it, and how that does', async () => {
    const { code, out, err } = await seen('inspect', 'Pages');
    expect([code, err]).to.deep.equal([0, '']);
    expect(out)
      .to.match(/^dataset Pages, version 1\nkey page; time at; index\nfilled by Pages\.count\nread by PageFeatures\n/)
      .and.match(/^FIELD +TYPE\npage +str\nclicks +int\nat +datetime\n/m)
      .and.match(/^Pages\.count +1 +caught up +2 +2 +0 +0$/m);
    expect((await seen('inspect', 'Click')).out).to.match(/^dataset Click[^]*\nfilled by pushes\nread by Pages\.count\n/);
  });

  it('inspect shows the newest rows, windows or features of an entity', async () => {
    const rows = (await seen('inspect', 'Click', '-e', 'p')).out;
    expect(rows).to.match(
      /^AT +page +ms +paid +at\n2026-01-01T00:00:01Z +p +8 +- +\S+\n2026-01-01T00:00:00Z +p +7 +- +\S+\n\np, as of 20/m,
    );
    expect((await seen('inspect', 'Click', '-e', 'p', '-n', '1')).out)
      .to.match(/ 8 /)
      .and.not.match(/ 7 /);
    expect((await seen('inspect', 'Click', '-e', 'nobody')).out).to.match(/\n\nno row of nobody, as of 20\S+$/);
    for (const name of ['Pages', 'Pages.count', 'PageFeatures'])
      expect(await json('inspect', name, '-e', 'p'), name)
        .to.have.nested.property('rows.rows[0].values')
        .that.includes({ page: 'p', clicks: 0 });
  });

  it('inspect shows a pipeline with its steps, and a featureset with where each feature is from', async () => {
    expect((await seen('inspect', 'Pages.count')).out).to.match(
      /^pipeline Pages\.count, version 1\nfrom Click into Pages\n {2}groups by page\n\nPIPELINE [^\n]*\nPages\.count +1 +caught up +2 +2 +0 +0$/,
    );
    expect((await seen('inspect', 'PageFeatures')).out).to.match(
      /^featureset PageFeatures, of revision 1\nkey page\n\nFEATURE +TYPE +FROM +DEFAULT\npage +str +the key +-\nclicks +int +Pages\.clicks +-$/,
    );
    expect(await json('inspect', 'PageFeatures')).to.deep.include({ kind: 'featureset', rows: null });
  });

  it('inspect says what was meant by a misspelt name: exit 1', async () => {
    const { code, err } = await seen('inspect', 'Pagse');
    expect([code, err]).to.deep.equal([1, "no dataset, pipeline or featureset is called 'Pagse'; did you mean 'Pages'?"]);
    expect((await seen('inspect')).code).to.equal(2);
  });

  it('runs lists query runs, and those alone that were asked for', async () => {
    const { out } = await seen('runs', '--featureset', 'PageFeatures', '--kind', 'online');
    expect(out).to.match(
      new RegExp(
        `^WHEN +RUN +KIND +OF +ENTITIES +MS +KEY +ERROR\\n(?:.*\\n)*\\S+ +${runId} +online +PageFeatures +p +\\d+\\.\\d +[0-9a-f]{8} +-(?:\\n|$)`,
      ),
    );
    expect((await seen('runs', '--kind', 'batch')).out).to.equal('No such run is on record');
    await seen('query', 'Nobody', '-e', 'p');
    const failed = async (): Promise<readonly { readonly error: string }[]> =>
      ((await json('runs', '--failed')) as { readonly runs: readonly { readonly error: string }[] }).runs;
    await eventually(async () => (await failed()).some(({ error }) => error !== null), 'the failed run is on record');
    expect((await seen('runs', '-n', '1')).out).to.match(/\n\nthere may be more: thyme runs --cursor \S+$/);
    expect((await seen('runs', '--kind', 'none')).code).to.equal(1);
  });

  it('runs show tells all of one, and runs replay what it answers now', async () => {
    const { out } = await seen('runs', 'show', runId);
    expect(out)
      .to.match(new RegExp(`^WHAT +VALUE\\nid +${runId}\\n`))
      .and.match(/^requested_timestamp +2026-01-01T00:00:00Z$/m);
    expect((await seen('runs', 'replay', runId)).out).to.equal(`page  clicks\np     1\n\nonline, as of ${TIME}`);
    expect(await json('runs', 'replay', runId)).to.deep.include({ kind: 'online' });
    expect((await seen('runs', 'show', 'qr_none')).code).to.equal(1);
    expect((await seen('runs', 'show')).code).to.equal(2);
    expect((await seen('runs', 'drop')).err).to.match(/^'drop' is none of list, show and replay/);
  });

  it('logs tells commits, dead letters and events by time, and those alone that were asked for', async () => {
    await cli(target(), 'keys', 'create', 'reader', '--scopes', 'read');
    const { code, out, err } = await seen('logs');
    expect([code, err]).to.deep.equal([0, '']);
    expect(out)
      .to.match(/^WHEN +SEVERITY +TYPE +ABOUT +WHAT\n/)
      .and.match(/^\S+ +info +commit +revision 1 +2 dataset\(s\), 1 pipeline\(s\), 1 featureset\(s\)$/m)
      .and.match(/^\S+ +warning +dead_letter +Click +\S/m)
      .and.match(/^\S+ +info +\S+ +\S+ +key reader \([0-9a-f]{8}\) was created$/m);
    const times = out
      .split('\n')
      .slice(1)
      .map((line) => line.split(' ')[0] ?? '');
    expect(times).to.deep.equal([...times].sort());
    const types = async (...args: readonly string[]): Promise<readonly string[]> =>
      ((await json('logs', ...args)) as readonly { readonly type: string }[]).map(({ type }) => type);
    expect(await types('--type', 'dead_letter', '--subject', 'Click')).to.deep.equal(['dead_letter']);
    expect(new Set(await types('--severity', 'warning'))).to.deep.equal(new Set(['dead_letter']));
    expect(await types('-n', '1')).to.have.length(1);
    for (const wrong of [
      ['-n', '0'],
      ['--severity', 'loud'],
    ])
      expect((await seen('logs', ...wrong)).code, wrong.join(' ')).to.equal(2);
  });

  it('logs says what may not be seen without a key of scope admin', async () => {
    const { code, out, err } = await cliOn({ isPerson: true }, platform.url, 'logs');
    expect(code).to.equal(0);
    expect(out)
      .to.match(/ commit /)
      .and.not.match(/ dead_letter /);
    expect(err).to.match(/^dead letters are not shown: \S/);
  });
});
