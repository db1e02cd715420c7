// read: the fraud featureset online: the handler alone, over REST, over gRPC, over REST while events arrive, and beside bare
// servers.
import { parseArgs } from 'node:util';
import { systemClock } from '../../libs/time/clock.js';
import { cpuClock, report, type Figure } from './bench-report.js';
import { fillFolder } from './filled-folder.js';
import { withFolder } from './fraud-owner.js';
import { startFraudPlatform } from './fraud-platform.js';
import { bareFigures } from './limits/bare-figures.js';
import type { OrdersOptions } from './orders.js';
import { measureHandler, openAsker } from './query-in-process.js';
import type { LoadJob, LoadResult } from './load-jobs.js';
import { runLoad } from './run-load.js';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    entities: { type: 'string', default: '100000' },
    queries: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '10' },
  },
});
const seconds = Number(values.seconds);
const options: OrdersOptions = {
  events: Number(values.events),
  entities: Number(values.entities),
  endUs: Math.floor(systemClock.nowUs()),
  spanUs: 30 * 86_400e6,
  skew: 'zipf',
  lateShare: 0.02,
};
/** Reads a second beside the pushes: what a scoring service of some size asks. */
const MIXED_READS_PER_S = 1_000;

await withFolder(async (dataDir) => {
  await fillFolder(dataDir, options);
  const figures = [...(await handlerFigures(dataDir)), ...(await serverFigures(dataDir))];
  report('read', figures);
});

async function handlerFigures(dataDir: string): Promise<Figure[]> {
  const asker = await openAsker(dataDir, options.events);
  const { latencies, cpuUs } = await measureHandler(asker, { entities: options.entities, queries: Number(values.queries) });
  await asker.close();
  return [
    {
      name: 'handler_p50_us',
      value: latencies.quantile(0.5),
      goal: { atMost: 40 },
      note: 'in process, users drawn as their orders are (zipf)',
    },
    { name: 'handler_p99_us', value: latencies.quantile(0.99), goal: { atMost: 200 } },
    { name: 'handler_cpu_us', value: cpuUs, note: 'CPU time of a query, garbage collection included: what a busy machine changes least' },
  ];
}

async function serverFigures(dataDir: string): Promise<Figure[]> {
  const { platform, restUrl } = await startFraudPlatform(dataDir);
  const rest = { kind: 'restReads', url: restUrl, orders: options, seconds } as const;
  const alone = await loaded({ ...rest, connections: 1 });
  const many = await loaded({ ...rest, connections: 16 });
  const grpc = await loaded({ kind: 'grpcReads', target: platform.grpcTarget, orders: options, inFlight: 16, seconds });
  const mixed = await loaded({
    ...rest,
    connections: 32,
    ratePerS: MIXED_READS_PER_S,
    pushes: { eventsPerS: 5_000, batchEvents: 50, entities: 10_000, connections: 8 },
  });
  const { grpcTarget } = platform;
  const besideBare = await withFolder((folder) => bareFigures({ folder, restUrl, grpcTarget, entities: options.entities, seconds }));
  await platform.stop({ graceMs: 10_000 });
  return [
    ...besideBare,
    { name: 'rest_p50_us', value: alone.p50Us, goal: { atMost: 250 }, note: 'one connection' },
    {
      name: 'rest_qps',
      value: many.achievedPerS,
      goal: { atLeast: 12_000 },
      note: `16 connections; p99 ${(many.p99Us / 1_000).toFixed(1)} ms`,
    },
    { name: 'rest_cpu_us', value: many.cpuUs / many.served, note: 'CPU time of the server process for a read, warm-up included' },
    {
      name: 'grpc_qps',
      value: grpc.achievedPerS,
      goal: { atLeast: 6_000 },
      note: `16 in flight; p99 ${(grpc.p99Us / 1_000).toFixed(1)} ms`,
    },
    { name: 'grpc_cpu_us', value: grpc.cpuUs / grpc.served },
    {
      name: 'mixed_p99_ms',
      value: mixed.p99Us / 1_000,
      goal: { atMost: 2 },
      note: `${Math.round(mixed.achievedPerS)} reads/s of ${MIXED_READS_PER_S}, ${Math.round(mixed.pushedPerS)} events/s of 5000 beside them`,
    },
    { name: 'mixed_p50_ms', value: mixed.p50Us / 1_000 },
  ];
}

/** The load's result, and the CPU time that this process, the server, spent meanwhile. */
async function loaded(job: LoadJob): Promise<LoadResult & { readonly cpuUs: number }> {
  const cpuUs = cpuClock();
  const result = await runLoad(job);
  return { ...result, cpuUs: cpuUs() };
}
