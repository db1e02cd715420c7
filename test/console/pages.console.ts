// Overview, catalog and query runs by what a person does on them; and all pages by rules that hold for each.
import { copyFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { valueText } from '../../services/console/page/words.js';
import { componentOrSkip } from '../support/component.js';
import { jsonOf, post, request } from '../support/http.js';
import { brokenRules, expectNoSidewaysScroll, goTo, hasChromium, openBrowser, openPage, shoot, type Theme } from './console-browser.js';
import { features, push, startExamples, type ExamplePlatform } from './example-platform.js';

interface Page {
  readonly name: string;
  readonly hash: string;
  /** Shown once it has what it asked for. */
  readonly whole: string;
}

const PAGES: readonly Page[] = [
  { name: 'overview', hash: '#/overview', whole: 'table[class], tbody th' },
  { name: 'travel', hash: '#/travel/AirportDelay?entity=ATL', whole: '[data-value=flights_1h]:not(.old)' },
  { name: 'catalog', hash: '#/catalog', whole: '.entries li' },
  { name: 'lineage', hash: '#/lineage/dataset/Flight', whole: '.node.chosen-node' },
  { name: 'dataset', hash: '#/catalog/dataset/Order', whole: 'tbody th' },
  { name: 'pipeline', hash: '#/catalog/pipeline/OriginStats.departures', whole: 'tbody th' },
  { name: 'featureset', hash: '#/catalog/featureset/FraudSignals', whole: 'tbody th' },
  { name: 'query-runs', hash: '#/query-runs', whole: 'tbody th' },
  { name: 'jobs', hash: '#/jobs', whole: 'tbody th' },
  { name: 'commits', hash: '#/commits/1', whole: 'tbody th' },
  { name: 'api', hash: '#/api', whole: '.operation' },
  { name: 'why', hash: '#/travel/AirportDelay?entity=ATL&beside=DEN&why=flights_1h', whole: '.why tbody th' },
];
const WIDTHS = [360, 1280, 3840];
const WIDEST = ['overview', 'travel', 'lineage'];

describe('console: pages', function () {
  this.timeout(90_000);
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

  for (const theme of ['light', 'dark'] as const satisfies readonly Theme[]) {
    it(`break no rule of accessibility and scroll sideways at no width, ${theme}`, async () => {
      for (const width of WIDTHS) {
        const { page, faults, context } = await openPage(browser, examples.platform.url, { width, theme });
        // Pages that fill the width are looked at on the widest screen too, where a picture takes a second.
        for (const { name, hash, whole } of PAGES.filter((one) => width < 2_000 || WIDEST.includes(one.name))) {
          await goTo(page, hash);
          await page.locator(whole).first().waitFor();
          await expectNoSidewaysScroll(page, `${name} at ${width}`);
          const shot = await shoot(page, `${name}-${width}-${theme}`);
          if (width === 1280) expect(await brokenRules(page), `${name}, ${theme}`).to.deep.equal([]);
          if (process.env['THYME_README_IMAGES'] === '1' && name === 'overview' && width === 1280 && theme === 'light')
            copyFileSync(shot, 'docs/images/console-overview.png');
        }
        expect(faults).to.deep.equal([]);
        await context.close();
      }
    });
  }

  it('tell at one glance what is wrong, and lead to it', async () => {
    const { url } = examples.platform;
    const { page, context } = await openPage(browser, url);
    await page.getByRole('rowheader', { name: 'UserOrderStats.stats' }).waitFor();
    expect(await page.getByText('were refused').count()).to.equal(0);
    const { jobs } = jsonOf(await request(`${url}/api/v1/status`)) as {
      readonly jobs: readonly { readonly name: string; readonly progress: { readonly read: number } }[];
    };
    for (const { name, progress } of jobs) {
      const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
      expect(await row.locator('td').nth(2).textContent(), name).to.equal(progress.read.toLocaleString('en'));
    }
    expect((await post(`${url}/api/v1/log`, { dataset: 'Order', events: [{ user_id: 'x' }] })).status).to.equal(422);
    await page.getByRole('link', { name: '1 records for Order were refused since the start' }).click();
    await page.getByRole('heading', { name: 'Order', exact: true }).waitFor();
    await page.getByText('1 refused').waitFor();
    await context.close();
  });

  it('find a definition by any of its words, and tell what a featureset is made of', async () => {
    const { page, context } = await openPage(browser, `${examples.platform.url}/#/catalog`);
    await page.getByRole('searchbox').fill('featureset RISK@example cart_total');
    expect(await page.locator('.entries li').count()).to.equal(1);
    await page.getByRole('link', { name: 'FraudSignals' }).click();
    const cells = async (feature: string): Promise<readonly string[]> =>
      page
        .getByRole('row')
        .filter({ has: page.getByRole('rowheader', { name: feature, exact: true }) })
        .locator('td')
        .allTextContents();
    await page.getByRole('rowheader', { name: 'p95_amount_30d' }).waitFor();
    expect((await cells('p95_amount_30d')).slice(0, 2)).to.deep.equal(['float, may be null', 'p95 of amount · 30d']);
    expect((await cells('cart_total')).slice(0, 2)).to.deep.equal(['float', 'comes with the request']);
    await page.getByRole('link', { name: 'UserOrderStats' }).click();
    await page.getByRole('link', { name: 'UserOrderStats.stats' }).click();
    await page.getByText('keeps records where amount > 0').waitFor();
    await context.close();
  });

  it('tell what a dataset stands on and what stands on it, down to features', async () => {
    const { page, context } = await openPage(browser, `${examples.platform.url}/#/lineage`);
    await page.getByRole('link', { name: /^OriginStats\.departures/ }).click();
    await page.getByRole('heading', { name: 'If OriginStats.departures changes' }).waitFor();
    const told = async (term: string): Promise<string> =>
      (await page
        .locator('.facts > div')
        .filter({ has: page.locator('dt', { hasText: term }) })
        .locator('dd')
        .textContent()) ?? '';
    expect(await told('It stands on')).to.equal('Flight');
    expect((await told('On it stand')).split(', ').sort()).to.deep.equal(['AirportDelay', 'OriginStats']);
    expect(await told('Features of AirportDelay')).to.match(/^flights_1h, .*delayed_share_1d$/); // by its extractor
    expect(await page.locator('.node.faint').count()).to.be.above(0);
    await context.close();
  });

  it('lead from a column of a dataset to the features that stand on it, and back; the edges tell what flows', async () => {
    const { page, context } = await openPage(browser, `${examples.platform.url}/#/catalog/dataset/Flight`);
    await page.getByRole('link', { name: 'distance', exact: true }).click();
    await page.getByRole('heading', { name: 'If Flight changes' }).waitFor();
    const columns = page.locator('.columns dd');
    expect(await columns.nth(0).textContent()).to.equal('nothing before it');
    expect((await columns.nth(1).locator('p').allTextContents()).sort()).to.deep.equal(['AirportDelay: miles_7d', 'OriginStats: miles_7d']);
    await columns.nth(1).getByRole('link', { name: 'miles_7d' }).last().click();
    await page.getByRole('heading', { name: 'If AirportDelay changes' }).waitFor();
    await page.waitForFunction(() => document.querySelectorAll('.columns dd')[1]?.textContent === 'nothing');
    expect(await columns.nth(0).textContent()).to.match(/Flight: .*distance/);
    const edges = async (): Promise<readonly string[]> => page.locator('.edge-text').allTextContents();
    await page.locator('.edge-text', { hasText: '0/s' }).first().waitFor(); // the second status is there
    expect((await edges()).filter((text) => text !== '').every((text) => /^[\d.,]+\/s$/.test(text))).to.equal(true);
    await context.close();
  });

  it('tell who reads a feature, who asked lately, and, to admins, the newest rows of a dataset', async () => {
    const { platform } = examples;
    await features(platform, { featureset: 'AirportDelay', entity_id: 'DEN' });
    const { body } = await platform.client.post('/api/v1/console/links', {});
    const { page, context } = await openPage(browser, `${platform.url}/#link=${(body as { readonly link: string }).link}`);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await goTo(page, '#/catalog/featureset/AirportDelay');
    const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'flights_1d', exact: true }) });
    expect(await row.locator('td').nth(2).textContent()).to.equal('delayedShare');
    await page.getByRole('region', { name: 'Callers' }).getByRole('rowheader', { name: 'without a key' }).waitFor();
    await goTo(page, '#/catalog/dataset/Order');
    await page.getByRole('button', { name: 'Show them' }).click();
    const table = page.getByRole('region', { name: 'Newest rows of Order' });
    await table.locator('tbody tr').nth(19).waitFor();
    const headers = { authorization: `Bearer ${platform.adminKey}` };
    const asked = await request(`${platform.url}/api/v1/newest-records?dataset=Order&limit=1`, { headers });
    const { records } = jsonOf(asked) as { readonly records: readonly { readonly values: { readonly order_id: string } }[] };
    expect(await table.locator('tbody tr').first().textContent()).to.contain(records[0]?.values.order_id ?? 'none');
    expect(await brokenRules(page)).to.deep.equal([]);
    await context.close();
    const stranger = await openPage(browser, `${platform.url}/#/catalog/dataset/Order`);
    await stranger.page.getByRole('button', { name: 'Show them' }).click();
    await stranger.page.getByRole('alert').filter({ hasText: 'THYME_UNAUTHENTICATED' }).waitFor();
    await stranger.context.close();
  });

  it('ask a query run again, and tell what has changed since', async () => {
    const { platform } = examples;
    const { page, context } = await openPage(browser, platform.url);
    const asked = await request(`${platform.url}/features?featureset=AirportDelay&entity_id=DEN`);
    const before = jsonOf(asked).features as Readonly<Record<string, unknown>>;
    const id = asked.headers.get('x-query-run-id') ?? '';
    await goTo(page, '#/query-runs?featureset=AirportDelay');
    await page.getByRole('cell', { name: 'DEN' }).first().waitFor();
    await goTo(page, `#/query-runs/${id}`); // the address that the command line prints where THYME_WEB_URL ends in /#
    await page.getByRole('button', { name: 'Ask it again' }).click();
    await page.getByText('Now the answer is the same.').waitFor();
    const flight = { origin: 'DEN', destination: 'ATL', delay: 1, distance: 5, departed_at: new Date().toISOString() };
    const after = await push(platform, 'Flight', [flight]);
    await features(platform, { featureset: 'AirportDelay', entity_id: 'DEN', after });
    await page.getByRole('button', { name: 'Once more' }).click();
    await page.getByText(/values are others now/).waitFor();
    const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'flights_1d' }) });
    const count = Number(before['flights_1d']);
    expect(await row.locator('td').allTextContents()).to.deep.equal([String(count), String(count + 1), 'changed']);
    await context.close();
  });

  it('lists query runs by what was asked, how it went and whose key it was, and explains a value of one', async () => {
    const { platform } = examples;
    const { url } = platform;
    const { body } = await platform.client.post('/api/v1/keys', { name: 'asks', scopes: ['read'] });
    const headers = { authorization: `Bearer ${(body as { readonly key: string }).key}` };
    const good = await request(`${url}/features?featureset=AirportDelay&entity_id=SEA`, { headers });
    expect((await post(`${url}/features`, { featureset: 'FraudSignals', entity_id: 'user_1' })).status).to.equal(400);
    const { page, context } = await openPage(browser, `${url}/#/query-runs`);
    const shownAs = async (filter: Readonly<Record<string, string>>): Promise<void> => {
      const { runs } = jsonOf(await request(`${url}/query-runs?${new URLSearchParams({ limit: '50', ...filter }).toString()}`)) as {
        readonly runs: readonly { readonly id: string }[];
      };
      const links = page.locator('tbody th a');
      await page.waitForFunction(
        (ids) => JSON.stringify([...document.querySelectorAll('tbody th a')].map((a) => a.getAttribute('href'))) === ids,
        JSON.stringify(runs.map(({ id }) => `#/query-runs/${id}`)),
      );
      expect(await links.count()).to.equal(runs.length);
      expect(runs.length).to.be.above(0);
    };
    await page.getByLabel('State').selectOption('failed');
    await shownAs({ failed: 'true' });
    await page.getByLabel('State').selectOption('');
    await page.getByLabel('Kind').selectOption('lookup');
    await shownAs({ kind: 'lookup' });
    await page.getByLabel('Kind').selectOption('');
    const { api_key_fingerprint: key } = jsonOf(await request(`${url}/query-runs/${good.headers.get('x-query-run-id') ?? ''}`));
    await page.getByRole('textbox', { name: /^Key/ }).fill(String(key));
    await page.keyboard.press('Enter');
    await shownAs({ key: String(key) });
    await page.getByRole('textbox', { name: /^Took/ }).fill('many');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: "min_latency_ms: 'many' is no number" }).waitFor();
    await goTo(page, `#/query-runs/${good.headers.get('x-query-run-id') ?? ''}`);
    await page.getByRole('button', { name: 'Ask it again' }).click();
    await page
      .getByRole('link', { name: /: why flights_7d$|: why miles_7d$/ })
      .first()
      .click();
    await page.getByRole('heading', { name: /^Why / }).waitFor();
    const expected = jsonOf(good).features as Readonly<Record<string, unknown>>;
    await page.locator('[data-value=miles_7d]', { hasText: /\d/ }).waitFor();
    expect(await page.locator('[data-value=miles_7d]').textContent()).to.equal(valueText(expected['miles_7d']));
    await context.close();
  });

  it('draw a second entity beside the first, with what REST answers of both', async () => {
    const { platform, endUs } = examples;
    const at = formatTimestamp(endUs);
    const query = new URLSearchParams({ entity: 'ATL', beside: 'DEN', at });
    const { page, context } = await openPage(browser, `${platform.url}/#/travel/AirportDelay?${query.toString()}`);
    for (const [entity, selector] of [
      ['ATL', '[data-value=flights_1d]'],
      ['DEN', '[data-beside=flights_1d]'],
    ] as const) {
      const { flights_1d: expected } = await features(platform, { featureset: 'AirportDelay', entity_id: entity, timestamp: at });
      await page.locator(selector, { hasText: /\d/ }).waitFor();
      expect(await page.locator(selector).textContent()).to.equal(`${entity === 'DEN' ? 'DEN: ' : ''}${valueText(expected)}`);
    }
    await page.locator('svg[data-feature=flights_1d] .curve.beside').waitFor({ state: 'attached' });
    expect(await page.locator('svg[data-feature=flights_1d] .curve').count()).to.equal(2);
    await page.getByRole('textbox', { name: /^Beside it/ }).fill('');
    await page.keyboard.press('Enter');
    await page.locator('.curve.beside').first().waitFor({ state: 'detached' });
    await context.close();
  });

  it('tell what a commit changed, with code for admins alone; and the API as it describes itself', async () => {
    const { platform } = examples;
    const { page, context } = await openPage(browser, `${platform.url}/#/commits`);
    await page.getByRole('link', { name: '1', exact: true }).click();
    await page.getByRole('rowheader', { name: 'AirportDelay', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Show what changed' }).click();
    await page.getByRole('alert').filter({ hasText: 'THYME_UNAUTHENTICATED' }).waitFor();
    await page.getByRole('link', { name: 'API' }).click();
    const { paths } = jsonOf(await request(`${platform.url}/openapi.json`)) as { readonly paths: Readonly<Record<string, object>> };
    const operations = Object.values(paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
    await page.getByText(`${operations} of ${operations} operations`).waitFor();
    await page.getByRole('searchbox').fill('get /features/rows');
    await page.getByText(`1 of ${operations} operations`).waitFor();
    await page.getByText('GET /features/rows').click();
    await page.getByRole('rowheader', { name: 'known_at' }).waitFor();
    expect(await page.getByLabel('Answer 200, application/json').textContent()).to.contain('next_cursor');
    expect(await brokenRules(page)).to.deep.equal([]);
    await context.close();
    const { body } = await platform.client.post('/api/v1/console/links', {});
    const admin = await openPage(browser, `${platform.url}/#link=${(body as { readonly link: string }).link}`);
    await admin.page.getByRole('heading', { name: 'Overview' }).waitFor();
    await goTo(admin.page, '#/commits/1');
    await admin.page.getByRole('button', { name: 'Show what changed' }).click();
    await admin.page.getByLabel('Code of AirportDelay.delayedShare').getByText('flights_1d === 0').waitFor();
    await goTo(admin.page, '#/catalog/pipeline/OriginStats.departures');
    await admin.page.getByRole('button', { name: 'Code of OriginStats.departures' }).click();
    await admin.page.getByLabel('Code of OriginStats.departures').getByText('groupBy').waitFor();
    await admin.context.close();
  });
});
