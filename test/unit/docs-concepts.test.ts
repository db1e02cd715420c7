// The page about concepts: its modules are type-checked, and those that need no server are run as they stand there.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';

/** Within the repository, where `thyme` is this program. */
const FOLDER = 'test/.docs-concepts';

describe('the page about concepts', function () {
  this.timeout(120_000);
  const code = [...readFileSync('docs/concepts.md', 'utf8').matchAll(/```ts\n([^]*?)```/g)].map(([, text = '']) => text);
  const [features = '', ...modules] = code;
  const runnable = modules.filter((text) => !text.includes('new ThymeClient('));

  before(() => {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, 'features.ts'), features);
    modules.forEach((text, i) => writeFileSync(join(FOLDER, `module-${i}.ts`), text));
  });
  after(() => rmSync(FOLDER, { recursive: true, force: true }));

  it('shows modules that are right to tsc', async () => {
    expect(modules).to.have.lengthOf(6);
    const { compilerOptions } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as {
      readonly compilerOptions: { readonly paths: Readonly<Record<string, readonly string[]>> };
    };
    const paths = Object.fromEntries(Object.entries(compilerOptions.paths).map(([name, [path = '']]) => [name, [`../../${path}`]]));
    writeFileSync(
      join(FOLDER, 'tsconfig.json'),
      JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: { paths }, include: ['*.ts'] }),
    );
    const checking = promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', FOLDER]);
    const { stdout } = await checking.catch((error: unknown) => error as { readonly stdout: string }); // what execFile fails with holds what was printed
    expect(stdout).to.equal('');
  });

  it('shows modules whose assertions hold', async () => {
    expect(runnable).to.have.lengthOf(4);
    expect(runnable.filter((text) => !text.includes('assert.'))).to.deep.equal([]);
    const imports = runnable.map((text) => `await import('./module-${modules.indexOf(text)}.js');\nconsole.log('held');`).join('\n');
    writeFileSync(join(FOLDER, 'all.ts'), `export {};\n${imports}\n`);
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', join(FOLDER, 'all.ts')]);
    expect(stdout.trim().split('\n')).to.deep.equal(runnable.map(() => 'held'));
  });
});
