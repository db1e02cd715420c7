import { type PipelineProgress, progressText } from './committed-status.js';
import { tableLines } from './table-lines.js';

// Answers of the deployment as a person reads them; programs get them as they came.

/** A value in a cell: text bare, what has members as JSON, nothing as a dash. */
export function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

interface OneAnswer {
  readonly features: Readonly<Record<string, unknown>> | null;
  readonly as_of?: string;
}

/** `POST /features`, or a lookup: a line for each feature or field. */
export function answerLines(body: unknown, heads: readonly [string, string]): readonly string[] {
  const { features, as_of: asOf } = body as OneAnswer; // OpenAPI says so
  const told = asOf === undefined ? [] : ['', `as of ${asOf}`];
  if (features === null) return ['no row', ...told];
  return [
    ...tableLines(
      heads,
      Object.entries(features).map(([name, value]) => [name, cellOf(value)]),
    ),
    ...told,
  ];
}

interface ManyAnswers {
  readonly features: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

/** `POST /features/batch`: a line for each entity. */
export function batchLines(body: unknown): readonly string[] {
  const { features, values } = body as ManyAnswers; // OpenAPI says so
  return tableLines(
    features,
    values.map((row) => row.map(cellOf)),
  );
}

interface Status {
  readonly latest_commit: { readonly id: string; readonly created_at: string } | null;
  readonly datasets: readonly { readonly name: string; readonly version: string; readonly keys: readonly string[] }[];
  readonly featuresets: readonly { readonly name: string; readonly entity: readonly string[]; readonly feature_count: number }[];
  readonly jobs: readonly { readonly name: string; readonly version: string; readonly progress: PipelineProgress }[];
  readonly unavailable: readonly string[];
}

/** `GET /api/v1/status`. */
export function statusLines(body: unknown): readonly string[] {
  const { latest_commit: commit, datasets, featuresets, jobs, unavailable } = body as Status; // OpenAPI says so
  if (commit === null)
    return ['Nothing is committed: `thyme commit features.ts` does', ...unavailable.map((name) => `${name} does not answer`)];
  const pipelines = jobs.map(({ name, version, progress: of }) => [
    name,
    version,
    progressText(of),
    ...[of.read, of.applied, of.late_dropped, of.failed].map(String),
  ]);
  return [
    `revision ${commit.id}, committed ${commit.created_at}`,
    ...unavailable.map((name) => `${name} does not answer`),
    ...section(
      ['DATASET', 'VERSION', 'KEY'],
      datasets.map(({ name, version, keys }) => [name, version, keys.join(', ')]),
    ),
    ...section(['PIPELINE', 'VERSION', 'STATE', 'READ', 'APPLIED', 'LATE', 'FAILED'], pipelines),
    ...section(
      ['FEATURESET', 'KEY', 'FEATURES'],
      featuresets.map(({ name, entity, feature_count: count }) => [name, entity.join(', '), String(count)]),
    ),
  ];
}

function section(header: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  return rows.length === 0 ? [] : ['', ...tableLines(header, rows)];
}
