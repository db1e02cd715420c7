// The page about training sets: its module is type-checked and run, its Python run with the official Arrow library, as they stand there.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { componentOrSkip } from '../support/component.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { eventually } from '../support/eventually.js';
import { codeOf, ModuleFolder } from '../support/page-modules.js';

const PYTHON = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'thyme-tools', 'arrow', 'bin', 'python');
const run = promisify(execFile);

describe('the page about training sets', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  let folder: ModuleFolder;

  before(async () => {
    folder = new ModuleFolder('training-sets');
    platform = await startEmbeddedPlatform();
    await commitFile('infra/examples/fraud.ts', platform.context);
    const events = [{ user_id: 'user_0', order_id: 'o1', amount: 70, ordered_at: '2026-01-05T18:00:00Z' }];
    const { body } = await platform.client.post('/api/v1/log', { dataset: 'Order', events, historical: true });
    const { token } = body as { readonly token: string };
    const asked = { featureset: 'FraudSignals', entity_id: 'user_0', inputs: { cart_total: 1 }, after: token };
    const isServed = (): Promise<boolean> =>
      platform.client.post('/features', asked).then(
        () => true,
        () => false,
      );
    await eventually(isServed, 'the revision is served, with the order'); // S18
  });
  after(async () => {
    folder.remove();
    await platform.stop();
  });

  function block(language: string): string {
    const [code = '', ...more] = codeOf('training-sets', language);
    expect(more).to.deep.equal([]);
    return code;
  }

  it('shows a module that is right to tsc, and gives each label with its features', async () => {
    folder.write('features.ts', "export * from '../../infra/examples/fraud.js';\n");
    folder.write('module.ts', block('ts').replace('http://127.0.0.1:8080', platform.url));
    expect(await folder.typeErrors()).to.equal('');
    const lines = (await folder.run('module.ts')).trimEnd().split('\n');
    expect(lines).to.have.lengthOf(31);
    expect(lines.slice(4, 7)).to.deep.equal([
      '1 2026-01-05T00:00:00.000Z 0',
      '0 2026-01-06T00:00:00.000Z 70',
      '1 2026-01-07T00:00:00.000Z 0',
    ]);
  });

  it('shows Python that reads a training set as an Arrow table', async function () {
    componentOrSkip(this, existsSync(PYTHON), 'pyarrow');
    const code = block('python');
    expect(
      code
        .trim()
        .split('\n')
        .filter((line) => line !== '' && !/^(?:import|print)/.test(line)).length,
    ).to.be.at.most(10);
    const script = folder.write('training_set.py', `${code}print(table.slice(0, 2).to_pylist())\n`);
    const { stdout } = await run(PYTHON, [script], { env: { ...process.env, THYME_API_URL: platform.url } });
    expect(stdout).to.match(/^timestamp\[us, tz=UTC\] 1000 \S+$/m);
    expect(stdout).to.match(
      /'entity_id': 'user_0', 'timestamp': datetime\.datetime\(2026, 1, 31, 12, 0, tzinfo=[^)]*\)[^}]*'cart_total': 900\.0/,
    );
  });
});
