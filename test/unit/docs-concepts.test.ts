// The page about concepts: its modules are type-checked, and those that need no server are run as they stand there.
import { expect } from 'chai';
import { codeOf, ModuleFolder } from '../support/page-modules.js';

describe('the page about concepts', function () {
  this.timeout(120_000);
  const [features = '', ...modules] = codeOf('concepts', 'ts');
  const runnable = modules.filter((text) => !text.includes('new ThymeClient('));
  let folder: ModuleFolder;

  before(() => {
    folder = new ModuleFolder('concepts');
    folder.write('features.ts', features);
    modules.forEach((text, i) => folder.write(`module-${i}.ts`, text));
  });
  after(() => folder.remove());

  it('shows modules that are right to tsc', async () => {
    expect(modules).to.have.lengthOf(6);
    expect(await folder.typeErrors()).to.equal('');
  });

  it('shows modules whose assertions hold', async () => {
    expect(runnable).to.have.lengthOf(4);
    expect(runnable.filter((text) => !text.includes('assert.'))).to.deep.equal([]);
    await folder.runAll(runnable.map((text) => `module-${modules.indexOf(text)}.ts`));
  });
});
