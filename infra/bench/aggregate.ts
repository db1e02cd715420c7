// aggregate: the aggregator alone, fraud pipeline, from log to committed.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openLevelStore } from '../../libs/store/level-store.js';
import { systemClock } from '../../libs/time/clock.js';
import { Aggregator } from '../../services/aggregator/aggregator.js';
import { cachedAuthorFunctions } from '../../services/aggregator/author-functions.js';
import { openBenchKafkaLog, readLogKind, startBenchKafka, type BenchKafka } from './bench-kafka.js';
import { cpuClock, report, say, type Figure } from './bench-report.js';
import { fillLog, openFolderLog, openFraudLog, withFolder, type FraudLog } from './fraud-owner.js';
import { Latencies, nowUs } from './latencies.js';
import type { OrdersOptions } from './orders.js';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    entities: { type: 'string', default: '100000' },
    log: { type: 'string', default: 'level' },
    brokers: { type: 'string' },
  },
});
const options: OrdersOptions = {
  events: Number(values.events),
  entities: Number(values.entities),
  endUs: Math.floor(systemClock.nowUs()),
  spanUs: 30 * 86_400e6,
  skew: 'zipf',
  lateShare: 0.05,
};
const logKind = readLogKind(values.log);
const GOAL_PER_S = { level: 100_000, kafka: 60_000 };

await withFolder(async (dataDir) => {
  const kafka = logKind === 'kafka' ? await startBenchKafka(dataDir, values.brokers) : undefined;
  try {
    const opened =
      kafka === undefined ? await openFraudLog(await openFolderLog(dataDir)) : await openFraudLog(await openKafka(kafka), kafka.deployment);
    const fillRate = await fillLog(opened, options);
    say(`${options.events} orders are in the log, ${Math.round(fillRate)}/s through ingest`);
    const brokerUs = kafka?.cpuUs() ?? 0;
    const { eventsPerS, ticks, cpuUs } = await aggregate(opened, dataDir);
    const brokerCpuUs = (kafka?.cpuUs() ?? 0) - brokerUs;
    await opened.close();
    report('aggregate', [
      {
        name: 'events_per_s',
        value: eventsPerS,
        goal: { atLeast: GOAL_PER_S[logKind] },
        note: `${options.events} orders of ${options.entities} users, zipf, 5 % late, on ${logKind}`,
      },
      {
        name: 'cpu_us_per_event',
        value: cpuUs / options.events,
        note: 'of the whole process, LevelDB and garbage collection included: what a busy machine changes least',
      },
      ...brokerFigures(brokerCpuUs),
      { name: 'tick_p50_ms', value: ticks.quantile(0.5) / 1_000, note: `between commits; ${ticks.count} ticks` },
      { name: 'tick_p99_ms', value: ticks.quantile(0.99) / 1_000 },
      { name: 'ingest_per_s', value: fillRate, note: 'parsed records through ingest into the log, durable' },
    ]);
  } finally {
    await kafka?.stop();
  }
});

async function openKafka(kafka: BenchKafka) {
  const log = await openBenchKafkaLog(kafka);
  return { log, close: () => log.close() };
}

/** None on the embedded log, and none of a broker that the bench has not started. */
function brokerFigures(cpuUs: number): readonly Figure[] {
  if (logKind === 'level' || Number.isNaN(cpuUs)) return [];
  return [{ name: 'broker_cpu_us_per_event', value: cpuUs / options.events, note: 'of the broker meanwhile' }];
}

/** From the aggregator's start until its commit records say that every order is applied. */
async function aggregate(
  { log, registry, deployment }: FraudLog,
  dataDir: string,
): Promise<{ readonly eventsPerS: number; readonly ticks: Latencies; readonly cpuUs: number }> {
  const aggregator = new Aggregator({
    deployment,
    log,
    clock: systemClock,
    partitionCount: 1,
    feed: registry.history,
    functionsOf: cachedAuthorFunctions(),
    openStore: (partition) => openLevelStore(join(dataDir, 'store', `p${partition}`)),
    onFailure: (_, error) => {
      throw error;
    },
  });
  const ticks = new Latencies();
  const startUs = nowUs();
  const cpuUs = cpuClock();
  await aggregator.start();
  let lastUs = startUs;
  await aggregator.views.view(0).waitFor(({ counters }) => {
    const atUs = nowUs();
    ticks.add(atUs - lastUs);
    lastUs = atUs;
    return counters.reduce((sum, { applied, late }) => sum + applied + late, 0) >= options.events;
  }, new AbortController().signal);
  const eventsPerS = (options.events * 1e6) / (nowUs() - startUs);
  const usedUs = cpuUs();
  const [counters] = aggregator.views.view(0).applied()?.counters ?? [];
  if (counters?.applied !== options.events) throw new Error(`applied ${counters?.applied ?? 0} of ${options.events} orders`);
  await aggregator.stop({ graceMs: 10_000 });
  return { eventsPerS, ticks, cpuUs: usedUs };
}
