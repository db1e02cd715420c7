// A page that is left open while records pour in: it goes on telling, and grows by nothing.
import { expect } from 'chai';
import type { Browser, CDPSession } from 'playwright-core';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { componentOrSkip } from '../support/component.js';
import { hasChromium, openBrowser, openPage } from './console-browser.js';
import { push, startExamples, type ExamplePlatform } from './example-platform.js';

const EVENTS_PER_S = 5_000;
/** Longer by hand: THYME_CONSOLE_SECONDS=60. */
const SECONDS = Number(process.env['THYME_CONSOLE_SECONDS'] ?? 6);
const PUSHES_PER_S = 5;
/** Of a heap of a few megabytes: what one status and the garbage of a moment may weigh. */
const HEAP_GROWTH_BYTES_MAX = 3 * 1024 * 1024;

interface Weight {
  readonly nodes: number;
  readonly listeners: number;
  readonly heapBytes: number;
}

describe('console: growth', function () {
  this.timeout(60_000 + SECONDS * 4_000);
  let examples: ExamplePlatform;
  let browser: Browser;

  before(async function () {
    componentOrSkip(this, hasChromium, 'Chromium (/usr/bin/chromium)');
    [examples, browser] = await Promise.all([startExamples(), openBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await examples?.platform.stop();
  });

  it(`shows ${EVENTS_PER_S} events/s for ${SECONDS} s, and has as many nodes and listeners afterwards`, async () => {
    const { page, faults } = await openPage(browser, examples.platform.url);
    await page.locator('.figure', { hasText: '/s' }).first().waitFor(); // the second status is there
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const before = await weigh(session);
    const pushed = await pour();
    await page
      .locator('.note-line', { hasText: /K since the start/ })
      .first()
      .waitFor();
    const after = await weigh(session);
    expect(pushed).to.equal(EVENTS_PER_S * SECONDS);
    expect(after.nodes, JSON.stringify({ before, after })).to.be.at.most(before.nodes + 20); // a word of a trouble, say
    expect(after.listeners, JSON.stringify({ before, after })).to.be.at.most(before.listeners + 2);
    expect(after.heapBytes - before.heapBytes).to.be.below(HEAP_GROWTH_BYTES_MAX);
    expect(faults).to.deep.equal([]);
  });

  /** One push after the other, and no faster than that many a second. */
  async function pour(): Promise<number> {
    const startMs = performance.now();
    let pushed = 0;
    for (let i = 0; i < SECONDS * PUSHES_PER_S; i += 1) {
      const at = formatTimestamp(Math.floor(Date.now() * 1_000));
      const events = Array.from({ length: EVENTS_PER_S / PUSHES_PER_S }, (_, j) => ({
        user_id: `user_${j % 50}`,
        order_id: `${i}-${j}`,
        amount: 10,
        ordered_at: at,
      }));
      await push(examples.platform, 'Order', events);
      pushed += events.length;
      const dueMs = startMs + ((i + 1) * 1_000) / PUSHES_PER_S;
      if (dueMs > performance.now()) await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now())); // it is a load at a rate
    }
    return pushed;
  }
});

async function weigh(session: CDPSession): Promise<Weight> {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  return { nodes: of('Nodes'), listeners: of('JSEventListeners'), heapBytes: of('JSHeapUsedSize') };
}
