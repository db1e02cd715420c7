// What the page about operating says, of a running platform: its metrics with kinds and labels, and backup and restore by the
// page's own commands.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const PAGE = readFileSync('docs/operating.md', 'utf8');
const METRIC_ROW = /^\| `(thyme_\w+)` \| (\w+) \| [^|]* \|([^|]*)\|/gm;
const [BACKUP = '', RESTORE = ''] = [...PAGE.matchAll(/```sh\n([^]*?)```/g)].map(([, commands = '']) => commands);
/** The last minute of a day that is over, so that one instant sees all of them. */
const DAY_END = '2026-01-31T23:59:00Z';

describe('the page about operating, of a running platform', function () {
  this.timeout(60_000);

  it('has metrics of these kinds and labels', async () => {
    const platform = await startEmbeddedPlatform();
    try {
      await commitFile('test/support/shop-features.ts', platform.context);
      await spentAfter(platform, await push(platform, 1));
      const { text } = await fetch(`${platform.url}/metrics`).then(async (response) => ({ text: await response.text() }));
      const kinds = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', kind = '']) => `${name} ${kind}`);
      const told = [...PAGE.matchAll(METRIC_ROW)].map(([, name = '', kind = '', labels = '']) => ({ name, kind, labels }));
      expect(told.map(({ name, kind }) => `${name} ${kind}`).sort()).to.deep.equal(kinds.sort());
      const shown = told.filter(({ name }) => labelsIn(text, name) !== undefined);
      expect(shown.length).to.be.at.least(10);
      for (const { name, labels } of shown) expect(labels.match(/\w+/g) ?? [], name).to.have.members(labelsIn(text, name) ?? []);
    } finally {
      await platform.stop();
    }
  });

  it('restores what was there at the backup, and takes pushes again', async () => {
    const folder = temporaryFolder();
    const dataDir = join(folder, '.thyme-data');
    await during(dataDir, async (platform) => {
      await commitFile('test/support/shop-features.ts', platform.context);
      expect(await spentAfter(platform, await push(platform, 10))).to.equal(10);
    });
    execFileSync('sh', ['-ec', BACKUP], { cwd: folder });
    await during(dataDir, async (platform) => expect(await spentAfter(platform, await push(platform, 5))).to.equal(15));
    execFileSync('sh', ['-ec', RESTORE], { cwd: folder });
    await during(dataDir, async (platform) => {
      expect(await spentAfter(platform, await push(platform, 7))).to.equal(17);
    });
  });
});

async function during(dataDir: string, work: (platform: EmbeddedPlatform) => Promise<unknown>): Promise<void> {
  const platform = await startEmbeddedPlatform({ dataDir });
  try {
    await work(platform);
  } finally {
    await platform.stop();
  }
}

/** A purchase of user 1; the token behind it. */
async function push({ client }: EmbeddedPlatform, price: number): Promise<string> {
  const events = [{ user_id: 1, item: 'tea', price, quantity: 1, paid_at: '2026-01-31T12:00:00Z' }];
  const { body } = await client.post('/api/v1/log', { dataset: 'Purchase', events });
  return (body as { readonly token: string }).token; // as OpenAPI describes it
}

async function spentAfter({ client }: EmbeddedPlatform, after: string): Promise<unknown> {
  const query = `entity_type=UserPurchases&entity_id=1&timestamp=${DAY_END}&after=${encodeURIComponent(after)}`;
  const { body } = await client.get(`/features?${query}`);
  return (body as { readonly features: { readonly spend_1d: unknown } }).features.spend_1d; // as OpenAPI describes it
}

/** Names of the labels of a metric's first series; undefined where it has none yet. */
function labelsIn(text: string, metric: string): readonly string[] | undefined {
  const [, labels] = new RegExp(`^${metric}(?:_count)?(?:\\{(.*)\\})? `, 'm').exec(text) ?? [undefined, undefined];
  if (labels === undefined) return new RegExp(`^${metric} `, 'm').test(text) ? [] : undefined;
  return [...labels.matchAll(/(\w+)="/g)].map(([, name = '']) => name);
}
