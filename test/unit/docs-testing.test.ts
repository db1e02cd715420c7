// The page about tests: its modules are type-checked, and run as they stand there.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';

/** Within the repository, where `thyme` is this program. */
const FOLDER = 'test/.docs-testing';

describe('the page about testing', function () {
  this.timeout(120_000);
  const modules = [...readFileSync('docs/testing.md', 'utf8').matchAll(/```ts\n([^]*?)```/g)].map(([, code = '']) => code);
  before(() => {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, 'features.ts'), "export * from '../../infra/examples/fraud.js';\n");
    modules.forEach((code, i) => writeFileSync(join(FOLDER, `module-${i}.ts`), code));
  });
  after(() => rmSync(FOLDER, { recursive: true, force: true }));

  it('shows modules that are right to tsc', async () => {
    expect(modules).to.have.lengthOf(4);
    const config = { extends: '../../tsconfig.json', compilerOptions: { paths: pathsFromHere() }, include: ['*.ts'] };
    writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(config));
    const checking = promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', FOLDER]);
    const { stdout } = await checking.catch((error: unknown) => error as { readonly stdout: string }); // what execFile fails with holds what was printed
    expect(stdout).to.equal('');
  });

  it('shows modules that run', async () => {
    const all = modules.map((_, i) => `import './module-${i}.js';`).join('\n');
    writeFileSync(join(FOLDER, 'all.ts'), all);
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', join(FOLDER, 'all.ts')]);
    expect(stdout)
      .to.match(/^2 1 Order\.user_id: expected text/m)
      .and.match(/^true$/m)
      .and.match(/^# pass 1$|^ℹ pass 1$/m);
  });
});

function pathsFromHere(): object {
  const { compilerOptions } = JSON.parse(readFileSync('tsconfig.json', 'utf8')) as {
    readonly compilerOptions: { readonly paths: Readonly<Record<string, readonly string[]>> };
  };
  return Object.fromEntries(Object.entries(compilerOptions.paths).map(([name, [path = '']]) => [name, [`../../${path}`]]));
}
