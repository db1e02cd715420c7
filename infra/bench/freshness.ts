// freshness: from the push of an order to an answer that counts it, while 10,000 events a second arrive. All roles in one process.
import { parseArgs } from 'node:util';
import { report } from './bench-report.js';
import { withFolder } from './fraud-owner.js';
import { startFraudPlatform } from './fraud-platform.js';
import { runLoad } from './run-load.js';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' } } });
const EVENTS_PER_S = 10_000;

await withFolder(async (dataDir) => {
  const { platform, restUrl } = await startFraudPlatform(dataDir);
  const load = { eventsPerS: EVENTS_PER_S, batchEvents: 100, entities: 100_000, connections: 8 };
  const result = await runLoad({ kind: 'freshness', url: restUrl, seconds: Number(values.seconds), load });
  await platform.stop({ graceMs: 10_000 });
  report('freshness', [
    {
      name: 'p50_ms',
      value: result.p50Us / 1_000,
      goal: { atMost: 100 },
      note: `from the push's first byte to the answer's last; ${result.checked} answers, each checked`,
    },
    { name: 'p99_ms', value: result.p99Us / 1_000, goal: { atMost: 250 } },
    { name: 'events_per_s', value: result.pushedPerS, note: `of ${EVENTS_PER_S} asked for` },
  ]);
});
