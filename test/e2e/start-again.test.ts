// `npm start` that was ended at any moment, and is started again (issue 11.5).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { readRows } from '../../libs/cli/row-file.js';
import { formatTimestamp, parseTimestamp } from '../../libs/time/timestamp.js';
import { ExampleStart } from '../support/example-start.js';
import { jsonOf, request } from '../support/http.js';
import { Processes } from '../support/processes.js';

const FLIGHTS = 20_000;
const DEADLINE_MS = 120_000;
const DAY_US = 86_400e6;

describe('npm start, again', function () {
  this.timeout(4 * DEADLINE_MS);
  const processes = new Processes();
  const started: ExampleStart[] = [];
  afterEach(() => Promise.all(started.splice(0).map((one) => one.end())));
  after(() => processes.end());

  /** The process that `npm start` becomes. */
  function start(dataDir: string): ExampleStart {
    const one = new ExampleStart([process.execPath, '--import', 'tsx', 'infra/examples/start.ts'], {
      THYME_DATA_DIR: dataDir,
      THYME_EXAMPLE_FLIGHTS: String(FLIGHTS),
    });
    started.push(one);
    return one;
  }

  it('finishes what starts that were killed at several moments have begun: each flight counts once (S13)', async () => {
    const dataDir = join(processes.subfolder('killed'), 'data');
    const moments: readonly ((url: string) => Promise<boolean>)[] = [
      () => Promise.resolve(true), // before anything is committed
      () => Promise.resolve(existsSync(join(dataDir, 'flights'))), // most likely while the file is written
      async (url) => (await status(url)).latest_commit !== null,
      async (url) => (await flightsRead(url)) >= 2_000,
      async (url) => (await flightsRead(url)) >= 8_000,
      async (url) => (await flightsRead(url)) >= FLIGHTS,
    ];
    for (const hasCome of moments) {
      const one = start(dataDir);
      await one.ready();
      await until(async () => one.child.exitCode !== null || (await hasCome(one.url)));
      expect(await one.signal('SIGKILL'), one.text).to.equal('SIGKILL');
    }
    const last = start(dataDir);
    await last.greeted();
    await expectEachFlightOnce(last.url, dataDir);

    expect(await last.signal('SIGTERM'), last.text).to.equal(0);
    const again = start(dataDir);
    await again.greeted();
    expect(again.text).to.match(new RegExp(`^${FLIGHTS} flights are in Flight$`, 'm'));
    await expectEachFlightOnce(again.url, dataDir);
  });

  it('leaves definitions alone that it did not make', async () => {
    const dataDir = processes.subfolder('of-others');
    const platform = await processes.serve(dataDir);
    const { code, stderr } = await processes.run(['commit', 'test/support/shop-features.ts'], { env: { THYME_API_URL: platform.restUrl } });
    expect(code, stderr).to.equal(0);
    const before = await status(platform.restUrl);
    await platform.stop();

    const one = start(dataDir);
    await one.prints(/are not those of the examples, and stay as they are/);
    const { latest_commit, datasets, featuresets } = await status(one.url);
    expect({ latest_commit, datasets, featuresets }).to.deep.equal({
      latest_commit: before.latest_commit,
      datasets: before.datasets,
      featuresets: before.featuresets,
    });
    expect(await one.signal('SIGTERM'), one.text).to.equal(0);
  });

  it('says in one line why it does not start', async () => {
    const dataDir = join(processes.subfolder('locked'), 'data');
    const first = await processes.serve(dataDir);
    const second = start(dataDir);
    expect(await second.ended).to.equal(1);
    expect(second.text.trimEnd().split('\n'), second.text).to.have.length(1);
    expect(second.text).to.match(/log is in use by another process: stop that one/);
    await first.stop();
  });
});

async function status(url: string): Promise<Readonly<Record<string, unknown>>> {
  return jsonOf(await request(`${url}/api/v1/status`));
}

/** As the source's books say. */
async function flightsRead(url: string): Promise<number> {
  const sources = (await status(url)).sources as readonly { readonly dataset: string; readonly rows: number }[];
  return sources.find(({ dataset }) => dataset === 'Flight')?.rows ?? 0;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  while (!(await condition())) await pause(1, undefined, { signal: deadline });
}

/** Against a loop over the file's rows, and the books. */
async function expectEachFlightOnce(url: string, dataDir: string): Promise<void> {
  const rows: { readonly origin: string; readonly distance: number; readonly atUs: number }[] = [];
  for await (const { origin, distance, departed_at } of readRows(join(dataDir, 'flights', 'flights.csv'))) {
    rows.push({ origin: String(origin), distance: Number(distance), atUs: parseTimestamp(departed_at) });
  }
  expect(rows).to.have.lengthOf(FLIGHTS);
  const newestUs = rows.at(-1)?.atUs ?? 0;
  for (const airport of ['ATL', 'ORD', 'LAX', 'SEA']) {
    const within = (windowUs: number) => rows.filter(({ origin, atUs }) => origin === airport && atUs >= newestUs - windowUs);
    const at = encodeURIComponent(formatTimestamp(newestUs));
    const { features } = jsonOf(await request(`${url}/features?featureset=AirportDelay&entity_id=${airport}&timestamp=${at}`));
    expect(features, airport).to.include({
      flights_1d: within(DAY_US).length,
      miles_7d: within(7 * DAY_US).reduce((sum, { distance }) => sum + distance, 0),
    });
  }
  const { text } = await request(`${url}/metrics`);
  for (const [outcome, expected] of [
    ['applied', FLIGHTS],
    ['failed', 0],
    ['late', 0],
    ['dead', 0],
  ] as const) {
    const line = new RegExp(
      `thyme_pipeline_records_total\\{pipeline="OriginStats.departures v1",partition="0",outcome="${outcome}"\\} (\\d+)`,
    );
    expect(Number(line.exec(text)?.[1]), outcome).to.equal(expected);
  }
}
