// The page about tests: its modules are type-checked, and run as they stand there.
import { expect } from 'chai';
import { codeOf, ModuleFolder } from '../support/page-modules.js';

describe('the page about testing', function () {
  this.timeout(120_000);
  const modules = codeOf('testing', 'ts');
  let folder: ModuleFolder;

  before(() => {
    folder = new ModuleFolder('testing');
    folder.write('features.ts', "export * from '../../infra/examples/fraud.js';\n");
    modules.forEach((code, i) => folder.write(`module-${i}.ts`, code));
  });
  after(() => folder.remove());

  it('shows modules that are right to tsc', async () => {
    expect(modules).to.have.lengthOf(4);
    expect(await folder.typeErrors()).to.equal('');
  });

  it('shows modules that run', async () => {
    folder.write('all.ts', modules.map((_, i) => `import './module-${i}.js';`).join('\n'));
    expect(await folder.run('all.ts'))
      .to.match(/^2 1 Order\.user_id: expected text/m)
      .and.match(/^true$/m)
      .and.match(/^# pass 1$|^ℹ pass 1$/m);
  });
});
