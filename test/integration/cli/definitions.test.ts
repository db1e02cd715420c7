import { expect } from 'chai';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { cli, CliFiles, countModule, type CliResult } from './cli-run.js';

/** The folder of the test's files has no node_modules above it. */
const UNCHECKED = 'types were not checked: no typescript is installed for it (npm install -D typescript)';

describe('thyme plan and thyme commit', function () {
  this.timeout(120_000);
  const files = new CliFiles();
  let platform: EmbeddedPlatform;
  const run = (...args: readonly string[]): Promise<CliResult> => cli(platform, ...args);

  before(async () => {
    platform = await startEmbeddedPlatform();
  });
  after(async () => {
    files.end();
    await platform.stop();
  });

  it('plan tells what is new before anything is there, commits nothing, and names the commit that does', async () => {
    const file = files.write('features.ts', countModule());
    const planned = await run('plan', file);
    expect(planned, planned.err).to.include({ code: 0, err: UNCHECKED });
    expect(planned.out)
      .to.match(/^\+ added {2}Click: /m)
      .and.to.match(/^\+ added {2}PageFeatures: /m);
    expect(planned.out).to.contain(`Planned on revision 0: \`thyme commit ${file} --base-revision 0\``);
    expect((await run('status')).out, 'nothing was committed').to.match(/"datasets": \[\]/);
    const committed = await run('commit', file, '--base-revision', '0');
    expect(committed).to.include({ code: 0, out: 'Committed 2 dataset(s), 1 pipeline(s), 1 featureset(s) as revision 1' });
    expect((await run('plan', file)).out).to.equal('Nothing would change: revision 1 is this module');
  });

  it('plan shows what would be added and removed, and exits with 1 where a commit would be refused, with the reason (S19)', async () => {
    const more = await run(
      'plan',
      files.write('more.ts', countModule({ extra: "@feature(t.int, { id: 3, ref: [Pages, 'clicks'] }) again!: number;" })),
    );
    expect(more.out).to.match(/^\+ added {2}PageFeatures\.again: /m);
    const less = await run('plan', files.write('less.ts', countModule().replace(/@featureset[^]*/, '')));
    expect(less.out).to.match(/^- removed {2}PageFeatures: /m);
    const file = files.write('breaking.ts', countModule({ window: '2h' }));
    const breaking = await run('plan', file);
    expect(breaking.code).to.equal(1);
    expect(breaking.out)
      .to.match(/^! breaking {2}Pages\.clicks: /m)
      .and.not.contain('Planned on');
    expect(breaking.err).to.match(/^A commit would be refused:\n {2}Pages\.clicks: .*version/m);
    const refused = await run('commit', file);
    expect(refused.code).to.equal(1);
    expect(refused.err).to.match(/Pages\.clicks: .*version/);
    expect((await run('plan', files.write('bumped.ts', countModule({ window: '2h', version: 2 })))).code, 'with a new version').to.equal(0);
  });

  it('commit refuses a base that another commit came after (S19)', async () => {
    const late = await run('commit', files.path('more.ts'), '--base-revision', '0');
    expect(late.code).to.equal(1);
    expect(late.err).to.match(/revision/);
  });

  const wrongCalls: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['without a module', ['commit'], /^name the module/],
    ['plan without a module', ['plan'], /^name the module/],
    ['with two modules', ['commit', 'a.ts', 'b.ts'], /'b\.ts' is one too many/],
    ['with a flag that is none', ['commit', 'a.ts', '--force'], /--force/],
    ['with a base that is no number', ['commit', 'a.ts', '--base-revision', 'last'], /--base-revision last/],
    ['plan with a flag of commit', ['plan', 'a.ts', '--base-revision', '1'], /--base-revision/],
  ];
  for (const [title, args, words] of wrongCalls) {
    it(`is called wrongly ${title}: exit 2, with the usage`, async () => {
      const { code, err, out } = await run(...args);
      expect([code, out]).to.deep.equal([2, '']);
      expect(err)
        .to.match(words)
        .and.contain(`thyme ${args[0] ?? ''} FEATURES.ts`);
    });
  }

  const badModules: readonly (readonly [string, string, RegExp])[] = [
    ['that does not parse', 'export class {\n', /bad\.ts:1:\d+: /],
    ['that throws as it runs', "export const a = 1;\nthrow new Error('no luck');\n", /bad\.ts:2: Error: no luck/],
    ['that imports what is not there', "import { x } from './gone.js';\nexport const y = x;\n", /bad\.ts:1:\d+: .*gone\.js/],
    ['that exports nothing', countModule().replaceAll('export class', 'class'), /exports no dataset and no featureset.*'export'/],
    [
      'with two errors, both named with their fix',
      countModule({
        extra: "@feature(t.int, { id: 2, ref: [Pages, 'clicks'] }) again!: number; @feature(t.int, { id: 3 }) alone!: number;",
      }),
      /PageFeatures\.again: [^\n]*; [^]*PageFeatures\.alone: [^\n]*; /,
    ],
  ];
  for (const command of ['commit', 'plan']) {
    for (const [title, text, words] of badModules) {
      it(`${command} refuses a module ${title}: exit 1, without a stack`, async () => {
        const { code, err, out } = await run(command, files.write('bad.ts', text));
        expect([code, out]).to.deep.equal([1, '']);
        expect(err)
          .to.match(words)
          .and.not.match(/\n\s+at /);
      });
    }
  }

  it('says which file is not there, and where no platform answers', async () => {
    const gone = await run('commit', files.path('gone.ts'));
    expect(gone.code).to.equal(1);
    expect(gone.err)
      .to.match(/gone\.ts/)
      .and.not.match(/\n\s+at /);
    const nobody = await cli('http://127.0.0.1:1', 'plan', files.path('features.ts'));
    expect(nobody.code).to.equal(1);
    expect(nobody.err).to.match(/no answer from http:\/\/127\.0\.0\.1:1: is `thyme serve` running/);
  });
});
