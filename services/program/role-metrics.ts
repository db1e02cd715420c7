// What the roles count, as metrics: read when they are asked for, so that the hot paths know nothing of them.
import type { MetricsRegistry, Labels } from '../../libs/telemetry/metrics.js';
import type { ReaderCounters } from '../../libs/change/change.js';
import type { Aggregator } from '../aggregator/aggregator.js';
import { describeExpectation } from '../ingest/expectation-counts.js';
import type { Ingest } from '../ingest/ingest.js';
import type { Sources } from '../ingest/sources/sources.js';
import type { SourceStatus } from '../ingest/sources/source-state.js';
import type { QueryRuns } from '../query/query-runs.js';
import type { StoreReplica } from '../store-replica/store-replica.js';

/** What may become of a record that a pipeline reads; the books close over these (A4). */
const BOOKS = [
  'read',
  'received',
  'applied',
  'filtered',
  'late',
  'outdated',
  'duplicate',
  'dead',
  'sent',
  'erased',
  'failed',
] as const satisfies readonly (keyof ReaderCounters)[];

export function ingestMetrics(metrics: MetricsRegistry, ingest: Ingest): void {
  metrics.seriesOf(
    'counter',
    { name: 'thyme_ingest_records_total', help: 'Records pushed, by what became of them.', labels: ['dataset', 'outcome'] },
    function* () {
      for (const { dataset, accepted, refused } of ingest.counts()) {
        yield [{ dataset, outcome: 'accepted' }, accepted];
        yield [{ dataset, outcome: 'refused' }, refused];
      }
    },
  );
  const labels = ['dataset', 'expectation', 'outcome'];
  metrics.seriesOf('counter', { name: 'thyme_expectations_total', help: 'Accepted records put to an expectation.', labels }, function* () {
    for (const { dataset, expectation, checked, failed } of ingest.expectations()) {
      yield [{ dataset, expectation: describeExpectation(expectation), outcome: 'held' }, checked - failed];
      yield [{ dataset, expectation: describeExpectation(expectation), outcome: 'failed' }, failed];
    }
  });
}

export function sourceMetrics(metrics: MetricsRegistry, sources: Pick<Sources, 'list'>): void {
  const labels = ['dataset', 'connector'];
  const each = function* (valueOf: (status: SourceStatus) => number | undefined): Generator<readonly [Labels, number]> {
    for (const status of sources.list()) {
      const value = valueOf(status);
      if (status.phase.kind !== 'elsewhere' && value !== undefined) yield [{ dataset: status.dataset, connector: status.connector }, value];
    }
  };
  const series = (kind: 'counter' | 'gauge', name: string, help: string, valueOf: (status: SourceStatus) => number | undefined): void =>
    metrics.seriesOf(kind, { name, help, labels }, () => each(valueOf));
  series('counter', 'thyme_source_rows_total', "Rows that a source has published into its dataset's version.", ({ rows }) => rows);
  series('counter', 'thyme_source_refused_total', 'Rows of a source that went to the dead letters.', ({ refused }) => refused);
  series('gauge', 'thyme_source_failing', '1 while a source is tried again or stands still.', ({ phase }) =>
    phase.kind === 'retrying' || phase.kind === 'stopped' ? 1 : 0,
  );
  series('gauge', 'thyme_source_paused', '1 while a source is paused.', ({ phase }) => (phase.kind === 'paused' ? 1 : 0));
  series('gauge', 'thyme_source_lag_seconds', 'How far behind a source is, where its system tells.', ({ lag }) => lag.seconds);
  series('gauge', 'thyme_source_lag_rows', 'Rows that a source has not read yet, where its system tells.', ({ lag }) => lag.rows);
  series('gauge', 'thyme_source_lag_bytes', 'Bytes that a source has not read yet, where its system tells.', ({ lag }) => lag.bytes);
}

export function aggregatorMetrics(metrics: MetricsRegistry, aggregator: Aggregator): void {
  metrics.seriesOf(
    'counter',
    {
      name: 'thyme_pipeline_records_total',
      help: 'Records of a pipeline, by what became of them.',
      labels: ['pipeline', 'partition', 'outcome'],
    },
    function* () {
      for (const { task, view } of aggregator.owners) {
        const counters = new Map((view.applied()?.counters ?? []).map((of) => [of.readerId, of]));
        for (const { plan } of task?.readers ?? []) {
          const books = counters.get(plan.id);
          const labels: Labels = { pipeline: `${plan.name} v${plan.version}`, partition: String(view.partition) };
          for (const outcome of BOOKS) yield [{ ...labels, outcome }, books?.[outcome] ?? 0];
        }
      }
    },
  );
  metrics.seriesOf(
    'counter',
    {
      name: 'thyme_pipeline_late_right_total',
      help: 'Right rows that came too late for left records that a pipeline had joined.',
      labels: ['pipeline', 'partition'],
    },
    function* () {
      for (const { task, view } of aggregator.owners) {
        const counters = view.applied()?.counters ?? [];
        for (const { plan } of task?.readers ?? []) {
          if (plan.joins.length === 0) continue;
          yield [
            { pipeline: `${plan.name} v${plan.version}`, partition: String(view.partition) },
            counters.find(({ readerId }) => readerId === plan.id)?.lateRight ?? 0,
          ];
        }
      }
    },
  );
  metrics.seriesOf(
    'counter',
    {
      name: 'thyme_pipeline_ended_rows_total',
      help: 'Rows that updates and deletes took back: from the timelines of a pipeline, or where it had published them, from nowhere (unpublished).',
      labels: ['pipeline', 'partition', 'outcome'],
    },
    function* () {
      for (const { task, view } of aggregator.owners) {
        const counters = view.applied()?.counters ?? [];
        for (const { plan } of task?.readers ?? []) {
          if (plan.dataset.cdc === undefined) continue;
          const books = counters.find(({ readerId }) => readerId === plan.id);
          const labels: Labels = { pipeline: `${plan.name} v${plan.version}`, partition: String(view.partition) };
          for (const outcome of ['ended', 'unpublished'] as const) yield [{ ...labels, outcome }, books?.[outcome] ?? 0];
        }
      }
    },
  );
  metrics.seriesOf(
    'gauge',
    { name: 'thyme_partition_seq', help: 'The last committed tick of a partition.', labels: ['partition'] },
    function* () {
      for (const { view } of aggregator.owners) yield [{ partition: String(view.partition) }, view.applied()?.seq ?? 0];
    },
  );
}

export function replicaMetrics(metrics: MetricsRegistry, { replicas }: StoreReplica): void {
  metrics.seriesOf(
    'gauge',
    { name: 'thyme_replica_seq', help: 'The last tick that the replica applied.', labels: ['partition'] },
    function* () {
      for (const { view } of replicas) yield [{ partition: String(view.partition) }, view.applied()?.seq ?? 0];
    },
  );
  metrics.seriesOf(
    'gauge',
    {
      name: 'thyme_replica_lag_seconds',
      help: 'How far the replica may lie behind its owner; absent while it is cut off.',
      labels: ['partition'],
    },
    function* () {
      for (const { view } of replicas) {
        const lagUs = view.lagUs();
        if (lagUs !== undefined) yield [{ partition: String(view.partition) }, lagUs / 1e6];
      }
    },
  );
}

export function queryRunMetrics(metrics: MetricsRegistry, runs: QueryRuns): void {
  metrics.seriesOf(
    'counter',
    { name: 'thyme_query_runs_total', help: 'Query runs, by whether the audit took them.', labels: ['outcome'] },
    function* () {
      for (const [outcome, count] of Object.entries(runs.counters)) yield [{ outcome }, count];
    },
  );
}
