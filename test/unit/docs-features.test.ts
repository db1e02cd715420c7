// The pages about writing features: their modules are type-checked, and run with their assertions.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import * as words from '../../libs/definition/aggregation-words.js';

/** Within the repository, where `thyme` is this program. */
const FOLDER = 'test/.docs-features';
const PAGES = ['operators', 'composite-keys'];

describe('the pages about writing features', function () {
  this.timeout(120_000);
  const modules = PAGES.flatMap((page) =>
    [...readFileSync(`docs/${page}.md`, 'utf8').matchAll(/```(\w+)\n([^]*?)```/g)].map(([, language, code = '']) => ({ language, code })),
  );

  before(() => {
    mkdirSync(FOLDER, { recursive: true });
    modules.forEach(({ code }, i) => writeFileSync(join(FOLDER, `module-${i}.ts`), code));
  });
  after(() => rmSync(FOLDER, { recursive: true, force: true }));

  it('show modules that are right to tsc', async () => {
    expect(modules.map(({ language }) => language)).to.deep.equal(['ts', 'ts']);
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

  it('show modules whose assertions hold', async () => {
    const imports = modules.map((_, i) => `await import('./module-${i}.js');\nconsole.log('held');`).join('\n');
    writeFileSync(join(FOLDER, 'all.ts'), `export {};\n${imports}\n`);
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', join(FOLDER, 'all.ts')]);
    expect(stdout.trim().split('\n')).to.deep.equal(modules.map(() => 'held'));
  });

  it('have every operator, in the table and in the module', () => {
    const page = readFileSync('docs/operators.md', 'utf8');
    const operators = Object.keys(words).filter((name) => /^[A-Z]/.test(name));
    expect(operators.length).to.be.at.least(8);
    for (const name of operators)
      expect(page)
        .to.match(new RegExp(`^\\|[^|]*\`${name}\\(`, 'm'))
        .and.match(new RegExp(`: ${name}\\(\\{`));
  });
});
