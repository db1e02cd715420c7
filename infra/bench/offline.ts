// offline: training sets of point-in-time rows as Arrow over REST, of users drawn by zipf and drawn uniformly.
import { parseArgs } from 'node:util';
import { systemClock } from '../../libs/time/clock.js';
import { cpuClock, report, say } from './bench-report.js';
import { fillFolder } from './filled-folder.js';
import { withFolder } from './fraud-owner.js';
import { startFraudPlatform } from './fraud-platform.js';
import { nowUs } from './latencies.js';
import type { OrdersOptions } from './orders.js';
import { runLoad } from './run-load.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    events: { type: 'string', default: '1000000' },
    entities: { type: 'string', default: '100000' },
  },
});
const endUs = Math.floor(systemClock.nowUs());
const ROWS_PER_REQUEST = 50_000;
const SAMPLE_MS = 50;

interface Measured {
  readonly rowsPerS: number;
  readonly cpuUsPerRow: number;
  readonly peakRssMb: number;
  readonly checked: number;
}

/** The featuresets in turn, over orders and questions of users that are drawn so. */
async function measure(skew: 'zipf' | 'uniform', featuresets: readonly ('FraudFacts' | 'FraudCounts')[]): Promise<readonly Measured[]> {
  const options: OrdersOptions = {
    events: Number(values.events),
    entities: Number(values.entities),
    endUs,
    spanUs: 30 * 86_400e6,
    skew,
    lateShare: 0.02,
  };
  const measured: Measured[] = [];
  await withFolder(async (dataDir) => {
    await fillFolder(dataDir, options);
    const { platform, restUrl } = await startFraudPlatform(dataDir);
    for (const featureset of featuresets) measured.push(await measureOne(restUrl, featureset, options));
    await platform.stop({ graceMs: 10_000 });
  });
  return measured;
}

async function measureOne(url: string, featureset: 'FraudFacts' | 'FraudCounts', orders: OrdersOptions): Promise<Measured> {
  let peakRss = 0;
  const sampling = setInterval(() => (peakRss = Math.max(peakRss, process.memoryUsage.rss())), SAMPLE_MS);
  const [startUs, cpuUs] = [nowUs(), cpuClock()];
  const result = await runLoad({ kind: 'offline', url, featureset, orders, rows: Number(values.rows), rowsPerRequest: ROWS_PER_REQUEST });
  const usedUs = cpuUs();
  clearInterval(sampling);
  say(
    `${result.count} rows of ${featureset}, users by ${orders.skew}, in ${((nowUs() - startUs) / 1e6).toFixed(1)} s, with what the client did between its requests: ${(usedUs / result.count).toFixed(1)} µs of CPU a row`,
  );
  return { rowsPerS: result.achievedPerS, cpuUsPerRow: usedUs / result.count, peakRssMb: peakRss / 2 ** 20, checked: result.checked };
}

const [zipf, withoutPercentiles] = await measure('zipf', ['FraudFacts', 'FraudCounts']);
const [uniform] = await measure('uniform', ['FraudFacts']);
if (zipf === undefined || withoutPercentiles === undefined || uniform === undefined) throw new Error('a distribution was not measured');
const of = (users: string, { checked }: Measured): string =>
  `${values.rows} rows, ${ROWS_PER_REQUEST} a request, users ${users}; ${checked} checked`;
report('offline', [
  { name: 'rows_per_s', value: zipf.rowsPerS, goal: { atLeast: 60_000 }, note: of('by zipf, with a p95 over 30 days', zipf) },
  { name: 'rows_per_s_uniform', value: uniform.rowsPerS, goal: { atLeast: 150_000 }, note: of('drawn uniformly, with the p95', uniform) },
  {
    name: 'rows_per_s_without_percentiles',
    value: withoutPercentiles.rowsPerS,
    goal: { atLeast: 150_000 },
    note: of('by zipf, without it', withoutPercentiles),
  },
  { name: 'cpu_us_per_row', value: zipf.cpuUsPerRow, note: 'by zipf, of the process with all roles' },
  {
    name: 'peak_rss_mb',
    value: Math.max(zipf.peakRssMb, withoutPercentiles.peakRssMb, uniform.peakRssMb),
    goal: { atMost: 600 },
    note: 'of that process, the most of all three',
  },
]);
