// A training set is asked in several requests, and is one query run: those after the first name it.
import { invalidArgument } from '../../libs/errors/errors.js';
import type { Store } from '../../libs/store/store.js';
import type { OfflineInput, QueryCaller } from './answers.js';
import { entityCountOf, type EndedQuery, type QueryRun } from './query-run.js';
import { isRunId, runsAround } from './query-run-keys.js';
import { readRuns } from './run-chunks.js';
import { ENTITIES_KEPT_MAX, withinText } from './run-draft.js';

/**
 * The run that a request may go on with; undefined where none is named, or where there is none of the caller's any more: a query
 * does not fail for its audit (Q3). INVALID_ARGUMENT for one of something else.
 */
export async function continuedRun(
  runs: { find(id: string): Promise<QueryRun | undefined> },
  id: string,
  { featureset, knownAt }: OfflineInput,
  { apiKeyFingerprint }: QueryCaller,
): Promise<string | undefined> {
  if (id === '') return undefined;
  if (!isRunId(id)) throw invalidArgument('query_run_id', 'this is no query run: pass X-Query-Run-Id of the request before, unchanged');
  const run = await runs.find(id).catch(() => undefined);
  if (run === undefined || run.apiKeyFingerprint !== apiKeyFingerprint) return undefined;
  if (run.kind !== 'offline' || run.featureset !== featureset || run.knownAtUs !== knownAt)
    throw invalidArgument(
      'query_run_id',
      `is a run of another question (${run.kind}, ${run.featureset}): leave it out, or ask the same featureset with the same known_at`,
    );
  return id;
}

/**
 * The runs of ended queries that are to be written. What goes on with a run that is on record is put there, and is none of them;
 * where that was forgotten meanwhile it is one.
 */
export async function withContinued(store: Store, ended: readonly EndedQuery[]): Promise<QueryRun[]> {
  const runs: QueryRun[] = [];
  for (const query of ended) {
    const run = query.toRun();
    if (query.isContinued !== true) {
      runs.push(run);
      continue;
    }
    const here = runs.findIndex(({ id }) => id === run.id);
    const before = runs[here];
    if (before !== undefined) runs[here] = joined(before, run);
    else if (!(await joinStored(store, run))) runs.push(run);
  }
  return runs;
}

async function joinStored(store: Store, part: QueryRun): Promise<boolean> {
  for await (const [key, value] of store.entries(runsAround(part.id))) {
    const runs = readRuns(value);
    if (!runs.some(({ id }) => id === part.id)) continue;
    const batch = store.batch();
    batch.put(Uint8Array.from(key), Buffer.from(JSON.stringify(runs.map((run) => (run.id === part.id ? joined(run, part) : run))), 'utf8'));
    await batch.write({ sync: false });
    return true;
  }
  return false;
}

/** Both requests as one run. Whether it failed, the last one says. */
function joined(run: QueryRun, part: QueryRun): QueryRun {
  const isWhole = run.entities.length === entityCountOf(run);
  const room = isWhole ? ENTITIES_KEPT_MAX - run.entities.length : 0;
  const entities = withinText([...run.entities, ...part.entities.slice(0, room)]);
  const timestampsUs = [...(run.timestampsUs ?? []), ...(part.timestampsUs ?? []).slice(0, room)].slice(0, entities.length);
  return {
    ...run,
    entities,
    timestampsUs,
    entityCount: entityCountOf(run) + entityCountOf(part),
    rowCount: run.rowCount + part.rowCount,
    hitCount: run.hitCount + part.hitCount,
    latencyMs: run.latencyMs + part.latencyMs,
    hadInputs: run.hadInputs || part.hadInputs,
    error: part.error,
  };
}
