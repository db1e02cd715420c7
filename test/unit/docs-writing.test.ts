// The page about writing features: its modules are type-checked and run, and each mistake is made to them, and told as it stands there.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { readModule } from '../../libs/cli/definition-module.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { applyDiff, codeBlocks, ModuleFolder, type CodeBlock } from '../support/page-modules.js';

/** What stands above a mistake that TypeScript cannot see. */
const UNSEEN = 'only the commit sees';

describe('the page about writing features', function () {
  this.timeout(180_000);
  const page = readFileSync('docs/writing-features.md', 'utf8');
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

  function withMistake(diff: string): { readonly shop: string; readonly features: string } {
    const [inShop, inFeatures] = [shop, features].map((module) => attempt(module, diff));
    expect(
      [inShop, inFeatures].filter((text) => text !== undefined),
      `in one of the modules:\n${diff}`,
    ).to.have.lengthOf(1);
    return { shop: inShop ?? shop, features: inFeatures ?? features };
  }

  it('has three modules, and nothing else but mistakes with what is told of them', () => {
    const kinds = (some: readonly (CodeBlock | undefined)[]): readonly (string | undefined)[] => some.map((block) => block?.language);
    expect(kinds(blocks.slice(0, 3))).to.deep.equal(['ts', 'ts', 'ts']);
    expect(kinds(mistakes.map(({ told }) => told))).to.deep.equal(mistakes.map(() => 'text'));
    expect(blocks).to.have.lengthOf(3 + 2 * mistakes.length);
    expect(mistakes.length).to.be.at.least(12);
  });

  it('shows modules that are right to tsc, and whose assertions hold', async () => {
    expect(trial.match(/assert\./g)?.length).to.be.at.least(7);
    for (const [i, { diff }] of mistakes.entries()) {
      const made = withMistake(diff);
      folder.write(`shop-${i}.ts`, made.shop);
      folder.write(`features-${i}.ts`, made.features.replaceAll("'./shop.js'", `'./shop-${i}.js'`));
    }
    const told = (await folder.typeErrors()).match(/^\S+\.ts(?=\()/gm) ?? [];
    const wrong = new Set(told.map((file) => /-(\d+)\.ts$/.exec(file)?.[1] ?? file));
    const isTold = mistakes.map((_, i) => wrong.delete(String(i)));
    expect([...wrong], 'in the modules themselves').to.deep.equal([]);
    const unseen = mistakes.filter((_, i) => isTold[i] === false).map(({ diff }) => diff);
    const isMarked = page.split(/^```diff\n/m).map((part) => part.trimEnd().split('\n').at(-1)?.includes(UNSEEN) ?? false);
    expect(unseen).to.deep.equal(mistakes.filter((_, i) => isMarked[i]).map(({ diff }) => diff));
    expect(unseen.length).to.be.below(mistakes.length / 2);
    await folder.runAll(['trial.ts']);
  });

  it('shows what a commit says to each mistake', async () => {
    for (const { diff, told } of mistakes) {
      const made = withMistake(diff);
      folder.write('shop.ts', made.shop);
      folder.write('features.ts', made.features);
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
