// path: accepted by ingest in one process, readable in a replica in another, sustained. The load generator is a third.
import { randomBytes } from 'node:crypto';
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ReplicationService } from '../../gen/thyme/v1/replication_pb.js';
import { remoteSource } from '../../libs/replica/remote-source.js';
import { createClient, openChannel } from '../../libs/rpc/client.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { EventRing } from '../../libs/telemetry/event-ring.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import { createStoreReplica } from '../../services/program/query-role.js';
import { forkBench } from './bench-child.js';
import { readLogKind, startBenchKafka, type BenchKafka } from './bench-kafka.js';
import { cpuClock, report, type Figure } from './bench-report.js';
import { withFolder } from './fraud-owner.js';
import { nowUs } from './latencies.js';
import { runLoad } from './run-load.js';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, log: { type: 'string', default: 'level' }, brokers: { type: 'string' } },
});
const seconds = Number(values.seconds);
const logKind = readLogKind(values.log);
const GOAL_PER_S = { level: 40_000, kafka: 20_000 };
const LOAD = { eventsPerS: Number.POSITIVE_INFINITY, batchEvents: 1_000, entities: 100_000, connections: 4 };

/** The replica is this process's, the owner another one's. */
const INTERNAL_KEY = randomBytes(32).toString('base64url');

await withFolder(async (dataDir) => {
  const kafka = logKind === 'kafka' ? await startBenchKafka(dataDir, values.brokers) : undefined;
  try {
    report('path', await path(dataDir, kafka));
  } finally {
    await kafka?.stop();
  }
});

async function path(dataDir: string, kafka: BenchKafka | undefined): Promise<readonly Figure[]> {
  const owner = await startOwner(`${dataDir}/owner`, kafka);
  const channel = openChannel({ target: owner.grpcTarget, apiKey: INTERNAL_KEY });
  const telemetry = {
    clock: systemClock,
    logger: createLogger({ level: 'warn', clock: systemClock }),
    metrics: new MetricsRegistry(),
    events: new EventRing(systemClock),
  };
  const replica = createStoreReplica({
    ...telemetry,
    dataDir,
    partitions: 1,
    source: remoteSource(createClient(ReplicationService, channel)),
  });
  await replica.start();
  const readable = (): number =>
    replica.views
      .view(0)
      .applied()
      ?.counters.reduce((sum, { applied }) => sum + applied, 0) ?? 0;
  const [startUs, cpuUs, brokerUs] = [nowUs(), cpuClock(), kafka?.cpuUs() ?? 0];
  const pushed = await runLoad({ kind: 'pushes', url: owner.restUrl, seconds, load: LOAD });
  const atEnd = readable();
  const perS = (atEnd * 1e6) / (nowUs() - startUs);
  await replica.views.view(0).waitFor(() => readable() >= pushed.count, AbortSignal.timeout(120_000));
  const drainedS = (nowUs() - startUs) / 1e6 - seconds;
  const [replicaCpuUs, brokerCpuUs] = [cpuUs(), (kafka?.cpuUs() ?? 0) - brokerUs];
  await replica.stop({ graceMs: 10_000 });
  channel.close();
  const ownerCpuUs = await stopOwner(owner);
  return [
    {
      name: 'events_per_s',
      value: perS,
      goal: { atLeast: GOAL_PER_S[logKind] },
      note: `readable in the replica when the load ended, over ${seconds} s, on ${logKind}`,
    },
    { name: 'accepted_per_s', value: pushed.pushedPerS, note: 'acknowledged by ingest, pushed over REST in batches of 1,000' },
    {
      name: 'owner_cpu_us',
      value: ownerCpuUs / pushed.count,
      note: 'CPU time of the owner for an event, its start included: ingest, log, aggregator, change stream',
    },
    { name: 'replica_cpu_us', value: replicaCpuUs / pushed.count },
    ...(kafka === undefined || Number.isNaN(brokerCpuUs) ? [] : [{ name: 'broker_cpu_us', value: brokerCpuUs / pushed.count }]),
    { name: 'behind_s', value: drainedS, note: 'until the replica had all of it, after the load' },
  ];
}

interface Owner {
  readonly child: ChildProcess;
  readonly restUrl: string;
  readonly grpcTarget: string;
}

async function startOwner(dataDir: string, kafka: BenchKafka | undefined): Promise<Owner> {
  const child = forkBench('owner-process', kafka === undefined ? [dataDir] : [dataDir, kafka.brokers.join(','), kafka.deployment], {
    env: { ...process.env, THYME_INTERNAL_KEY: INTERNAL_KEY },
  });
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve({ child, ...(message as Omit<Owner, 'child'>) })); // what owner-process.ts sends
    child.once('exit', (code) => reject(new Error(`the owner ended with ${String(code)}`)));
  });
}

/** Resolves once its files are closed, with the CPU time that it has used, µs. */
async function stopOwner({ child }: Owner): Promise<number> {
  child.removeAllListeners();
  const used = new Promise<number>((resolve) => child.once('message', (message) => resolve((message as { readonly cpuUs: number }).cpuUs)));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
  return Promise.race([used, Promise.resolve(Number.NaN)]);
}
