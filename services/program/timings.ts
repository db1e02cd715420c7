// What a process measures of its own work: how long queries and ticks take, and how fresh the state is that queries read.
// It is shown by ListPartitions and ListJobs, and so by /api/v1/status, and by /metrics.
import { create } from '@bufbuild/protobuf';
import { type AggregatorService, ListJobsResponseSchema } from '../../gen/thyme/v1/jobs_pb.js';
import { type Freshness, ListPartitionsResponseSchema, type QueryService } from '../../gen/thyme/v1/query_pb.js';
import { type Timing, TimingSchema } from '../../gen/thyme/v1/timing_pb.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { RecentPercentiles } from '../../libs/telemetry/recent-percentiles.js';
import type { Clock } from '../../libs/time/clock.js';

type Queries = ServiceHandlers<typeof QueryService>;
type Jobs = ServiceHandlers<typeof AggregatorService>;

/** By the name under which they are shown; the values are microseconds. */
type Timings = ReadonlyMap<string, RecentPercentiles>;

const QUANTILES = ['p50', 'p95', 'p99', 'max'] as const;

/** The same handlers, whose queries and lookups are measured. Those that fail are not: they answer nothing. */
export function timedQueries(queries: Queries, clock: Clock, metrics: MetricsRegistry): Queries {
  const query = new RecentPercentiles(clock);
  const freshness = new RecentPercentiles(clock);
  const timings: Timings = new Map([
    ['query', query],
    ['freshness', freshness],
  ]);
  timingMetrics(metrics, timings, 'query');
  const measured = async <Answer extends { readonly freshness?: Freshness | undefined }>(
    work: () => Answer | Promise<Answer>,
  ): Promise<Answer> => {
    const startUs = clock.nowUs();
    const answer = await work();
    const nowUs = clock.nowUs();
    query.record(nowUs - startUs, nowUs);
    const lagUs = answer.freshness?.lagUs;
    if (lagUs !== undefined) freshness.record(Number(lagUs), nowUs);
    return answer;
  };
  return {
    ...queries,
    query: (request, context) => measured(() => queries.query(request, context)),
    lookup: (request, context) => measured(() => queries.lookup(request, context)),
    async listPartitions(request, context) {
      const answer = await queries.listPartitions(request, context);
      return create(ListPartitionsResponseSchema, { ...answer, timings: timingsOf(timings) });
    },
  };
}

/** How long ticks take, which the aggregator tells; the handlers show it. */
export class TickTimes {
  readonly #tick: RecentPercentiles;
  readonly #timings: Timings;

  constructor(clock: Clock, metrics: MetricsRegistry) {
    this.#tick = new RecentPercentiles(clock);
    this.#timings = new Map([['tick', this.#tick]]);
    timingMetrics(metrics, this.#timings, 'tick');
  }

  record(spentUs: number): void {
    this.#tick.record(spentUs);
  }

  shownBy(jobs: Jobs): Jobs {
    return {
      ...jobs,
      listJobs: async (request, context) =>
        create(ListJobsResponseSchema, { ...(await jobs.listJobs(request, context)), timings: timingsOf(this.#timings) }),
    };
  }
}

function timingsOf(timings: Timings): Timing[] {
  return [...timings].map(([name, percentiles]) => {
    const { count, ...quantiles } = percentiles.read();
    const measured = QUANTILES.flatMap((quantile) => {
      const value = quantiles[quantile];
      return value === undefined ? [] : [[`${quantile}Us`, value] as const];
    });
    return create(TimingSchema, { name, count: BigInt(count), ...Object.fromEntries(measured) });
  });
}

function timingMetrics(metrics: MetricsRegistry, timings: Timings, role: string): void {
  const help = 'Percentiles of the last minute.';
  metrics.seriesOf('gauge', { name: `thyme_recent_${role}_seconds`, help, labels: ['of', 'quantile'] }, function* () {
    for (const [of, percentiles] of timings) {
      const recent = percentiles.read();
      for (const quantile of QUANTILES) {
        const valueUs = recent[quantile];
        if (valueUs !== undefined) yield [{ of, quantile }, valueUs / 1e6];
      }
    }
  });
}
