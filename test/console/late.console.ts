// What came too late for a value, from the value itself: the rows with their reason for admins, the platform's refusal for others.
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { eventually } from '../support/eventually.js';
import { jsonOf, post, request } from '../support/http.js';
import { brokenRules, expectNoSidewaysScroll, goTo, openPage, shoot } from './console-browser.js';
import { consoleSuite, openAsAdmin } from './console-suite.js';
import { MARKUP } from './hostile-features.js';

const HOUR_MS = 3_600_000;

describe('console: too late for a value', function () {
  this.timeout(90_000);
  const suite = consoleSuite((platform) => commitFile('infra/examples/fraud.ts', platform.context));
  const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
  const at = (hoursAgo: number): string => new Date(nowMs - hoursAgo * HOUR_MS).toISOString();
  const why = `#/travel/FraudSignals?${new URLSearchParams({ entity: 'ann', 'in.cart_total': '1', at: at(0), why: 'total_spend_24h' }).toString()}`;

  async function push(user_id: string, order_id: string, hoursAgo: number): Promise<void> {
    const events = [{ user_id, order_id, amount: 10, ordered_at: at(hoursAgo) }];
    jsonOf(await post(`${suite.platform.url}/api/v1/log`, { dataset: 'Order', events }));
  }

  async function lateDropped(): Promise<unknown> {
    const { jobs } = jsonOf(await request(`${suite.platform.url}/api/v1/status`)) as unknown as {
      readonly jobs: readonly { readonly progress: { readonly late_dropped: number } }[];
    };
    return jobs[0]?.progress.late_dropped;
  }

  it('says that nothing came too late where nothing did, and asks nobody for a key', async () => {
    const { page, asked, context } = await openPage(suite.browser, `${suite.platform.url}/${why}`);
    await page.getByText('No record of any entity has come too late for UserOrderStats.stats.').waitFor();
    expect(asked.filter((path) => path.includes('late-records'))).to.deep.equal([]);
    await context.close();
  });

  it('shows an admin those of the entity and the window, with what they hold and by how much they were late', async () => {
    await push('ann', 'first', 0);
    await push('bob', 'late of another', 3);
    await push('ann', MARKUP, 3);
    await push('ann', 'before the window', 30);
    await eventually(async () => (await lateDropped()) === 3, 'three are late');
    const { page, faults, context } = await openAsAdmin(suite);
    await goTo(page, why);
    const button = page.getByRole('button', { name: 'Show what came too late for this window' });
    await button.focus();
    await page.keyboard.press('Enter');
    const table = page.getByRole('region', { name: 'Late records of Order' });
    await table.getByRole('cell', { name: MARKUP }).waitFor();
    expect(await table.locator('tbody tr').count()).to.equal(1);
    expect(await table.locator('tbody tr').textContent())
      .to.contain('2h beyond 1h')
      .and.contain('a push');
    await page.getByText('1 came too late.').waitFor();
    expect(await table.locator('tbody tr').getAttribute('title')).to.contain('more than maxLateness, 3600 s (S10)');
    expect(await page.evaluate(() => 'hit' in globalThis)).to.equal(false);
    expect(await brokenRules(page)).to.deep.equal([]);
    await page.getByText('3 of 4 records').waitFor();
    for (const width of [360, 3840]) {
      await page.setViewportSize({ width, height: 860 });
      await expectNoSidewaysScroll(page, `late records at ${width}`);
    }
    await table.scrollIntoViewIfNeeded();
    await shoot(page, 'late-3840');
    expect(faults).to.deep.equal([]);
    await context.close();
  });

  it('tells a stranger how many there are, and refuses the rows in the words of the platform', async () => {
    const { page, context } = await openPage(suite.browser, `${suite.platform.url}/${why}`);
    await page.getByText('3 of 4 records').waitFor();
    await page.getByRole('button', { name: 'Show what came too late for this window' }).click();
    await page.getByRole('alert').filter({ hasText: 'THYME_UNAUTHENTICATED' }).waitFor();
    expect(await page.getByText('onerror').count()).to.equal(0);
    await context.close();
  });
});
