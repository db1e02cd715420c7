// The page about clients: its commands and programs run as they stand there, against a platform.
import { join } from 'node:path';
import { expect } from 'chai';
import { codegen } from '../../libs/cli/codegen-command.js';
import { entryOf } from '../../libs/cli/command.js';
import { commitFile } from '../../libs/cli/commit-command.js';
import { runCommand } from '../../libs/cli/run-command.js';
import { componentOrSkip } from '../support/component.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { run } from '../support/http.js';
import { codeBlocks, codeOf, ModuleFolder } from '../support/page-modules.js';
import { hasPython } from '../support/python.js';

describe('the page about clients', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  let folder: ModuleFolder;

  before(async () => {
    folder = new ModuleFolder('clients');
    folder.write('features.ts', "export * from '../../infra/examples/fraud.js';\n");
    platform = await startEmbeddedPlatform();
    await commitFile('infra/examples/fraud.ts', platform.context);
  });
  after(async () => {
    await platform.stop();
    folder.remove();
  });

  /** The blocks of a language, asking the platform that is here. */
  const blocks = (language: string): readonly string[] =>
    codeOf('clients', language).map((code) => code.replaceAll('http://127.0.0.1:8080', platform.url));

  it('has no block that is not run here', () => {
    expect(codeBlocks('clients').map(({ language }) => language)).to.deep.equal(['ts', 'sh', 'python', 'ts']);
  });

  it('writes clients by its commands', async () => {
    for (const line of blocks('sh').flatMap((text) => text.trim().split('\n'))) {
      const [npx, thyme, ...words] = line.split(' ');
      expect([npx, thyme]).to.deep.equal(['npx', 'thyme']);
      const args = words.map((word) => (/\.(py|ts)$/.test(word) ? join(folder.path, word) : word));
      expect(await runCommand([entryOf(codegen)], args, { THYME_API_URL: platform.url }, platform.context.terminal), line).to.equal(0);
    }
  });

  it('shows Python that runs', async function () {
    componentOrSkip(this, hasPython(), 'Python 3.9 or newer');
    for (const code of blocks('python')) {
      expect(await run('python3', [folder.write('page.py', code)])).to.match(
        /^40\.0 True 20[^]*\[1, 0\]\n0\n40\.0\nTHYME_INVALID_ARGUMENT timestamp\n$/,
      );
    }
  });

  it('shows TypeScript that runs', async () => {
    const prints = [/^40 true 20\S+Z \d+\nTHYME_INVALID_ARGUMENT timestamp \S+\n$/, /^40 true\n$/];
    for (const [i, code] of blocks('ts').entries()) {
      folder.write('page.ts', code);
      expect(await folder.run('page.ts')).to.match(prints[i] ?? /a further block/);
    }
  });
});
