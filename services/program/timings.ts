// What a process measures of its own work: how long queries and ticks take, and how fresh the state is that queries read.
// It is shown by ListPartitions and ListJobs, and so by /api/v1/status, and by /metrics.
import { hostname } from 'node:os';
import { create } from '@bufbuild/protobuf';
import { type AggregatorService, ListJobsResponseSchema } from '../../gen/thyme/v1/jobs_pb.js';
import { ListPartitionsResponseSchema, type QueryService } from '../../gen/thyme/v1/query_pb.js';
import { type Process, ProcessSchema, type Timing, TimingSchema } from '../../gen/thyme/v1/timing_pb.js';
import type { ServiceHandlers } from '../../libs/rpc/handlers.js';
import type { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { RecentPercentiles } from '../../libs/telemetry/recent-percentiles.js';
import type { Clock } from '../../libs/time/clock.js';
import { VERSION } from './program-version.js';

type Queries = ServiceHandlers<typeof QueryService>;
type Jobs = ServiceHandlers<typeof AggregatorService>;

/** By the name under which they are shown; the values are microseconds. */
type Timings = ReadonlyMap<string, RecentPercentiles>;

const QUANTILES = ['p50', 'p95', 'p99', 'max'] as const;

interface Measured {
  readonly freshness?: { readonly lagUs?: number | bigint | undefined } | undefined;
}

/** How long queries and lookups take, and how fresh their state is. Those that fail are not counted: they answer nothing. */
export class QueryTimes {
  readonly #clock: Clock;
  readonly #query: RecentPercentiles;
  readonly #freshness: RecentPercentiles;
  readonly #timings: Timings;

  constructor(clock: Clock, metrics: MetricsRegistry) {
    this.#clock = clock;
    this.#query = new RecentPercentiles(clock);
    this.#freshness = new RecentPercentiles(clock);
    this.#timings = new Map([
      ['query', this.#query],
      ['freshness', this.#freshness],
    ]);
    timingMetrics(metrics, this.#timings, 'query');
  }

  /** The same, measured: the engine, or handlers over it. */
  of<A, B, Context, QueryAnswer extends Measured, LookupAnswer extends Measured>(asked: {
    query(question: A, context: Context): Promise<QueryAnswer> | QueryAnswer;
    lookup(question: B, context: Context): Promise<LookupAnswer> | LookupAnswer;
  }): { query(question: A, context: Context): Promise<QueryAnswer>; lookup(question: B, context: Context): Promise<LookupAnswer> } {
    return {
      query: async (question, context) => {
        const startUs = this.#clock.nowUs();
        return this.#record(startUs, await asked.query(question, context));
      },
      lookup: async (question, context) => {
        const startUs = this.#clock.nowUs();
        return this.#record(startUs, await asked.lookup(question, context));
      },
    };
  }

  shownBy(queries: Queries): Queries {
    return {
      ...queries,
      listPartitions: async (request, context) =>
        create(ListPartitionsResponseSchema, {
          ...(await queries.listPartitions(request, context)),
          timings: timingsOf(this.#timings),
          processes: [processOf('query')],
        }),
    };
  }

  #record<Answer extends Measured>(startUs: number, answer: Answer): Answer {
    const nowUs = this.#clock.nowUs();
    this.#query.record(nowUs - startUs, nowUs);
    const lagUs = answer.freshness?.lagUs;
    if (lagUs !== undefined) this.#freshness.record(Number(lagUs), nowUs);
    return answer;
  }
}

/** A tick of fewer records says more of what any tick costs than of how fast history is read. */
const RATED_RECORDS_MIN = 500;

/** How long ticks take, and how fast they read, which the aggregator tells; the handlers show it. */
export class TickTimes {
  readonly #tick: RecentPercentiles;
  /** Of the ticks that had much to read, since the start. */
  #rated = { records: 0, spentUs: 0 };
  readonly #timings: Timings;

  constructor(clock: Clock, metrics: MetricsRegistry) {
    this.#tick = new RecentPercentiles(clock);
    this.#timings = new Map([['tick', this.#tick]]);
    timingMetrics(metrics, this.#timings, 'tick');
  }

  record(spentUs: number, records: number): void {
    this.#tick.record(spentUs);
    if (records < RATED_RECORDS_MIN) return;
    this.#rated = { records: this.#rated.records + records, spentUs: this.#rated.spentUs + spentUs };
  }

  shownBy(jobs: Jobs): Jobs {
    return {
      ...jobs,
      listJobs: async (request, context) =>
        create(ListJobsResponseSchema, {
          ...(await jobs.listJobs(request, context)),
          timings: timingsOf(this.#timings),
          processes: [processOf('aggregator', this.#recordsPerS())],
        }),
    };
  }

  #recordsPerS(): number | undefined {
    const { records, spentUs } = this.#rated;
    return spentUs === 0 ? undefined : (records * 1e6) / spentUs;
  }
}

function processOf(role: string, recordsPerS?: number): Process {
  return create(ProcessSchema, { role, version: VERSION, host: hostname(), ...(recordsPerS === undefined ? {} : { recordsPerS }) });
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
