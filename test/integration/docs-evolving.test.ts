// The page about evolving definitions: each of its changes is made to its module, and each command is run, in the page's order; what
// is shown of a command is what it prints. A section begins with what was committed by those before it.
import { expect } from 'chai';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { eventually } from '../support/eventually.js';
import { applyDiff, ModuleFolder, sectionBlocks } from '../support/page-modules.js';
import { cli } from './cli/cli-run.js';

/** Times, lags and keys are other ones in each run. */
const VARYING = /"\d{4}-[\d-]+T[\d:.]+Z"|"lag_us": \d+|query runs \d+ by key \w+, last \S+/g;

interface Shown {
  readonly command: string;
  readonly lines: readonly string[];
}

describe('the page about evolving definitions', function () {
  this.timeout(180_000);
  const sections = sectionBlocks('evolving');
  const [[base] = []] = sections;
  const blocks = sections.flat().slice(1);
  let folder: ModuleFolder;
  let platform: EmbeddedPlatform;

  before(async () => {
    folder = new ModuleFolder('evolving');
    platform = await startEmbeddedPlatform();
  });
  after(async () => {
    await platform.stop();
    folder.remove();
  });

  it('has a module, and nothing else but changes and commands', () => {
    expect(base?.language).to.equal('ts');
    expect(new Set(blocks.map(({ language }) => language))).to.have.all.keys('diff', 'text');
    expect(blocks.flatMap(({ language, code }) => (language === 'text' ? shownIn(code) : [])).length).to.be.at.least(15);
  });

  it('shows what each command prints', async () => {
    let committed = base?.code ?? '';
    const file = folder.write('features.ts', committed);
    expect(await cli(platform, 'commit', file)).to.include({ code: 0 });
    const events = [30, 0.5, 12].map((amount) => ({ user_id: 'ann', amount, ordered_at: '2026-01-31T12:00:00Z' }));
    await platform.client.post('/api/v1/log', { dataset: 'Order', events });
    for (const section of sections) {
      let edited = committed;
      for (const { language, code } of section) {
        if (language === 'diff') folder.write('features.ts', (edited = applyDiff(edited, code)));
        if (language !== 'text') continue;
        for (const shown of shownIn(code)) {
          await untilSwitched(platform);
          const { code: exit, printed } = await run(platform, shown.command, file);
          expectLines(printed, shown);
          if (shown.command.startsWith('commit ') && exit === 0) committed = edited;
        }
      }
    }
    expect(committed).to.not.equal(base?.code);
  });
});

/** `$ npx thyme COMMAND`, and what stands under it. */
function shownIn(code: string): readonly Shown[] {
  return code
    .split(/^\$ npx thyme /m)
    .slice(1)
    .map((part) => part.trimEnd().split('\n'))
    .map(([command = '', ...lines]) => ({ command, lines }));
}

async function run(
  platform: EmbeddedPlatform,
  command: string,
  file: string,
): Promise<{ readonly code: number; readonly printed: string }> {
  const args = command.split(' ').map((word) => (word === 'features.ts' ? file : word));
  const { code, out, err } = await cli(platform, ...args);
  return { code, printed: [out, err].join('\n').replaceAll(file, 'features.ts').replaceAll(VARYING, '…') };
}

/** Each line that is shown begins one that is printed, in this order; more may be printed than is shown. */
function expectLines(printed: string, { command, lines }: Shown): void {
  expect(lines.length, command).to.be.at.least(1);
  let rest = printed.split('\n');
  for (const line of lines.map((one) => one.replaceAll(VARYING, '…'))) {
    const place = rest.findIndex((one) => one.startsWith(line));
    expect(place, `${command} does not print, or not in this order\n${line}\nbut\n${printed}\n`).to.be.at.least(0);
    rest = rest.slice(place + 1);
  }
}

/** What was committed answers, and nothing is being built. */
async function untilSwitched({ client }: EmbeddedPlatform): Promise<void> {
  const isSwitched = async (): Promise<boolean> => {
    const { body } = await client.get('/api/v1/status');
    const { backfills } = body as { readonly backfills: readonly unknown[] }; // as OpenAPI describes it
    const asked = await client.post('/features', { featureset: 'Shopper', entity_id: 'ann' }).catch(() => undefined);
    return backfills.length === 0 && asked !== undefined;
  };
  await eventually(isSwitched, 'what was committed is served');
}
