import type { RestClient } from '../client/rest-client.js';
import { RestError } from '../client/rest-error.js';
import type { PlannedChange } from './definition-plan.js';
import type { ExtractorLookup } from './extractor-rehearsal.js';

// Whom a change hits that breaks or removes something: the features that are fed by it, the extractors that take those or look it up,
// and who asked for them lately. What a committed extractor looks up is not in the definitions: it is taken from the module that is
// planned, where an extractor of the same name stands.

/** Query runs of a featureset that are looked at, newest first. */
const RUNS_MAX = 100;

export interface Reached {
  readonly featureset: string;
  readonly features: readonly string[];
  readonly extractors: readonly string[];
  /** Undefined where the deployment does not tell. */
  readonly callers: readonly Caller[] | undefined;
}

export interface Caller {
  /** Null: they needed no key. */
  readonly key_fingerprint: string | null;
  /** Null where it is not known: names of keys are for admins. */
  readonly key_name: string | null;
  readonly runs: number;
  readonly last_at: string;
}

interface Committed {
  readonly pipelines: readonly { readonly input_datasets: readonly string[]; readonly output_dataset: string }[];
  readonly featuresets: readonly Featureset[];
}

interface Featureset {
  readonly name: string;
  readonly features: readonly {
    readonly name: string;
    readonly reads: { readonly kind: 'dataset' | 'featureset'; readonly name: string; readonly field: string } | null;
  }[];
  readonly extractors: readonly { readonly name: string; readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
}

/** Of what is committed now; nothing where no change breaks or removes. */
export async function reachOf(
  changes: readonly PlannedChange[],
  { client, lookups }: { readonly client: RestClient; readonly lookups: readonly ExtractorLookup[] },
): Promise<readonly Reached[]> {
  const subjects = changes.filter(({ kind }) => kind === 'breaking' || kind === 'removed').map(({ subject }) => subject);
  if (subjects.length === 0) return [];
  const committed = (await client.get('/api/v1/status')).body as Committed; // OpenAPI says so
  const reached = reachedFeatures(subjects, committed, lookups);
  const names = reached.size === 0 ? new Map<string, string>() : await keyNames(client);
  return Promise.all(
    [...reached].map(async ([name, features]): Promise<Reached> => {
      const extractors = committed.featuresets.find((of) => of.name === name)?.extractors ?? [];
      const hit = extractors.filter(({ inputs, outputs }) => [...inputs, ...outputs].some((of) => features.has(of)));
      return {
        featureset: name,
        features: [...features],
        extractors: hit.map((of) => of.name),
        callers: await callersOf(name, client, names),
      };
    }),
  );
}

/** By featureset. */
function reachedFeatures(
  subjects: readonly string[],
  { pipelines, featuresets }: Committed,
  lookups: readonly ExtractorLookup[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const datasets = new Set(subjects.map((subject) => subject.split('.')[0]?.split('@')[0] ?? ''));
  // A field of a dataset that a featureset reads as it is hits the features of that field alone; a pipeline carries it on to anywhere.
  const own = new Set(subjects);
  untilStill(datasets, () =>
    pipelines.filter((of) => of.input_datasets.some((input) => datasets.has(input))).map((of) => of.output_dataset),
  );
  const looksUp = new Set(lookups.filter(({ dataset }) => datasets.has(dataset)).map(({ extractor }) => extractor));
  const reached = new Map<string, Set<string>>();
  const known = new Set<string>();
  const isHit = (of: Featureset, { name, reads }: Featureset['features'][number]): boolean => {
    if (own.has(of.name) || own.has(`${of.name}.${name}`)) return true;
    if (reads === null)
      return of.extractors.some(
        ({ name: extractor, inputs, outputs }) =>
          outputs.includes(name) && (inputs.some((input) => known.has(`${of.name}.${input}`)) || looksUp.has(`${of.name}.${extractor}`)),
      );
    return reads.kind === 'dataset' ? datasets.has(reads.name) : known.has(`${reads.name}.${reads.field}`);
  };
  untilStill(known, () =>
    featuresets.flatMap((of) => of.features.filter((feature) => isHit(of, feature)).map(({ name }) => `${of.name}.${name}`)),
  );
  for (const place of known) {
    const [featureset = '', feature = ''] = place.split('.');
    reached.set(featureset, (reached.get(featureset) ?? new Set()).add(feature));
  }
  return reached;
}

/** Adds what follows from what is there, as long as there is more. */
function untilStill(names: Set<string>, following: () => readonly string[]): void {
  for (let before = -1; before !== names.size;) {
    before = names.size;
    for (const name of following()) names.add(name);
  }
}

interface Runs {
  readonly runs: readonly { readonly api_key_fingerprint: string | null; readonly created_at: string }[];
}

async function callersOf(
  featureset: string,
  client: RestClient,
  names: ReadonlyMap<string, string>,
): Promise<readonly Caller[] | undefined> {
  try {
    const { runs } = (await client.get('/query-runs', { featureset, limit: String(RUNS_MAX) })).body as Runs; // OpenAPI says so
    const callers = new Map<string | null, Caller>();
    for (const { api_key_fingerprint: key, created_at: at } of runs) {
      const before = callers.get(key);
      const name = key === null ? null : (names.get(key) ?? null);
      callers.set(key, { key_fingerprint: key, key_name: name, runs: (before?.runs ?? 0) + 1, last_at: before?.last_at ?? at });
    }
    return [...callers.values()];
  } catch (error) {
    if (error instanceof RestError) return undefined;
    throw error;
  }
}

/** By fingerprint; empty where the caller may not list keys. */
async function keyNames(client: RestClient): Promise<ReadonlyMap<string, string>> {
  try {
    const { keys } = (await client.get('/api/v1/keys')).body as {
      readonly keys: readonly { readonly name: string; readonly fingerprint: string }[];
    }; // OpenAPI says so
    return new Map(keys.map(({ name, fingerprint }) => [fingerprint, name]));
  } catch (error) {
    if (error instanceof RestError) return new Map();
    throw error;
  }
}

export function reachLines(reached: readonly Reached[]): readonly string[] {
  if (reached.length === 0) return [];
  return [
    'What breaks or goes is used by:',
    ...reached.map(({ featureset, features, extractors, callers }) => {
      const parts = [`features ${features.join(', ')}`];
      if (extractors.length > 0) parts.push(`extractors ${extractors.join(', ')}`);
      return `  ${featureset}: ${parts.join('; ')}; ${callersText(callers)}`;
    }),
  ];
}

function callersText(callers: readonly Caller[] | undefined): string {
  if (callers === undefined) return 'who asks for it is not known';
  if (callers.length === 0) return 'no query run is on record';
  const one = ({ key_fingerprint: key, key_name: name, runs, last_at: last }: Caller): string =>
    `${runs} by ${key === null ? 'who needed no key' : name === null ? `key ${key}` : `${name} (key ${key})`}, last ${last}`;
  return `of its newest query runs ${callers.map(one).join('; ')}`;
}
