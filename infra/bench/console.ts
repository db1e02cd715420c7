// console: how large the page is, how soon it is drawn, and what a look through time costs: 200 instants of ten features.
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { startEmbeddedPlatform } from '../../test/support/embedded-platform.js';
import { commitModule } from '../../libs/cli/commit-command.js';
import { readModule } from '../../libs/cli/definition-module.js';
import { systemClock } from '../../libs/time/clock.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { pageBundle } from '../../services/console/bundle-page.js';
import { report, say } from './bench-report.js';

const { values } = parseArgs({ options: { flights: { type: 'string', default: '100000' }, rounds: { type: 'string', default: '15' } } });
const FLIGHTS = Number(values.flights);
const ROUNDS = Number(values.rounds);
const EVENTS_PER_PUSH = 10_000;
const DAYS_US = 7 * 86_400e6;
const INSTANTS = 200;

const platform = await startEmbeddedPlatform();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
try {
  const { script, style } = await pageBundle();
  await commitModule(await readModule('infra/examples/features.ts'), platform.context);
  const endUs = Math.floor(systemClock.nowUs());
  await fill(endUs);
  say(`${FLIGHTS} flights of one airport in seven days are applied`);
  report('console', [
    { name: 'bytes_gz', value: gzipSync(script).length + gzipSync(style).length, goal: { atMost: 250_000 } },
    { name: 'first_paint_ms', value: median(await rounds(firstPaintMs)), goal: { atMost: 1_000 }, note: 'a new profile each time' },
    {
      name: 'travel_ms',
      value: median(await rounds(() => travelMs(endUs))),
      goal: { atMost: 300 },
      note: `POST /features/offline: ${INSTANTS} instants of the ten features of AirportDelay, answer read to its end`,
    },
  ]);
} finally {
  await browser.close();
  await platform.stop();
}

/** Flights of ATL, evenly over the days, until they are read. */
async function fill(endUs: number): Promise<void> {
  for (let start = 0; start < FLIGHTS; start += EVENTS_PER_PUSH) {
    const events = Array.from({ length: Math.min(EVENTS_PER_PUSH, FLIGHTS - start) }, (_, i) => ({
      origin: 'ATL',
      destination: `D${(start + i) % 97}`,
      delay: ((start + i) * 7) % 200,
      distance: 500,
      departed_at: formatTimestamp(Math.floor(endUs - DAYS_US + ((start + i) / FLIGHTS) * DAYS_US)),
    }));
    const { body } = await platform.client.post('/api/v1/log', { dataset: 'Flight', events });
    const { token } = body as { readonly token: string };
    await platform.client.get('/features', { featureset: 'AirportDelay', entity_id: 'ATL', after: token });
  }
}

async function rounds(measure: () => Promise<number>): Promise<readonly number[]> {
  const found: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) found.push(await measure());
  return found;
}

async function firstPaintMs(): Promise<number> {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(platform.url);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const ms = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN);
  await context.close();
  return ms;
}

async function travelMs(endUs: number): Promise<number> {
  const queries = Array.from({ length: INSTANTS }, (_, i) => ({
    entity_id: 'ATL',
    timestamp: formatTimestamp(Math.round(endUs - DAYS_US * (1 - i / INSTANTS))),
  }));
  const startMs = performance.now();
  const response = await fetch(`${platform.url}/features/offline`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ featureset: 'AirportDelay', queries }),
  });
  const { results } = (await response.json()) as { readonly results: readonly unknown[] };
  if (results.length !== INSTANTS) throw new Error(`${results.length} results answer ${INSTANTS} questions`);
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
