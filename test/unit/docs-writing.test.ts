// The page about writing features: its modules are type-checked and run, and each mistake is made to them, and told as it stands there.
import { expect } from 'chai';
import { readModule } from '../../libs/cli/definition-module.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { applyDiff, codeBlocks, ModuleFolder, type CodeBlock } from '../support/page-modules.js';

describe('the page about writing features', function () {
  this.timeout(180_000);
  const blocks = codeBlocks('writing-features');
  const [shop = '', features = '', trial = ''] = blocks.filter(({ language }) => language === 'ts').map(({ code }) => code);
  const mistakes = blocks.flatMap((block, i) => (block.language === 'diff' ? [{ diff: block.code, told: blocks[i + 1] }] : []));
  let folder: ModuleFolder;

  before(() => {
    folder = new ModuleFolder('writing');
    folder.write('shop.ts', shop);
    folder.write('features.ts', features);
    folder.write('trial.ts', trial);
  });
  after(() => folder.remove());

  it('has three modules, and nothing else but mistakes with what is told of them', () => {
    const kinds = (some: readonly (CodeBlock | undefined)[]): readonly (string | undefined)[] => some.map((block) => block?.language);
    expect(kinds(blocks.slice(0, 3))).to.deep.equal(['ts', 'ts', 'ts']);
    expect(kinds(mistakes.map(({ told }) => told))).to.deep.equal(mistakes.map(() => 'text'));
    expect(blocks).to.have.lengthOf(3 + 2 * mistakes.length);
    expect(mistakes.length).to.be.at.least(12);
  });

  it('shows modules that are right to tsc, and whose assertions hold', async () => {
    expect(trial.match(/assert\./g)?.length).to.be.at.least(7);
    expect(await folder.typeErrors()).to.equal('');
    await folder.runAll(['trial.ts']);
  });

  it('shows what a commit says to each mistake', async () => {
    for (const { diff, told } of mistakes) {
      const [inShop, inFeatures] = [shop, features].map((module) => attempt(module, diff));
      expect(
        [inShop, inFeatures].filter((text) => text !== undefined),
        `in one of the modules:\n${diff}`,
      ).to.have.lengthOf(1);
      folder.write('shop.ts', inShop ?? shop);
      folder.write('features.ts', inFeatures ?? features);
      const refusal: unknown = await readModule(`${folder.path}/features.ts`).catch((error: unknown) => error);
      expect(refusal, diff).to.be.instanceOf(ThymeError);
      expect(`${String((refusal as ThymeError).message)}\n`, diff).to.equal(told?.code);
    }
  });
});

/** The module with the change; undefined where it is one to another module. */
function attempt(module: string, diff: string): string | undefined {
  try {
    return applyDiff(module, diff);
  } catch {
    return undefined;
  }
}
