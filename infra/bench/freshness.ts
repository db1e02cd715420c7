// freshness: from the push of an order to an answer that counts it, while few and while many events arrive. All roles in one process.
import { parseArgs } from 'node:util';
import { type Figure, report } from './bench-report.js';
import { withFolder } from './fraud-owner.js';
import { startFraudPlatform } from './fraud-platform.js';
import { runLoad } from './run-load.js';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' } } });
const LOADS = [
  { suffix: '_1000', eventsPerS: 1_000, p50Ms: 15 },
  { suffix: '', eventsPerS: 10_000, p50Ms: 40 },
];

const figures: Figure[] = [];
for (const { suffix, eventsPerS, p50Ms } of LOADS)
  await withFolder(async (dataDir) => {
    const { platform, restUrl } = await startFraudPlatform(dataDir);
    const load = { eventsPerS, batchEvents: 100, entities: 100_000, connections: 8 };
    const result = await runLoad({ kind: 'freshness', url: restUrl, seconds: Number(values.seconds), load });
    await platform.stop({ graceMs: 10_000 });
    figures.push(
      {
        name: `p50_ms${suffix}`,
        value: result.p50Us / 1_000,
        goal: { atMost: p50Ms },
        note: `from the push's first byte to the answer's last; ${result.checked} answers, each checked`,
      },
      { name: `p99_ms${suffix}`, value: result.p99Us / 1_000, goal: { atMost: 250 } },
      { name: `events_per_s${suffix}`, value: result.pushedPerS, note: `of ${eventsPerS} asked for` },
    );
  });
report('freshness', figures);
