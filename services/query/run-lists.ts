import type { Store } from '../../libs/store/store.js';
import type { QueryRun } from './query-run.js';
import { lastIdOf, ofBefore, runsAround, runsBefore, runsKey } from './query-run-keys.js';
import { readRuns } from './run-chunks.js';

/** What is to be true of a run: all that is given. */
export interface RunFilter {
  readonly featureset?: string;
  readonly kind?: QueryRun['kind'];
  readonly failed?: boolean;
  readonly latencyMsMin?: number;
  readonly apiKeyFingerprint?: string;
}

export interface RunRange {
  readonly featureset?: string;
  /** Only runs that are older than this one. */
  readonly before?: string;
}

/** But for the featureset, which has an index. */
export function isWanted(run: QueryRun, { kind, failed, latencyMsMin = 0, apiKeyFingerprint }: RunFilter): boolean {
  if (kind !== undefined && run.kind !== kind) return false;
  if (failed !== undefined && failed !== (run.error !== undefined)) return false;
  if (apiKeyFingerprint !== undefined && run.apiKeyFingerprint !== apiKeyFingerprint) return false;
  return run.latencyMs >= latencyMsMin;
}

export async function findRun(store: Store, id: string): Promise<QueryRun | undefined> {
  for await (const [, value] of store.entries(runsAround(id))) {
    const found = readRuns(value).find((run) => run.id === id);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Newest first. Chunks overlap: a run's turn has come once no chunk can follow that has a newer one. */
export async function* newestRuns(store: Store, filter: RunRange): AsyncGenerator<QueryRun> {
  const { featureset, before } = filter;
  let waiting: readonly QueryRun[] = [];
  for await (const { lastId, runs } of newestChunks(store, filter)) {
    yield* waiting.filter(({ id }) => id > lastId);
    const wanted = runs.filter(
      (run) => (before === undefined || run.id < before) && (featureset === undefined || run.featureset === featureset),
    );
    waiting = [...waiting.filter(({ id }) => id <= lastId), ...wanted].sort((a, b) => (a.id < b.id ? 1 : -1));
  }
  yield* waiting;
}

/** In the order of their last runs, the newest first. */
async function* newestChunks(
  store: Store,
  { featureset, before }: RunRange,
): AsyncGenerator<{ readonly lastId: string; readonly runs: readonly QueryRun[] }> {
  const range = featureset === undefined ? runsBefore(before) : ofBefore(featureset, before);
  for await (const [key, value] of store.entries({ ...range, reverse: true })) {
    const lastId = lastIdOf(key);
    const runs = featureset === undefined ? value : store.get(runsKey(lastId));
    if (runs !== undefined) yield { lastId, runs: readRuns(runs) }; // it may have been forgotten meanwhile
  }
}
