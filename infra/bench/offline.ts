// offline: a training set of 1 M point-in-time rows as Arrow over REST.
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
const options: OrdersOptions = {
  events: Number(values.events),
  entities: Number(values.entities),
  endUs: Math.floor(systemClock.nowUs()),
  spanUs: 30 * 86_400e6,
  skew: 'zipf',
  lateShare: 0.02,
};
const ROWS_PER_REQUEST = 50_000;
const SAMPLE_MS = 50;

await withFolder(async (dataDir) => {
  await fillFolder(dataDir, options);
  const { platform, restUrl } = await startFraudPlatform(dataDir);
  let peakRss = 0;
  const sampling = setInterval(() => (peakRss = Math.max(peakRss, process.memoryUsage.rss())), SAMPLE_MS);
  const [startUs, cpuUs] = [nowUs(), cpuClock()];
  const result = await runLoad({
    kind: 'offline',
    url: restUrl,
    orders: options,
    rows: Number(values.rows),
    rowsPerRequest: ROWS_PER_REQUEST,
  });
  const usedUs = cpuUs();
  clearInterval(sampling);
  await platform.stop({ graceMs: 10_000 });
  say(`${result.count} rows in ${((nowUs() - startUs) / 1e6).toFixed(1)} s, with what the client did between its requests`);
  report('offline', [
    {
      name: 'rows_per_s',
      value: result.achievedPerS,
      goal: { atLeast: 100_000 },
      note: `${result.count} rows, ${ROWS_PER_REQUEST} a request; ${result.checked} checked`,
    },
    { name: 'peak_rss_mb', value: peakRss / 2 ** 20, goal: { atMost: 600 }, note: 'of the process with all roles' },
    { name: 'cpu_us_per_row', value: usedUs / result.count, note: 'of that process' },
  ]);
});
