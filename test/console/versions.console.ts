// Two versions of a dataset side by side on one axis of time, while both can be asked (S19a): what REST says of each, differences marked.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { valueText } from '../../services/console/page/words.js';
import { eventually } from '../support/eventually.js';
import { jsonOf, post, request } from '../support/http.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { brokenRules, expectNoSidewaysScroll, goTo, openPage, shoot } from './console-browser.js';
import { consoleSuite } from './console-suite.js';

const shop = (version: number, window: string, more = ''): string => `
import { Count, Sum, dataset, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
@dataset({ version: 1 }) export class Order { @key(t.string) user; @field(t.int) cents; @timestamp() at; }
@dataset({ version: ${version}, index: true ${more} }) export class Stats {
  @key(t.string) user; @field(t.int) orders; @field(t.int) spent; @timestamp() at;
  @pipeline({ version: ${version}, inputs: [Order] }) static build(orders) {
    return orders.groupBy('user').aggregate({ orders: Count({ window: '${window}' }), spent: Sum({ of: 'cents', window: '1d' }) });
  }
}
@featureset({ entity: 'user' }) export class Signals {
  @feature(t.string, { id: 1 }) user;
  @feature(t.int, { id: 2, ref: [Stats, 'orders'] }) orders;
  @feature(t.int, { id: 3, ref: [Stats, 'spent'] }) spent;
}`;

const MINUTE_US = 60e6;

describe('console: two versions', function () {
  this.timeout(90_000);
  const suite = consoleSuite((platform) => commit(shop(1, '10m'), platform));
  const endUs = Math.floor(Date.now() / 1_000) * 1e6;
  const at = (minutesAgo: number): string => formatTimestamp(endUs - minutesAgo * MINUTE_US);

  async function commit(source: string, platform = suite.platform): Promise<void> {
    const file = join(temporaryFolder(), 'shop.ts');
    writeFileSync(file, source);
    await commitFile(file, platform.context, { removes: ['all'] });
  }

  const ask = (entity_type: string, timestamp: string): ReturnType<typeof request> =>
    request(`${suite.platform.url}/features?${new URLSearchParams({ entity_type, entity_id: 'ann', timestamp }).toString()}`);

  async function lookup(entity_type: string, timestamp: string): Promise<Readonly<Record<string, unknown>>> {
    return jsonOf(await ask(entity_type, timestamp)).features as Readonly<Record<string, unknown>>;
  }

  /** False also while the definitions are on their way to the partitions. */
  async function says(name: string, value: number): Promise<boolean> {
    const answer = await ask('Stats', at(0));
    if (answer.status !== 200) return false;
    const { features } = jsonOf(answer) as { readonly features: Readonly<Record<string, unknown>> | null };
    return features?.[name] === value;
  }

  it('are drawn on one axis, read at one cursor, and marked where they differ, by keyboard alone', async () => {
    const { platform, browser } = suite;
    const events = Array.from({ length: 12 }, (_, i) => ({ user: 'ann', cents: 100 + i, at: at(57 - 5 * i) }));
    jsonOf(await post(`${platform.url}/api/v1/log`, { dataset: 'Order', events }));
    await eventually(() => says('spent', 1_266), 'the orders are counted');
    const address = `#/travel/Signals?${new URLSearchParams({ entity: 'ann', from: at(60), to: at(0), at: at(0) }).toString()}`;
    const first = await openPage(browser, `${platform.url}/${address}`);
    await first.page.locator('[data-value=orders]', { hasText: '2' }).waitFor();
    expect(await first.page.getByLabel('Beside it an older version').count(), 'there is none yet').to.equal(0);
    await first.context.close();

    await commit(shop(2, '30m'));
    await eventually(() => says('orders', 6), 'the new version serves');
    const { page, faults, context } = await openPage(browser, `${platform.url}/${address}`);
    const select = page.getByLabel('Beside it an older version');
    await select.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    expect(await select.inputValue()).to.equal('Stats@1');
    for (const key of ['', 'PageDown', 'PageDown', 'Home']) {
      await page.getByRole('slider').focus();
      if (key !== '') await page.keyboard.press(key);
      const instant = (await page.getByRole('slider').getAttribute('data-at')) ?? '';
      await page.locator('.lane-value.old').first().waitFor({ state: 'detached' });
      const [older, newer] = [await lookup('Stats@1', instant), await lookup('Stats@2', instant)];
      for (const name of ['orders', 'spent']) {
        await page.locator(`[data-older=${name}]`).waitFor();
        expect(await page.locator(`[data-value=${name}]`).textContent()).to.equal(valueText(newer[name]));
        const said = newer[name] === older[name] ? 'Stats@1 says the same' : `Stats@1 says ${valueText(older[name])}`;
        expect(await page.locator(`[data-older=${name}]`).textContent(), `${name} at ${instant}`).to.equal(said);
      }
    }
    expect(await page.locator('svg[data-feature=orders] .curve.older').getAttribute('d')).to.match(/^M/);
    // Of 60 minutes nothing differs in the first 13: no order is older than 10 of them there.
    expect(await page.locator('svg[data-feature=orders] .differs.older').count()).to.be.within(150, 158);
    expect(await page.locator('svg[data-feature=spent] .differs.older').count()).to.equal(0);
    expect(await brokenRules(page)).to.deep.equal([]);
    for (const width of [360, 1280, 3840]) {
      await page.setViewportSize({ width, height: 860 });
      await expectNoSidewaysScroll(page, `versions at ${width}`);
      await shoot(page, `versions-${width}`);
    }
    expect(new URLSearchParams((await page.evaluate(() => location.hash)).split('?')[1]).get('version')).to.equal('Stats@1');
    expect(faults).to.deep.equal([]);
    await context.close();
  });

  it('are no longer offered once the older one is retired, and an address that names it is told so', async () => {
    const { platform, browser } = suite;
    await commit(shop(2, '30m', ", description: 'another commit'"));
    const retired = async (): Promise<boolean> =>
      (await request(`${platform.url}/features?entity_type=Stats%401&entity_id=ann`)).text.includes('THYME_DATASET_RETIRED');
    await eventually(retired, 'the older version is retired');
    const { page, context } = await openPage(browser, `${platform.url}/#/travel/Signals?entity=ann`);
    await page.locator('[data-value=orders]', { hasText: /\d/ }).waitFor();
    expect(await page.getByLabel('Beside it an older version').count()).to.equal(0);
    await page.goto('about:blank');
    await page.goto(`${platform.url}/#/travel/Signals?entity=ann&version=Stats%401`);
    await page.getByRole('alert').filter({ hasText: 'THYME_DATASET_RETIRED' }).waitFor();
    await goTo(page, '#/overview');
    await context.close();
  });
});
