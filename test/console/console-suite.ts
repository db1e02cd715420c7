import type { Browser } from 'playwright-core';
import { componentOrSkip } from '../support/component.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { hasChromium, openBrowser, openPage, type OpenedPage } from './console-browser.js';

/** A platform of a suite's own and a browser, from before its first test to after its last. */
export interface ConsoleSuite {
  readonly platform: EmbeddedPlatform;
  readonly browser: Browser;
}

/** To be called within a suite; `prepare` is what its platform holds at first. Without a browser the suite is skipped, and says so. */
export function consoleSuite(prepare: (platform: EmbeddedPlatform) => Promise<void> = () => Promise.resolve()): ConsoleSuite {
  let started: ConsoleSuite | undefined;
  const suite = (): ConsoleSuite => {
    if (started === undefined) throw new Error('the suite has not begun');
    return started;
  };
  before(async function () {
    componentOrSkip(this, hasChromium, 'Chromium (/usr/bin/chromium)');
    const [platform, browser] = await Promise.all([startEmbeddedPlatform(), openBrowser()]);
    started = { platform, browser };
    await prepare(platform);
  });
  after(async () => {
    await started?.browser.close();
    await started?.platform.stop();
  });
  return {
    get platform() {
      return suite().platform;
    },
    get browser() {
      return suite().browser;
    },
  };
}

/** A page that came by a link, and so has the key that the link brings: it is an admin's. */
export async function openAsAdmin({ platform, browser }: ConsoleSuite): Promise<OpenedPage> {
  const { body } = await platform.client.post('/api/v1/console/links', {});
  const opened = await openPage(browser, `${platform.url}/#link=${(body as { readonly link: string }).link}`); // as OpenAPI promises
  await opened.page.getByRole('heading', { name: 'Overview' }).waitFor();
  return opened;
}
