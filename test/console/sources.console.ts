// A source on its dataset's page: how it does, and what a person tells it; refused in REST's words where the key is not enough.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitModule } from '../../libs/cli/commit-command.js';
import { readModule } from '../../libs/cli/definition-module.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { openPage } from './console-browser.js';
import { consoleSuite, openAsAdmin } from './console-suite.js';

const HASH = '#/catalog/dataset/Reading';

describe('console: sources', function () {
  this.timeout(90_000);
  const suite = consoleSuite();

  it('are tested, paused and resumed by who is admin, and by nobody else', async () => {
    const { platform, browser } = suite;
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.ndjson'), '{"sensor":"s1","value":7,"read_at":"2026-01-31T11:00:00Z"}\n');
    const module = await readModule('test/console/source-features.ts');
    const sources = module.definitions.sources.map((source) => ({
      ...source,
      config: { ...source.config, path: join(folder, '*.ndjson') },
    }));
    await commitModule({ ...module, definitions: { ...module.definitions, sources } }, platform.context);
    const { page, context } = await openAsAdmin(suite);
    await page.evaluate((hash) => void (location.hash = hash), HASH);
    await page.getByRole('button', { name: 'Test' }).click();
    await page.getByText('"value":7').waitFor(); // also of a file that was written just now, and that the source leaves for its next look
    await eventually(async () => (await sourceState()).rows === 1, 'the source has read its file');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('The source is paused.').waitFor();
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    expect((await sourceState()).state).to.equal('paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('The source is resumed.').waitFor();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.evaluate(() => void (location.hash = '#/lineage/dataset/Reading'));
    await page.getByRole('link', { name: /^Reading source files/ }).waitFor();
    await context.close();
    const stranger = await openPage(browser, `${platform.url}/${HASH}`);
    await stranger.page.getByRole('button', { name: 'Pause' }).click();
    await stranger.page.getByRole('alert').filter({ hasText: 'THYME_UNAUTHENTICATED' }).waitFor();
    expect((await sourceState()).state).to.not.equal('paused');
    await stranger.context.close();
  });

  async function sourceState(): Promise<{ readonly state: string; readonly rows: number }> {
    const { body } = await suite.platform.client.get('/api/v1/sources');
    const [found] = body as readonly { readonly state: string; readonly rows: number }[];
    return found ?? { state: 'none', rows: 0 };
  }
});
