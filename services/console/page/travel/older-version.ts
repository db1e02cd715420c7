// An older version of a dataset, while it can be asked beside the newer one (S19a): what it says for the features that read that dataset.
import { formatTimestamp } from '../../../../libs/time/timestamp.js';
import { ask, ApiProblem } from '../api.js';
import type { Dataset, Featureset, Status } from '../status.js';
import type { Features, Subject } from './subject.js';

/** Versions before the newest that are asked whether they still answer. */
const VERSIONS_TRIED = 3;

export interface OlderVersion {
  /** `OriginStats@1`. */
  readonly name: string;
  /** Its key, by the names of the dataset's fields. */
  readonly entity: Subject['entity'];
  /** The features that read the dataset: which field each, and what stands for its null. */
  readonly reads: readonly { readonly feature: string; readonly field: string; readonly instead: unknown }[];
}

interface OverTimeAnswer {
  readonly results: readonly { readonly features: Features | null }[];
}

/** The features as the version says them, one for each instant. A feature whose field the version does not have is not among them. */
export async function askVersion(
  { name, entity, reads }: OlderVersion,
  instants: readonly number[],
  signal: AbortSignal,
): Promise<readonly Features[]> {
  const body = { entity_type: name, entity_id: entity, timestamps: instants.map(formatTimestamp) };
  const { results } = await ask<OverTimeAnswer>('/features/over-time', { body, signal });
  const known = new Set(results.flatMap(({ features }) => Object.keys(features ?? {})));
  return results.map(({ features }) =>
    Object.fromEntries(reads.flatMap(({ feature, field, instead }) => (known.has(field) ? [[feature, features?.[field] ?? instead]] : []))),
  );
}

/** Names such as `OriginStats@1` that may be compared with: of each dataset that the featureset reads, a few before the newest. */
export function versionsBefore(featureset: Featureset, status: Status): readonly string[] {
  const read = new Set(featureset.features.flatMap(({ reads }) => (reads?.kind === 'dataset' ? [reads.name] : [])));
  return status.datasets
    .filter(({ name }) => read.has(name))
    .flatMap(({ name, version }) =>
      Array.from({ length: Math.min(VERSIONS_TRIED, Number(version) - 1) }, (_, i) => `${name}@${Number(version) - 1 - i}`),
    );
}

/** Of those, the ones that the platform still answers for. */
export async function askedVersions(names: readonly string[], place: VersionPlace, signal: AbortSignal): Promise<readonly string[]> {
  const answers = await Promise.all(
    names.map(async (name) => {
      const version = olderVersion(name, place);
      if (version === undefined) return [];
      return askVersion(version, [], signal).then(
        () => [name],
        (error: unknown) => {
          if (error instanceof ApiProblem && (error.status === 404 || error.status === 409)) return []; // retired, or never served
          throw error;
        },
      );
    }),
  );
  return answers.flat();
}

export interface VersionPlace {
  readonly featureset: Featureset;
  readonly status: Status;
  readonly subject: Subject;
}

/** Undefined where the featureset reads no such dataset. */
export function olderVersion(name: string, { featureset, status, subject }: VersionPlace): OlderVersion | undefined {
  const [datasetName] = name.split('@');
  const dataset = status.datasets.find((one) => one.name === datasetName);
  const reads = featureset.features.flatMap(({ name: feature, reads: read, default: instead }) =>
    read?.kind === 'dataset' && read.name === datasetName ? [{ feature, field: read.field, instead }] : [],
  );
  if (dataset === undefined || reads.length === 0) return undefined;
  return { name, entity: keyOf(dataset, subject), reads };
}

/** The featureset's key in the words of the dataset: the fields have their own names in each, and the same order. */
export function keyOf({ keys }: Dataset, { entity }: Subject): Subject['entity'] {
  if (typeof entity === 'string') return entity;
  const values = Object.values(entity);
  return Object.fromEntries(keys.map((field, i) => [field, entity[field] ?? values[i] ?? '']));
}
