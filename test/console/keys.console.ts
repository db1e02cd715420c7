// Keys: without one nothing is shown or loaded where one is required; a link brings one, once.
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { componentOrSkip } from '../support/component.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { brokenRules, expectNoSidewaysScroll, hasChromium, openBrowser, openPage } from './console-browser.js';

/** What a browser loads before it has a key: the page itself, and one question that is refused. */
const LOADED = ['/', '/console/page.css', '/console/page.js', '/api/v1/status'];

describe('console: keys', function () {
  this.timeout(90_000);
  let platform: EmbeddedPlatform;
  let browser: Browser;

  before(async function () {
    componentOrSkip(this, hasChromium, 'Chromium (/usr/bin/chromium)');
    [platform, browser] = await Promise.all([startEmbeddedPlatform({ keysRequired: true }), openBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await platform?.stop();
  });

  it('nothing is shown or loaded without one; a wrong one is refused, one of scope read is enough to look', async () => {
    const { page, asked, context } = await openPage(browser, platform.url, { width: 360 });
    await page.getByLabel('API key').waitFor();
    expect(asked.filter((path) => !path.startsWith('data:')).sort()).to.deep.equal([...LOADED].sort());
    expect(await page.locator('nav, table').count()).to.equal(0);
    expect(await brokenRules(page)).to.deep.equal([]);
    await expectNoSidewaysScroll(page, 'the form for a key');
    await page.getByLabel('API key').fill('thyme_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'send a valid API key' }).waitFor();
    const { body } = await platform.client.post('/api/v1/keys', { name: 'looks', scopes: ['read'] });
    await page.getByLabel('API key').fill((body as { readonly key: string }).key);
    await page.getByRole('button', { name: 'Use this key' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('Everything is well').waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor(); // it is this tab's
    await page.getByRole('button', { name: 'Forget key' }).click();
    await page.getByLabel('API key').waitFor();
    await context.close();
  });

  it('a link brings one, once, and leaves neither a cookie nor itself in the address', async () => {
    const { body } = await platform.client.post('/api/v1/console/links', {});
    const { link } = body as { readonly link: string };
    const first = await openPage(browser, `${platform.url}/#link=${link}`);
    await first.page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(first.page.url()).to.equal(`${platform.url}/`);
    expect(await first.context.cookies()).to.deep.equal([]);
    const second = await openPage(browser, `${platform.url}/#link=${link}`);
    await second.page.getByRole('alert').filter({ hasText: 'this link was opened already' }).waitFor();
    expect(await second.page.locator('nav').count()).to.equal(0);
    await Promise.all([first.context.close(), second.context.close()]);
  });
});
