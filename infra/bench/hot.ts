// hot: one user with 1 M orders in the window: what a read costs, and an order that comes late.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Applier } from '../../libs/change/applier.js';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { systemClock } from '../../libs/time/clock.js';
import { cpuClock, report, say } from './bench-report.js';
import { fillLog, openFolderLog, openFraudLog, withFolder } from './fraud-owner.js';
import { Latencies, nowUs } from './latencies.js';
import { lcg, userId, type OrdersOptions } from './orders.js';
import { measureHandler, openAsker } from './query-in-process.js';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    queries: { type: 'string', default: '5000' },
    'late-inserts': { type: 'string', default: '2000' },
  },
});
const LATE_INSERTS = Number(values['late-inserts']);
const SPAN_US = 29 * 86_400e6;
const options: OrdersOptions = {
  events: Number(values.events),
  entities: 1,
  endUs: Math.floor(systemClock.nowUs()),
  spanUs: SPAN_US,
  skew: 'all',
  lateShare: 0,
};

await withFolder(async (dataDir) => {
  const opened = await openFraudLog(await openFolderLog(dataDir));
  await fillLog(opened, options);
  await opened.close();
  const asker = await openAsker(dataDir, options.events);
  say(`${options.events} orders of one user are applied`);
  const { latencies, cpuUs } = await measureHandler(asker, { entities: 1, queries: Number(values.queries) });
  await asker.close();
  const late = await lateInserts(dataDir);
  report('hot', [
    {
      name: 'hot_p50_us',
      value: latencies.quantile(0.5),
      goal: { atMost: 200 },
      note: `${options.events} orders in 29 days; windows of 1 h, 24 h, 7 d and 30 d`,
    },
    { name: 'hot_p99_us', value: latencies.quantile(0.99) },
    { name: 'hot_cpu_us', value: cpuUs, note: 'CPU time of a query, garbage collection included: what a busy machine changes least' },
    {
      name: 'late_insert_p50_us',
      value: late.latencies.quantile(0.5),
      goal: { atMost: 500 },
      note: 'fold and store batch, anywhere in the 29 days, each a tick of its own',
    },
    { name: 'late_insert_p99_us', value: late.latencies.quantile(0.99) },
    { name: 'late_insert_cpu_us', value: late.cpuUs },
  ]);
});

/** Late rows folded and committed one by one, with the owner's own applier; the changelog is left out. */
async function lateInserts(dataDir: string): Promise<{ readonly latencies: Latencies; readonly cpuUs: number }> {
  const applier = await Applier.open(await openLevelStore(join(dataDir, 'store', 'p0')));
  const commit = applier.state.commit;
  const timeline = applier.state.revisions[0]?.timelines[0];
  if (commit === undefined || timeline === undefined) throw new Error('the store holds no timeline');
  const groupKey = compileKeyEncoder([{ name: 'user_id', type: { kind: 'string', optional: false } }], 'Order')([userId(0)]);
  const random = lcg(3);
  const [latencies, cpuUs] = [new Latencies(), cpuClock()];
  for (let i = 0; i < LATE_INSERTS; i++) {
    const eventTimeUs = Math.floor(options.endUs - random() * SPAN_US);
    const row = {
      eventTimeUs,
      orderSource: 0,
      orderOffset: options.events + i,
      knownUs: eventTimeUs,
      values: timeline.measures.map(() => 12.5),
    };
    const startUs = nowUs();
    applier.fold({ kind: 'rows', timelineId: timeline.id, groupKey, rows: [row] });
    await applier.commit({ ...commit, seq: applier.seq + 1, prevSeq: applier.seq });
    latencies.add(nowUs() - startUs);
  }
  const usedUs = cpuUs();
  await applier.store.close();
  return { latencies, cpuUs: usedUs / LATE_INSERTS };
}
