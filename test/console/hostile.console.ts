// Names, descriptions, owners, tags, entities and values that try to be markup: each is shown as the text that it is.
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { commitModule } from '../../libs/cli/commit-command.js';
import { readModule } from '../../libs/cli/definition-module.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { componentOrSkip } from '../support/component.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, request } from '../support/http.js';
import { goTo, hasChromium, openBrowser, openPage, type OpenedPage } from './console-browser.js';
import { features, push } from './example-platform.js';
import { MARKUP } from './hostile-features.js';

const ENTITY = `${MARKUP}'"\`\${1}`;

describe('console: hostile texts', function () {
  this.timeout(90_000);
  let platform: EmbeddedPlatform;
  let browser: Browser;
  let opened: OpenedPage;

  before(async function () {
    componentOrSkip(this, hasChromium, 'Chromium (/usr/bin/chromium)');
    [platform, browser] = await Promise.all([startEmbeddedPlatform(), openBrowser()]);
    await commitModule(await readModule('test/console/hostile-features.ts'), platform.context);
    const after = await push(platform, 'Visit', [
      { visitor: ENTITY, page: `</pre>${MARKUP}`, seen_at: new Date(Date.now() - 60_000).toISOString() },
    ]);
    expect(await features(platform, { featureset: 'VisitorPages', entity_id: ENTITY, after })).to.include({ visits_1h: 1 });
    opened = await openPage(browser, platform.url);
  });
  after(async () => {
    await browser?.close();
    await platform?.stop();
  });

  /** The page shows the text, ran none of it, and no element came of it. */
  async function expectText(place: string): Promise<void> {
    const { page } = opened;
    await page.getByText('onerror=').first().waitFor({ state: 'attached' });
    const found = await page.evaluate(() => ({
      hit: 'hit' in globalThis,
      elements: document.querySelectorAll('img, script:not([src]), a[href^="javascript"], iframe').length,
    }));
    expect(found, place).to.deep.equal({ hit: false, elements: 0 });
  }

  it('are texts in the catalog and in each definition', async () => {
    const { page } = opened;
    for (const place of [
      '#/catalog',
      '#/catalog/dataset/Visit',
      '#/catalog/pipeline/Visitor.visits',
      '#/catalog/featureset/VisitorPages',
    ]) {
      await goTo(page, place);
      await page
        .getByRole('heading', { level: 1 })
        .filter({ hasText: place.split('/')[3] ?? 'Catalog' })
        .waitFor();
      await expectText(place);
    }
  });

  it('are texts on the axis of time, in values, and in what is copied', async () => {
    const { page } = opened;
    await goTo(page, `#/travel/VisitorPages?${new URLSearchParams({ entity: ENTITY }).toString()}`);
    await page.locator('[data-value=greeting]', { hasText: 'hello' }).waitFor();
    expect(await page.locator('[data-value=greeting]').textContent()).to.equal(`hello ${ENTITY}`);
    for (const language of ['curl', 'CLI', 'TypeScript', 'Python']) {
      await page.getByRole('button', { name: language, exact: true }).click();
      await expectText(language);
    }
  });

  it('are texts in the rows of a window: those that lie in it, newest first, both ends included', async () => {
    const { page } = opened;
    const { url } = platform;
    const atUs = Math.floor(Date.now() / 1_000) * 1e6;
    const HOUR_US = 3_600e6;
    const visits = [atUs, atUs - 1, atUs - HOUR_US, atUs - HOUR_US - 1].map((us, i) => ({
      visitor: 'v',
      page: `${MARKUP} ${i}`,
      seen_at: formatTimestamp(us),
    }));
    const after = await push(platform, 'Visit', [...visits].reverse());
    const at = formatTimestamp(atUs);
    expect(await features(platform, { featureset: 'VisitorPages', entity_id: 'v', timestamp: at, after })).to.include({ visits_1h: 3 });
    jsonOf(await request(`${url}/features?entity_type=Visit&entity_id=v&after=${after}`)); // the index has read them as well
    await goTo(page, '#/overview'); // the page reads its address when it is opened
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await goTo(page, `#/travel/VisitorPages?${new URLSearchParams({ entity: 'v', at }).toString()}`);
    await page.getByRole('button', { name: 'why visits_1h' }).click();
    const table = page.getByRole('region', { name: 'Rows of Visit' });
    await table.getByRole('cell', { name: `${MARKUP} 2` }).waitFor();
    expect(await table.locator('tbody tr td:nth-child(4)').allTextContents()).to.deep.equal(visits.slice(0, 3).map((visit) => visit.page));
    await expectText('rows');
  });

  it('are texts in query runs, and in an address that leads nowhere', async () => {
    const { page } = opened;
    await goTo(page, '#/query-runs');
    await page.locator('td', { hasText: 'onerror' }).first().waitFor();
    await expectText('query runs');
    await page.getByRole('row').filter({ hasText: 'onerror' }).first().getByRole('link').click();
    await page
      .getByRole('heading', { level: 1 })
      .filter({ hasText: /^\S{16,}$/ })
      .waitFor();
    await expectText('a query run');
    await goTo(page, `#/catalog/${encodeURIComponent(MARKUP)}/${encodeURIComponent(MARKUP)}`);
    await expectText('nowhere');
    // The policy of the document had nothing to forbid: no markup came to be.
    expect(opened.faults).to.deep.equal([]);
  });
});
