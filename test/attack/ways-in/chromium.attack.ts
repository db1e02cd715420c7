// A real browser with a page of another port, which tries to commit, to push and to read; and with a name that was pointed here.
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../../support/embedded-platform.js';
import { jsonOf, request } from '../../support/http.js';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // As a name server of the attacker would: the page's own name leads to this machine.
  '--host-resolver-rules=MAP evil.example 127.0.0.1',
];

/** What a page's script saw of an attempt. */
type Seen = string;

/** What runs in the page; as text, since nothing of it is Node's. */
const STATUS = `fetch('/api/v1/status').then(({ status }) => status)`;
const SUBMIT = `(action) => {
  const form = document.createElement('form');
  Object.assign(form, { method: 'POST', action, enctype: 'text/plain' });
  document.body.append(form);
  form.submit();
}`;
const ATTEMPTS = `async (url) => {
  const attempt = (path, init) => fetch(url + path, init).then(({ type, status }) => type + ' ' + status, () => 'failed');
  const loaded = (make) => new Promise((resolve) => make(resolve));
  return [
    await attempt('/api/v1/commit', { method: 'POST', mode: 'no-cors', body: new Blob(['{}']) }),
    await attempt('/api/v1/log', { method: 'POST', mode: 'no-cors', body: '{"dataset":"D","events":[]}' }),
    await attempt('/api/v1/log', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }),
    await attempt('/api/v1/status', {}),
    await attempt('/api/v1/status', { mode: 'no-cors' }),
    await loaded((resolve) => {
      const image = new Image();
      image.onload = () => resolve('image loaded');
      image.onerror = () => resolve('image failed');
      image.src = url + '/query-runs';
    }),
    await loaded((resolve) => {
      const socket = new WebSocket(url.replace('http', 'ws') + '/features');
      socket.onopen = () => resolve('socket open');
      socket.onerror = () => resolve('socket failed');
    }),
  ];
}`;

describe('ways in: Chromium', function () {
  this.timeout(180_000);
  const profile = mkdtempSync(join(tmpdir(), 'thyme-chromium-'));
  let platform: EmbeddedPlatform;
  let site: Server;
  let context: BrowserContext | undefined;
  let page: Page;

  before(async function () {
    if (!existsSync(CHROMIUM)) {
      if (process.env.CI === 'true') throw new Error(`${CHROMIUM} is missing: install Debian's chromium`);
      process.stderr.write(`    NOT TESTED: a real browser, since ${CHROMIUM} is not installed\n`);
      this.skip();
    }
    platform = await startEmbeddedPlatform();
    site = createServer((_asked, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<title>page</title>'));
    await once(site.listen(0, '127.0.0.1'), 'listening');
    context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: FLAGS, headless: true });
    page = await context.newPage();
  });
  after(async () => {
    await context?.close();
    site?.close();
    await platform?.stop();
    rmSync(profile, { recursive: true, force: true });
  });

  const portOf = (server: Server): number => (server.address() as AddressInfo).port; // of one that listens

  /** What the platform has answered, by method and status: a page cannot see it of another origin. */
  async function answered(): Promise<ReadonlyMap<string, number>> {
    const { text } = await request(`${platform.url}/metrics`);
    const lines = [...text.matchAll(/^thyme_http_requests_total\{(.*)\} (\d+)$/gm)];
    return new Map(lines.map(([, labels = '', count]) => [labels, Number(count)]));
  }

  it('sends a page of another port nowhere: not by fetch without asking, nor by asking, a form, an image or a socket', async () => {
    await page.goto(`http://127.0.0.1:${portOf(site)}/`);
    const before = await answered();
    const seen = await page.evaluate<readonly Seen[]>(`(${ATTEMPTS})(${JSON.stringify(platform.url)})`);
    expect(seen).to.deep.equal(['opaque 0', 'opaque 0', 'failed', 'failed', 'opaque 0', 'image failed', 'socket failed']);
    const { status } = await post(page, `${platform.url}/api/v1/commit`);
    expect(status).to.equal(403);
    const deadline = AbortSignal.timeout(15_000); // metrics are as they were up to a second ago
    let news: readonly string[] = [];
    while (!news.some((labels) => labels.includes('status="403"')) && !deadline.aborted)
      news = [...(await answered())].filter(([labels, count]) => count > (before.get(labels) ?? 0)).map(([labels]) => labels);
    news = news.filter((labels) => !labels.includes('/metrics'));
    expect(news).to.have.length.above(0);
    // The browser asks the page that the refused form leads to for an icon.
    for (const labels of news) expect(labels).to.match(/status="403"|method="GET",route="none",status="404"/);
    expect(jsonOf(await request(`${platform.url}/api/v1/status`)).latest_commit).to.equal(null);
  });

  it('reads nothing by a name that leads here', async () => {
    const rebound = platform.url.replace('127.0.0.1', 'evil.example');
    const answer = await page.goto(`${rebound}/api/v1/status`);
    expect(answer?.status()).to.equal(403);
    const read = await page.evaluate<number>(STATUS);
    expect(read).to.equal(403);
  });

  it('shows what the user himself asks for by the address', async () => {
    expect((await page.goto(`${platform.url}/health`))?.status()).to.equal(200);
    expect(await page.evaluate<number>(STATUS)).to.equal(200);
  });

  /** A form, sent by the page: the browser goes there. */
  async function post(from: Page, url: string): Promise<{ readonly status: number }> {
    const arrived = from.waitForResponse((response) => response.request().isNavigationRequest());
    await from.evaluate(`(${SUBMIT})(${JSON.stringify(url)})`);
    return { status: (await arrived).status() };
  }
});
