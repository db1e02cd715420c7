// takeover: from `kill -9` of an aggregator to the first answers that count what was pushed after it, on Kafka.
import { parseArgs } from 'node:util';
import type { Log } from '../../libs/log/log.js';
import { changesTopic } from '../../libs/pipeline/topics.js';
import { openBenchKafkaLog, startBenchKafka } from './bench-kafka.js';
import { BenchFleet } from './bench-fleet.js';
import { report, say, type Figure } from './bench-report.js';
import { withFolder } from './fraud-owner.js';
import { FreshProbe } from './fresh-probe.js';
import { Latencies, nowUs } from './latencies.js';
import { Pushing } from './load-pushes.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    partitions: { type: 'string', default: '8' },
    'session-ms': { type: 'string' },
    brokers: { type: 'string' },
  },
});
const kills = Number(values.kills);
const partitions = Number(values.partitions);
const LOAD = { eventsPerS: 500, batchEvents: 50, entities: 1_000, connections: 2 };
const PART_MS_MAX = 120_000;

/** Durations of each partition of each kill, one after the other. */
const parts = { noticed: new Latencies(), assigned: new Latencies(), acquired: new Latencies(), readable: new Latencies() };
const whole = new Latencies();

await withFolder(async (folder) => {
  const kafka = await startBenchKafka(folder, values.brokers);
  try {
    const log = await openBenchKafkaLog(kafka);
    const fleet = await BenchFleet.start({
      kafka,
      folder,
      partitions,
      sessionMs: values['session-ms'] === undefined ? undefined : Number(values['session-ms']),
    });
    await measure({ fleet, log, deployment: kafka.deployment, probe: new FreshProbe(fleet.restUrl, partitions) });
    await log.close();
  } finally {
    await kafka.stop();
  }
  report('takeover', [
    {
      name: 'p50_ms',
      value: whole.quantile(0.5) / 1_000,
      note: `from kill -9 to the first fresh answer; ${whole.count} partitions in ${kills} kills`,
    },
    { name: 'p99_ms', value: whole.quantile(0.99) / 1_000 },
    ...partFigures('noticed', 'until the group knew that a member is gone'),
    ...partFigures('assigned', 'until it had given the partition to the other one'),
    ...partFigures('acquired', 'until that one had fenced, replayed and committed'),
    ...partFigures('readable', 'until the query service had followed it to the push'),
  ]);
});

function partFigures(part: keyof typeof parts, note: string): readonly Figure[] {
  return [
    { name: `${part}_p50_ms`, value: parts[part].quantile(0.5) / 1_000, note },
    { name: `${part}_p99_ms`, value: parts[part].quantile(0.99) / 1_000 },
  ];
}

/** All kills, beside steady pushes that must not fail: ingest runs where nothing is killed. */
async function measure(running: Parts): Promise<void> {
  const pushing = new Pushing(running.fleet.restUrl, LOAD);
  try {
    for (let n = 0; n < kills; n++) await takeover(n, running);
  } finally {
    const { faults } = await pushing.stop();
    running.probe.close();
    await running.fleet.stop();
    if (faults.length > 0) throw new Error(`pushes failed: ${faults.join('; ')}`);
  }
}

interface Parts {
  readonly fleet: BenchFleet;
  readonly log: Log;
  readonly probe: FreshProbe;
  readonly deployment: string;
}

async function takeover(n: number, { fleet, log, probe, deployment }: Parts): Promise<void> {
  await Promise.all(Array.from({ length: partitions }, (_, partition) => probe.fresh(partition))); // all are worked before the kill
  const killed = await fleet.kill(n % 2);
  const handedOver = fleet.handedOver(killed);
  const times = await Promise.all(
    killed.owned.map(async (partition) => {
      const readable = probe.fresh(partition).then(nowUs);
      const changes = { topic: changesTopic(deployment), partition };
      const acquired = log
        .endOffset(changes)
        .then((end) => log.waitFor(changes, end, AbortSignal.timeout(PART_MS_MAX)))
        .then(nowUs);
      const { noticedUs, assignedUs } = await handedOver;
      return { noticedUs, assignedUs: assignedUs.get(partition) ?? Number.NaN, acquiredUs: await acquired, readableUs: await readable };
    }),
  );
  for (const { noticedUs, assignedUs, acquiredUs, readableUs } of times) {
    parts.noticed.add(noticedUs - killed.atUs);
    parts.assigned.add(assignedUs - noticedUs);
    parts.acquired.add(acquiredUs - assignedUs);
    parts.readable.add(readableUs - acquiredUs);
    whole.add(readableUs - killed.atUs);
  }
  say(`kill ${n + 1}: readable after ${times.map(({ readableUs }) => Math.round((readableUs - killed.atUs) / 1_000)).join(', ')} ms`);
  await fleet.restart(n % 2);
}
