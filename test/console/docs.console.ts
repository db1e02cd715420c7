// The search of the documentation, by what a person does with it, under the policy that the platform serves it with.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { buildDocs } from '../../infra/docs/build.js';
import { createRestServer, type RestServer } from '../../libs/rest/server.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import { docsRoutes } from '../../services/docs/docs-routes.js';
import { componentOrSkip } from '../support/component.js';
import { authorizeByKeys } from '../support/test-keys.js';
import { brokenRules, expectNoSidewaysScroll, hasChromium, openBrowser, openPage, shoot } from './console-browser.js';

describe('the documentation, in a browser', function () {
  this.timeout(180_000);
  const folder = mkdtempSync(join(tmpdir(), 'thyme-docs-'));
  let server: RestServer;
  let browser: Browser;
  let url: string;

  before(async function () {
    componentOrSkip(this, hasChromium, 'Chromium (/usr/bin/chromium)');
    await buildDocs(folder);
    server = createRestServer({
      host: '127.0.0.1',
      port: 0,
      authorize: authorizeByKeys([]),
      routes: docsRoutes([folder]),
      logger: createLogger({ level: 'error', clock: systemClock, write: () => undefined }),
      metrics: new MetricsRegistry(),
      clock: systemClock,
    });
    await server.start();
    url = `http://127.0.0.1:${server.port}`;
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.stop({ graceMs: 1_000 });
    rmSync(folder, { recursive: true, force: true });
  });

  it('is searched by keyboard alone, and asks for no more than its two files', async () => {
    const { page, context, faults, asked } = await openPage(browser, `${url}/docs`);
    const field = page.getByRole('searchbox', { name: 'Search the documentation' });
    await field.waitFor();
    expect(
      asked.some((path) => path.includes('search-index')),
      'the index before anybody searches',
    ).to.equal(false);
    await page.keyboard.press('/');
    expect(await field.evaluate((input) => input === document.activeElement)).to.equal(true);
    await page.getByRole('status').filter({ hasText: 'Type a word' }).waitFor();
    await page.keyboard.type('S24');
    await page.locator('#found a').first().waitFor();
    expect(await page.getByRole('status').textContent()).to.match(/^The best 12 of \d+$|^\d+ found$/);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    const at = await page.evaluate(() => document.activeElement?.getAttribute('href') ?? '');
    expect(at).to.match(/\/docs\/rules\.html#s24$/);
    await page.keyboard.press('Enter');
    await page.waitForURL('**/docs/rules.html#s24');
    await page.getByRole('heading', { name: 'S24', exact: true }).waitFor();
    expect(faults).to.deep.equal([]);
    const files = ['', '/style.css', '/search.js', '/search-index.js', '/rules.html'];
    expect(new Set(asked.map((path) => path.replace(/#.*$/, ''))), 'relative to the first page').to.have.all.keys(files);
    await context.close();
  });

  it('says that nothing was found, runs no text that was typed, and closes', async () => {
    const { page, context, faults } = await openPage(browser, `${url}/docs`);
    const field = page.getByRole('searchbox');
    await field.fill('<img src=x onerror=alert(1)> zebra');
    await page.getByRole('status').filter({ hasText: 'Nothing says “<img src=x onerror=alert(1)> zebra”' }).waitFor();
    expect(await page.locator('#found a, #search img').count()).to.equal(0);
    await field.fill('');
    await page.getByRole('status').filter({ hasText: 'Type a word' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#search .found').waitFor({ state: 'hidden' });
    expect(faults).to.deep.equal([]);
    await context.close();
  });

  for (const theme of ['light', 'dark'] as const) {
    it(`breaks no rule of accessibility while it shows what it found, ${theme}`, async () => {
      for (const width of [360, 1280]) {
        const { page, context } = await openPage(browser, `${url}/docs`, { width, theme });
        await page.getByRole('searchbox').fill('maxLateness');
        await page.locator('#found a').first().waitFor();
        await expectNoSidewaysScroll(page, `docs at ${width}`);
        await shoot(page, `docs-search-${width}-${theme}`);
        expect(await brokenRules(page), `${width}, ${theme}`).to.deep.equal([]);
        await context.close();
      }
    });
  }

  it('tells that the index did not come, and asks again at the next letter', async () => {
    const { page, context } = await openPage(browser, `${url}/docs/rules.html`);
    await page.getByRole('searchbox').waitFor();
    await page.route('**/search-index.js*', (route) => route.abort());
    await page.getByRole('searchbox').fill('watermark');
    await page.getByRole('status').filter({ hasText: 'could not be loaded' }).waitFor();
    await page.unroute('**/search-index.js*');
    await page.getByRole('searchbox').fill('watermarks');
    await page.locator('#found a').first().waitFor();
    await context.close();
  });

  it('is read without a script', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${url}/docs/rules.html`);
    await page.getByRole('heading', { name: 'S24', exact: true }).waitFor();
    expect(await page.locator('#search').isVisible()).to.equal(false);
    await context.close();
  });
});
