// The author's own tsc looks at what is committed.
import { mkdirSync, symlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'chai';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { cli, CliFiles, countModule, type CliResult } from './cli-run.js';

/** The tests' own module leaves its method's types to be found. */
const TYPED = countModule()
  .replace('import { Count', 'import { type Stream, Count')
  .replace('static count(clicks)', 'static count(clicks: Stream<Click>)');
const WRONG = `${TYPED}\nexport const wrong: number = 'text';\n`;

describe('types, at a commit', function () {
  this.timeout(300_000);
  const files = new CliFiles();
  let platform: EmbeddedPlatform;
  const run = (...args: readonly string[]): Promise<CliResult> => cli(platform, ...args);

  before(async () => {
    mkdirSync(files.path('node_modules'));
    symlinkSync(resolve('node_modules/typescript'), files.path('node_modules/typescript'));
    const compilerOptions = {
      target: 'es2022',
      module: 'nodenext',
      strict: true,
      skipLibCheck: true,
      types: [],
      lib: ['es2023', 'esnext.decorators', 'esnext.disposable', 'dom'],
    };
    const paths = { thyme: [resolve('libs/definition/thyme.ts')] };
    files.write('tsconfig.json', JSON.stringify({ compilerOptions: { ...compilerOptions, paths }, include: ['others/**'] }));
    files.write('package.json', '{"type":"module"}');
    platform = await startEmbeddedPlatform();
  });
  after(async () => {
    files.end();
    await platform.stop();
  });

  it('are told by plan with file, line and code, as tsc tells them: exit 1', async () => {
    const file = files.write('wrong.ts', WRONG);
    const { code, out, err } = await run('plan', file, '--json');
    const { types } = JSON.parse(out) as {
      readonly types: { readonly unchecked?: string; readonly errors: readonly Record<string, unknown>[] };
    };
    const line = WRONG.split('\n').findIndex((text) => text.startsWith('export const wrong')) + 1;
    expect([code, types.unchecked, types.errors.length]).to.deep.equal([1, undefined, 1]);
    expect(types.errors[0]).to.include({ line, column: 14, code: 'TS2322', message: "Type 'string' is not assignable to type 'number'." });
    expect(err).to.match(new RegExp(`^A commit would be refused:\\n {2}\\S*wrong\\.ts:${line}:14 TS2322: Type 'string'`));
  });

  it('refuse a commit where they are wrong, unless it is told not to look', async () => {
    const refused = await run('commit', files.path('wrong.ts'));
    expect([refused.code, refused.out]).to.deep.equal([1, '']);
    expect(refused.err).to.match(/wrong\.ts: its types are wrong, and nothing was committed[^\n]*\n {2}\S*wrong\.ts:\d+:14 TS2322: /);
    expect((await run('status')).out, 'nothing was committed').to.match(/"datasets": \[\]/);
    expect(await run('commit', files.path('wrong.ts'), '--no-typecheck')).to.include({ code: 0, err: '' });
  });

  it('let a right module through, and what its settings cannot do is said', async () => {
    const file = files.write('right.ts', TYPED);
    expect(await run('commit', file)).to.include({ code: 0, err: '' });
    files.write('tsconfig.json', '{"compilerOptions": {"module": "none such"}}');
    const unchecked = await run('plan', file);
    expect([unchecked.code, unchecked.err]).to.have.property('0', 0);
    expect(unchecked.err).to.match(/^types were not checked: [^]*--module/);
  });
});
