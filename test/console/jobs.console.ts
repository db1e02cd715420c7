// Jobs and sources: dead letters with their content for admins, mended and pushed again from the page; refused in REST's words to others.
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { eventually } from '../support/eventually.js';
import { jsonOf, post, request } from '../support/http.js';
import { brokenRules, expectNoSidewaysScroll, goTo, openPage } from './console-browser.js';
import { consoleSuite, openAsAdmin } from './console-suite.js';
import { MARKUP } from './hostile-features.js';

describe('console: jobs', function () {
  this.timeout(90_000);
  const suite = consoleSuite((platform) => commitFile('infra/examples/fraud.ts', platform.context));

  it('show dead letters with reason and content, which are mended and pushed again, and count once', async () => {
    const { platform } = suite;
    const at = new Date().toISOString();
    for (let i = 0; i < 25; i++)
      expect(
        (
          await post(`${platform.url}/api/v1/log`, {
            dataset: 'Order',
            events: [{ user_id: 'ann', order_id: MARKUP, amount: `${i}`, ordered_at: at }],
          })
        ).status,
      ).to.equal(422);
    const { page, faults, context } = await openAsAdmin(suite);
    await page.getByRole('link', { name: 'Jobs' }).click();
    await page.getByRole('rowheader', { name: 'UserOrderStats.stats' }).waitFor();
    await page.getByLabel('Of dataset').selectOption('Order');
    const table = page.getByRole('region', { name: 'Dead letters of Order' });
    await table.getByRole('row').nth(20).waitFor();
    expect(await table.locator('tbody tr').count()).to.equal(20);
    expect(await table.locator('tbody tr').first().textContent()).to.match(/Order\.amount: .*"amount":"24"|Order\.amount: .*onerror/);
    expect(await brokenRules(page)).to.deep.equal([]);
    await page.getByRole('link', { name: 'Older' }).click();
    await page.waitForFunction(() => document.querySelectorAll('[aria-label="Dead letters of Order"] tbody tr').length === 5);
    await page.getByRole('link', { name: 'Newest' }).click();
    await table.getByRole('row').nth(20).waitFor();
    await table.getByRole('button').first().click();
    const record = page.getByRole('textbox', { name: 'The record' });
    expect((JSON.parse(await record.inputValue()) as { readonly amount: string }).amount).to.equal('24');
    await page.getByRole('button', { name: 'Push again' }).click();
    await page.getByRole('alert').filter({ hasText: 'event: is still refused: Order.amount' }).waitFor();
    await record.fill(JSON.stringify({ user_id: 'ann', order_id: MARKUP, amount: 24, ordered_at: at }));
    for (let i = 0; i < 2; i++) {
      await page.getByRole('button', { name: 'Push again' }).click();
      await page.getByText('It was taken.').waitFor();
    }

    const asked = new URLSearchParams({ entity_type: 'UserOrderStats', entity_id: 'ann', field: 'order_count_1h' });
    const counted = async (): Promise<unknown> => jsonOf(await request(`${platform.url}/features/rows?${asked.toString()}`)).count;
    await eventually(async () => (await counted()) === 1, 'the mended record counts');
    const last = await platform.client.post('/api/v1/log', {
      dataset: 'Order',
      events: [{ user_id: 'ann', order_id: 'o', amount: 1, ordered_at: at }],
    });
    asked.set('after', (last.body as { readonly token: string }).token); // behind both pushes of the mended one
    expect(await counted()).to.equal(2);
    expect(await page.evaluate(() => (globalThis as { readonly hit?: unknown }).hit)).to.equal(undefined);
    for (const width of [360, 3840]) {
      await page.setViewportSize({ width, height: 860 });
      await expectNoSidewaysScroll(page, `jobs at ${width}`);
    }
    expect(faults).to.deep.equal([]);
    await context.close();
  });

  it('refuse a stranger the content, in the words of the platform', async () => {
    const { page, context } = await openPage(suite.browser, `${suite.platform.url}/#/jobs?dead=Order`);
    await page.getByRole('alert').filter({ hasText: 'THYME_UNAUTHENTICATED' }).waitFor();
    expect(await page.getByText('onerror').count()).to.equal(0);
    await goTo(page, '#/jobs');
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await context.close();
  });
});
