import type { ValueType } from '../../schema/value-type.js';
import { CommandError } from '../command.js';

/** What is committed, as far as those who ask and push must know it. In order of names, so that a move in the module changes nothing. */
export interface Committed {
  /** `latest_commit` of the deployment. */
  readonly revision: { readonly id: string; readonly createdAt: string };
  readonly featuresets: readonly CommittedFeatureset[];
  readonly datasets: readonly CommittedDataset[];
}

export interface CommittedField {
  readonly name: string;
  readonly type: ValueType;
  readonly description: string;
}

export interface CommittedFeatureset {
  readonly name: string;
  readonly description: string;
  readonly entity: readonly string[];
  readonly features: readonly (CommittedField & { readonly id: number; readonly input: boolean })[];
}

export interface CommittedDataset {
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly keys: readonly string[];
  readonly timestamp: string;
  readonly fields: readonly CommittedField[];
  /** A pipeline aggregates into it: such a dataset has a row for every entity (S5). */
  readonly isAggregated: boolean;
}

interface StatusField {
  readonly name: string;
  readonly type?: ValueType;
  readonly description?: string;
}

/** The members of `GET /api/v1/status` that are read here. */
interface Status {
  readonly latest_commit: { readonly id: string; readonly created_at: string } | null;
  readonly datasets: readonly {
    readonly name: string;
    readonly version: string;
    readonly description: string;
    readonly keys: readonly string[];
    readonly timestamp: string;
    readonly fields: readonly StatusField[];
  }[];
  readonly pipelines: readonly { readonly name: string; readonly output_dataset: string }[];
  readonly jobs: readonly { readonly name: string; readonly job_type: string }[];
  readonly featuresets: readonly {
    readonly name: string;
    readonly description: string;
    readonly entity: readonly string[];
    readonly features: readonly (StatusField & { readonly id: number; readonly input: boolean })[];
  }[];
}

/** Of the deployment's own status. Throws CommandError where nothing is committed, and where the deployment is too old to say types. */
export function committedOf(body: unknown): Committed {
  const { latest_commit: latest, datasets, pipelines, jobs, featuresets } = body as Status; // of the deployment's own schema
  if (latest === null) throw new CommandError('nothing is committed yet: commit a module of definitions first');
  const aggregating = new Set(jobs.filter(({ job_type: type }) => type === 'aggregation').map(({ name }) => name));
  const aggregated = new Set(pipelines.filter(({ name }) => aggregating.has(name)).map(({ output_dataset: output }) => output));
  return {
    revision: { id: latest.id, createdAt: latest.created_at },
    featuresets: byName(featuresets).map((featureset) => ({
      ...featureset,
      features: featureset.features.map((feature) => ({ ...feature, ...typed(featureset.name, feature) })),
    })),
    datasets: byName(datasets).map((dataset) => ({
      ...dataset,
      version: Number(dataset.version),
      fields: dataset.fields.map((field) => typed(dataset.name, field)),
      isAggregated: aggregated.has(dataset.name),
    })),
  };
}

function typed(owner: string, { name, type, description = '' }: StatusField): CommittedField {
  if (type === undefined)
    throw new CommandError(`the deployment does not say what ${owner}.${name} holds: it is older than this command, upgrade it first`);
  return { name, type, description };
}

function byName<T extends { readonly name: string }>(named: readonly T[]): readonly T[] {
  return [...named].sort((a, b) => (a.name < b.name ? -1 : 1));
}
