import type { Intake } from '../../gen/thyme/v1/ingest_pb.js';
import type { Job, Task } from '../../gen/thyme/v1/jobs_pb.js';
import type { Process, Timing } from '../../gen/thyme/v1/timing_pb.js';
import type { SourceStatus } from '../../gen/thyme/v1/sources_pb.js';
import type { Revision } from '../../libs/definition/revision.js';
import type { JsonTree } from '../../libs/rest/json-text.js';
import type { PlatformEvent } from '../../libs/telemetry/event-ring.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { sourcesJson } from './source-routes.js';
import { datasetJson, featuresetJson, jobJson, pipelineJson } from './definition-json.js';

export interface StatusParts {
  readonly revision: Revision | undefined;
  /** How the sources do, by dataset; undefined where ingest does not answer. */
  readonly sources: ReadonlyMap<string, SourceStatus> | undefined;
  readonly tasks: readonly Task[];
  /** What every process that was asked has said. */
  readonly timings: readonly Timing[];
  readonly processes: readonly Process[];
  readonly intakes: readonly Intake[];
  readonly recentEvents: readonly PlatformEvent[];
  /** Services that did not answer; their part is then missing. */
  readonly unavailable: readonly string[];
}

/** The whole platform on one page, as `thyme status` and the published client read it (REST 3). */
export function statusJson({ revision, sources, tasks, timings, processes, intakes, recentEvents, unavailable }: StatusParts): JsonTree {
  const definitions = revision?.definitions;
  const partitionCount = new Set(tasks.map(({ partition }) => partition)).size;
  return {
    latest_commit:
      revision === undefined ? null : { id: String(revision.number), status: 'committed', created_at: formatTimestamp(revision.createdUs) },
    datasets: definitions?.datasets.map(datasetJson) ?? [],
    pipelines: definitions?.pipelines.map(pipelineJson) ?? [],
    featuresets: revision === undefined ? [] : revision.definitions.featuresets.map((featureset) => featuresetJson(featureset, revision)),
    sources: sourcesJson(definitions?.sources ?? [], sources),
    jobs:
      revision === undefined
        ? []
        : revision.definitions.pipelines.map((pipeline) => ({
            ...jobJson(pipeline, revision, partitionCount),
            progress: progressJson(tasks, pipeline.name, pipeline.version),
          })),
    backfills: backfillsJson(tasks, revision),
    intakes: intakes.map(intakeJson),
    tasks: tasks.map(({ partition, epoch, seq, revision: adopted }) => ({ partition, epoch, seq, revision: adopted })),
    timings: timings.map(timingJson),
    processes: processes.map(processJson),
    recent_events: recentEvents.map(eventJson),
    physical_assets: [],
    unavailable,
  };
}

export function eventJson({ id, eventType, severity, source, subject, message, detail, createdUs }: PlatformEvent): JsonTree {
  return { id, event_type: eventType, severity, source, subject, message, detail, created_at: formatTimestamp(createdUs) };
}

/** Percentiles of the last minute, in milliseconds; null where nothing was measured. */
function timingJson({ name, count, p50Us, p95Us, p99Us, maxUs }: Timing): JsonTree {
  const ms = (us: number | undefined): number | null => (us === undefined ? null : us / 1_000);
  return { name, count, p50_ms: ms(p50Us), p95_ms: ms(p95Us), p99_ms: ms(p99Us), max_ms: ms(maxUs) };
}

function processJson({ role, version, host, recordsPerS }: Process): JsonTree {
  return { role, version, host, records_per_s: recordsPerS === undefined ? null : Math.round(recordsPerS) };
}

/** Since the ingest process started: what came in, and how it keeps the dataset's expectations. */
function intakeJson({ dataset, accepted, refused, ignoredFields, expectations }: Intake): JsonTree {
  const results = expectations.map(({ expectation, mostly, checked, failed }) => ({
    expectation,
    mostly,
    checked,
    failed,
    holds: checked === 0n || Number(checked - failed) / Number(checked) >= mostly,
  }));
  return { dataset, accepted, refused, ignored_fields: ignoredFields, expectations: results };
}

type BooksField =
  'lag' | 'read' | 'applied' | 'filtered' | 'lateDropped' | 'outdated' | 'duplicate' | 'dead' | 'erased' | 'failed' | 'lateRight';

/** The books of a pipeline over all its partitions: read = applied + filtered + late + outdated + duplicate + dead + erased. */
function progressJson(tasks: readonly Task[], name: string, version: number): JsonTree {
  const jobs = jobsOf(tasks, name, version);
  const sum = (field: BooksField): bigint => jobs.reduce((total, job) => total + job[field], 0n);
  return {
    caught_up: jobs.length > 0 && jobs.every(({ caughtUp }) => caughtUp),
    paused: jobs.some(({ paused }) => paused),
    lag: sum('lag'),
    read: sum('read'),
    applied: sum('applied'),
    filtered: sum('filtered'),
    late_dropped: sum('lateDropped'),
    outdated: sum('outdated'),
    duplicate: sum('duplicate'),
    dead: sum('dead'),
    erased: sum('erased'),
    failed: sum('failed'),
    late_right: sum('lateRight'),
  };
}

/** Pipelines that are still reading their history (S18). */
function backfillsJson(tasks: readonly Task[], revision: Revision | undefined): JsonTree[] {
  const inputsOf = new Map(revision?.definitions.pipelines.map(({ name, inputs }) => [name, inputs.join(', ')]));
  const readers = new Map(tasks.flatMap(({ jobs }) => jobs.map(({ name, version }) => [`${name} ${version}`, { name, version }])));
  return [...readers.values()].flatMap(({ name, version }) => {
    const jobs = jobsOf(tasks, name, version);
    if (jobs.every(({ caughtUp }) => caughtUp)) return [];
    return [
      {
        job_name: name,
        source_dataset: inputsOf.get(name) ?? '',
        status: jobs.some(({ paused }) => paused) ? 'paused' : 'running',
        records_ingested: jobs.reduce((total, { read }) => total + read, 0n),
        records_left: jobs.reduce((total, { lag }) => total + lag, 0n),
      },
    ];
  });
}

function jobsOf(tasks: readonly Task[], name: string, version: number): readonly Job[] {
  return tasks.flatMap(({ jobs }) => jobs.filter((job) => job.name === name && job.version === version));
}
