// The pages about operators and composite keys: their modules are type-checked, and run with their assertions.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import * as words from '../../libs/definition/aggregation-words.js';
import { codeBlocks, ModuleFolder } from '../support/page-modules.js';

describe('the pages about operators and composite keys', function () {
  this.timeout(120_000);
  const modules = ['operators', 'composite-keys'].flatMap(codeBlocks);
  let folder: ModuleFolder;

  before(() => {
    folder = new ModuleFolder('features');
    modules.forEach(({ code }, i) => folder.write(`module-${i}.ts`, code));
  });
  after(() => folder.remove());

  it('show modules that are right to tsc', async () => {
    expect(modules.map(({ language }) => language)).to.deep.equal(['ts', 'ts']);
    expect(await folder.typeErrors()).to.equal('');
  });

  it('show modules whose assertions hold', async () => {
    expect(modules.filter(({ code }) => !code.includes('assert.'))).to.deep.equal([]);
    await folder.runAll(modules.map((_, i) => `module-${i}.ts`));
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
