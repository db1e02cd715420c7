// Time travel, by what a person does: every value on the page is compared with what REST answers at the same instant.
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { formatTimestamp, parseTimestamp } from '../../libs/time/timestamp.js';
import { instantText, valueText } from '../../services/console/page/words.js';
import { componentOrSkip } from '../support/component.js';
import { jsonOf, request, run } from '../support/http.js';
import { brokenRules, openBrowser, openPage, hasChromium, shoot, type OpenedPage } from './console-browser.js';
import { features, startExamples, type ExamplePlatform } from './example-platform.js';

const INPUTS = { cart_total: 900 };
const HOUR_US = 3_600e6;
const SIGNALS = ['order_count_1h', 'total_spend_24h', 'max_order_amount_7d', 'p95_amount_30d', 'is_suspicious'];

describe('console: time travel', function () {
  this.timeout(90_000);
  let examples: ExamplePlatform;
  let browser: Browser;
  let opened: OpenedPage;
  let page: Page;

  before(async function () {
    componentOrSkip(this, hasChromium, 'Chromium (/usr/bin/chromium)');
    [examples, browser] = await Promise.all([startExamples(), openBrowser()]);
    const { endUs } = examples;
    const span = new URLSearchParams({
      from: formatTimestamp(endUs - 6 * HOUR_US),
      to: formatTimestamp(endUs),
      at: formatTimestamp(endUs),
    });
    opened = await openPage(browser, `${examples.platform.url}/#/travel/FraudSignals?entity=user_0&in.cart_total=900&${span.toString()}`);
    ({ page } = opened);
  });
  after(async () => {
    await browser?.close();
    await examples?.platform.stop();
  });

  const atOf = async (): Promise<string> => (await page.getByRole('slider').getAttribute('data-at')) ?? '';

  /** Waits until the page shows the answer at its cursor, and compares it with REST's. */
  async function expectAnswers(): Promise<void> {
    await page.locator('.lane-value.old').first().waitFor({ state: 'detached' });
    await page.locator('[data-value=order_count_1h]', { hasText: /^(?!…)/ }).waitFor();
    const asked = { featureset: 'FraudSignals', entity_id: 'user_0', inputs: INPUTS, timestamp: await atOf() };
    const expected = await features(examples.platform, asked);
    for (const name of SIGNALS)
      expect(await page.locator(`[data-value=${name}]`).textContent(), `${name} at ${asked.timestamp}`).to.equal(valueText(expected[name]));
  }

  it('shows the exact answer at the cursor: at first, by the keyboard, by the pointer and as typed to the microsecond', async () => {
    await expectAnswers();
    const before = await atOf();
    await page.getByRole('slider').focus();
    await page.keyboard.press('PageDown');
    await page.keyboard.press('ArrowLeft');
    expect(parseTimestamp(await atOf())).to.be.closeTo(parseTimestamp(before) - 0.105 * 6 * HOUR_US, 1_000);
    await expectAnswers();
    await page.locator('svg[data-feature=total_spend_24h]').hover();
    expect(parseTimestamp(await atOf())).to.be.closeTo(examples.endUs - 3 * HOUR_US, 60e6);
    await expectAnswers();
    const typed = formatTimestamp(examples.endUs - HOUR_US / 2 + 1);
    await page.getByRole('textbox', { name: 'As of' }).fill(typed);
    await page.keyboard.press('Enter');
    expect(await atOf()).to.equal(typed);
    await expectAnswers();
  });

  it('draws the samples that a training set answers, and under the cursor the window that is looked at', async () => {
    const curve = await page.locator('svg[data-feature=total_spend_24h] .curve').getAttribute('d');
    expect(curve).to.match(/^M/);
    const [window, lane] = await Promise.all([
      page.locator('svg[data-feature=order_count_1h] .window').getAttribute('width'),
      page.locator('svg[data-feature=order_count_1h]').getAttribute('width'),
    ]);
    expect(Number(window) / Number(lane)).to.be.closeTo(1 / 6, 0.001);
    expect(await page.locator('svg[data-feature=is_suspicious] .window').count()).to.equal(0);
    expect(await page.locator('svg[data-feature=is_suspicious] .stretch').count()).to.be.above(0);
  });

  it('marks what was not known then: a late order, in the samples and at the cursor', async () => {
    const known = formatTimestamp(examples.knownUs);
    await page.getByRole('textbox', { name: 'Known at' }).fill(known);
    await page.keyboard.press('Enter');
    await page.locator('[data-then=total_spend_24h].changed').waitFor();
    const asked = { featureset: 'FraudSignals', entity_id: 'user_0', inputs: INPUTS, timestamp: await atOf() };
    const [now, then] = [await features(examples.platform, asked), await features(examples.platform, { ...asked, known_at: known })];
    expect(now['total_spend_24h']).to.not.equal(then['total_spend_24h']);
    expect(await page.locator('[data-then=total_spend_24h]').textContent()).to.equal(`was known as ${valueText(then['total_spend_24h'])}`);
    await expectAnswers();
    // The late order lies half an hour before the end, and the samples 1.8 minutes apart.
    await page.locator('svg[data-feature=total_spend_24h] .differs').first().waitFor({ state: 'attached' });
    expect(await page.locator('svg[data-feature=total_spend_24h] .differs').count()).to.be.within(16, 18);
    const shot = await shoot(page, 'travel-known-at');
    if (process.env['THYME_README_IMAGES'] === '1') copyFileSync(shot, 'docs/images/console-travel.png');
  });

  it('tells why a value is what it is: its window, the rows that add up to it, and the one that came late', async () => {
    const url = new URL(page.url());
    const query = new URLSearchParams(url.hash.split('?')[1]);
    await page.getByRole('button', { name: 'why total_spend_24h' }).click();
    await page.getByRole('heading', { name: 'Why total_spend_24h is' }).waitFor();
    const table = page.getByRole('region', { name: 'Rows of total_spend_24h' });
    await table.getByRole('cell', { name: '77,777' }).waitFor();
    const rest = new URLSearchParams({ entity_type: 'UserOrderStats', entity_id: 'user_0', field: 'total_spend_24h', limit: '200' });
    rest.set('timestamp', await atOf());
    const { rows, value } = jsonOf(await request(`${examples.platform.url}/features/rows?${rest.toString()}`)) as unknown as {
      readonly value: number;
      readonly rows: readonly { readonly known_at: string; readonly values: { readonly amount: number } }[];
    };
    expect(rows.reduce((sum, { values }) => sum + values.amount, 0)).to.be.closeTo(value, 1e-6);
    const known = query.get('known') ?? '';
    const inTime = rows.filter(({ known_at }) => parseTimestamp(known_at) <= parseTimestamp(known));
    expect(inTime.length).to.equal(rows.length - 1); // as of what was known then: the cursor's own question
    await page.getByRole('button', { name: 'not known then' }).first().click();
    await table.locator('tbody tr').nth(1).waitFor({ state: 'detached' }); // and for a moment there is none at all
    await table.locator('tbody tr').first().waitFor();
    expect(await table.locator('tbody tr').allTextContents()).to.have.length(1);
    expect(await table.locator('tbody tr').textContent()).to.match(/later.*77,777/);
    await page.getByRole('button', { name: 'taken back' }).first().click();
    await page.getByText('Nothing in the window was taken back by then.').first().waitFor();
  });

  it('walks the rows page by page, never all of them, and on to an extractor with its inputs and its code', async () => {
    const at = formatTimestamp(examples.endUs);
    await page.goto('about:blank');
    await page.goto(
      `${examples.platform.url}/#/travel/AirportDelay?${new URLSearchParams({ entity: 'ATL', at, why: 'flights_1d' }).toString()}`,
    );
    const table = page.getByRole('region', { name: 'Rows of flights_1d' });
    await table.getByRole('row').nth(20).waitFor();
    const rest = new URLSearchParams({ entity_type: 'OriginStats', entity_id: 'ATL', field: 'flights_1d', timestamp: at });
    const { rows, count } = jsonOf(await request(`${examples.platform.url}/features/rows?${rest.toString()}`)) as unknown as {
      readonly count: number;
      readonly rows: readonly { readonly event_time: string }[];
    };
    await page.getByText(`${valueText(count)} in all count.`).waitFor();
    const shown = async (): Promise<readonly string[]> => table.locator('tbody th').allTextContents();
    const expected = rows.map(({ event_time }) => instantText(parseTimestamp(event_time)));
    expect(await shown()).to.deep.equal(expected.slice(0, 20));
    await page.getByRole('button', { name: 'Older rows' }).click();
    await table
      .getByText(expected[20] ?? '')
      .first()
      .waitFor();
    expect(await shown()).to.deep.equal(expected.slice(20, 40));
    await page.getByRole('button', { name: 'Newer rows' }).click();
    await table
      .getByText(expected[0] ?? '')
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'why delayed_share_1d' }).click();
    await page.getByRole('heading', { name: 'Its inputs' }).waitFor();
    expect(await brokenRules(page)).to.deep.equal([]);
    await page.getByRole('button', { name: /^Code of AirportDelay/ }).click();
    await page.getByRole('alert').filter({ hasText: 'THYME_UNAUTHENTICATED' }).waitFor(); // it is for admins
    await page.getByRole('region', { name: 'Inputs' }).getByRole('button').first().click();
    await page
      .getByRole('region', { name: /^Rows of / })
      .first()
      .waitFor();
  });

  it('copies questions that give the same answer elsewhere, also where the entity holds quotes', async function () {
    const entity = "O'Hare, \u00e9\u{1F6EB}";
    const at = formatTimestamp(examples.endUs);
    await page.goto('about:blank');
    await page.goto(`${examples.platform.url}/#/travel/AirportDelay?${new URLSearchParams({ entity, at }).toString()}`);
    await page.locator('[data-value=flights_1d]', { hasText: /\d/ }).waitFor();
    const expected = await features(examples.platform, { featureset: 'AirportDelay', entity_id: entity, timestamp: at });
    expect(expected['flights_1d']).to.be.above(0);
    const copied = async (language: string): Promise<string> => {
      await page.getByRole('button', { name: language, exact: true }).click();
      return (await page.locator('.code pre').textContent()) ?? '';
    };
    const answered = await run('sh', ['-c', await copied('curl')]);
    expect((JSON.parse(answered) as { readonly features: unknown }).features).to.deep.equal(expected);
    const listed = await run('sh', ['-c', (await copied('CLI')).replace('npx thyme', 'node --import tsx services/program/thyme.ts')]);
    expect(listed).to.contain(String(expected['miles_7d']));
    expect(await copied('TypeScript')).to.contain(`thyme.query(AirportDelay, ${JSON.stringify(entity)}, {"timestamp":"${at}"})`);
    expect(JSON.parse(await runPasted(await copied('TypeScript')))).to.deep.equal(expected);
    const python = await copied('Python');
    componentOrSkip(this, existsSync('/usr/bin/python3'), 'python3');
    expect(await run('python3', ['-c', python])).to.contain(`'miles_7d': ${String(expected['miles_7d'])}`);
  });

  it('zooms into what is drawn across, and tells both ends in the address', async () => {
    const box = await page.getByRole('slider').boundingBox();
    if (box === null) throw new Error('the axis is not shown');
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.25, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, y, { steps: 4 });
    await page.mouse.up();
    await page.waitForFunction(() => new URLSearchParams(location.hash.split('?')[1]).get('from') !== null);
    const query = new URLSearchParams((await page.evaluate(() => location.hash)).split('?')[1]);
    const length = parseTimestamp(query.get('to') ?? '') - parseTimestamp(query.get('from') ?? '');
    expect(length).to.be.closeTo(6 * HOUR_US, 120e6); // a quarter of a day
    await page.getByRole('button', { name: '7d', exact: true }).click();
    await page.waitForFunction(() => document.querySelector('[aria-pressed=true]')?.textContent === '7d');
  });

  it('shows a refusal in the words of the platform, with its code', async () => {
    await page.goto('about:blank');
    await page.goto(`${examples.platform.url}/#/travel/FraudSignals?entity=user_0&in.cart_total=many`);
    const alert = page.getByRole('alert').first();
    await alert.waitFor();
    expect(await alert.textContent()).to.match(/THYME_INVALID_ARGUMENT .*cart_total/);
    expect(opened.faults).to.deep.equal([]);
  });
});

/** Runs the text as a module beside a person's definitions; gives the features that it got. */
async function runPasted(text: string): Promise<string> {
  const folder = join('test/console/shots', `pasted-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(join(folder, 'features.ts'), "export * from '../../../../infra/examples/features.js';\n");
    writeFileSync(join(folder, 'pasted.ts'), `${text}\nconsole.log(JSON.stringify(features));\n`);
    return await run('node', ['--import', 'tsx', join(folder, 'pasted.ts')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
