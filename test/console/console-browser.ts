import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { eventually } from '../support/eventually.js';

/** Debian's; nothing is downloaded. */
const CHROMIUM = '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update'];
/** Of this suite alone; git ignores it. */
const SHOTS = 'test/console/shots';
const ANSWER_MS = 15_000;

export type Theme = 'light' | 'dark';

export const hasChromium = existsSync(CHROMIUM);

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

export interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What its scripts threw, or the browser refused to do for them, but for answers that were refusals. */
  readonly faults: string[];
  /** Addresses that it asked, without the platform's own. */
  readonly asked: string[];
}

/** A page of a profile of its own, in UTC and English. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1280, theme = 'light' }: { readonly width?: number; readonly theme?: Theme } = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({
    viewport: { width, height: 860 },
    colorScheme: theme,
    locale: 'en',
    timezoneId: 'Asia/Tokyo',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(ANSWER_MS);
  const faults: string[] = [];
  const asked: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource: the server responded'))
      faults.push(message.text());
  });
  page.on('request', (request) => asked.push(request.url().replace(url, '')));
  await page.goto(url);
  return { page, context, faults, asked };
}

/** Goes where the address leads without loading the document again. */
export async function goTo(page: Page, hash: string): Promise<void> {
  await page.evaluate((to) => void (location.hash = to), hash);
}

/** Of the rules for WCAG 2.2 AA and good practice, those that the page breaks, with where. */
export async function brokenRules(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source); // not by a script element, which the page's policy refuses
  const { violations } = await page.evaluate(() => (globalThis as unknown as { readonly axe: typeof axe }).axe.run());
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
}

/** Within a deadline: what is drawn to fit is drawn anew a moment after the window has another width. */
export async function expectNoSidewaysScroll(page: Page, title: string): Promise<void> {
  await eventually(
    () => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth),
    `${title} does not scroll sideways`,
  );
}

/** For people to look at; gives the file. */
export async function shoot(page: Page, name: string): Promise<string> {
  mkdirSync(SHOTS, { recursive: true });
  const path = join(SHOTS, `${name}.png`);
  await page.screenshot({ path });
  return path;
}
