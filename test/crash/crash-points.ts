import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What must happen for a point to be passed at all. */
export type Need =
  /** Somebody commits another pipeline. */
  | 'commit'
  /** A replica that contradicts the stream, so that it is built anew from a snapshot (R3). */
  | 'divergence'
  /** A batch that is in the changelog and not in the store: a crash right behind the decision point. */
  | 'unapplied';

export interface CrashPoint {
  readonly name: string;
  /** Whose process is to die there; with all roles in one process, that one. */
  readonly role: 'owner' | 'reader';
  /** It strikes at one of the first so many passes. */
  readonly nthMax: number;
  readonly need?: Need;
  /** The only log on which it is passed; absent for any. */
  readonly log?: 'level' | 'kafka';
}

/** Every numbered step of DESIGN 4 and 5, before and after; the order is that of the steps. */
export const CRASH_POINTS: readonly CrashPoint[] = [
  // Ingest: durable, then answered (S13).
  { name: 'ingest.beforeAppend', role: 'owner', nthMax: 30 },
  { name: 'log.beforeWrite', role: 'owner', nthMax: 80, log: 'level' },
  { name: 'log.duringWrite', role: 'owner', nthMax: 80, log: 'level' },
  { name: 'log.afterWrite', role: 'owner', nthMax: 80, log: 'level' },
  { name: 'ingest.afterAppend', role: 'owner', nthMax: 30 },
  // The tick: 1 read and fold, 2–4 the transaction (whose inside are the log's points), 5 apply, 6 hand on.
  { name: 'aggregator.beforeRead', role: 'owner', nthMax: 40 },
  { name: 'aggregator.afterAdopt', role: 'owner', nthMax: 2, need: 'commit' },
  { name: 'aggregator.afterFold', role: 'owner', nthMax: 40 },
  { name: 'aggregator.beforeTransaction', role: 'owner', nthMax: 40 },
  { name: 'aggregator.afterCommit', role: 'owner', nthMax: 40 },
  { name: 'applier.duringWrite', role: 'owner', nthMax: 40 },
  { name: 'aggregator.afterApply', role: 'owner', nthMax: 40 },
  { name: 'aggregator.afterStream', role: 'owner', nthMax: 40 },
  // The transaction on Kafka: begun, its records sent, decided.
  { name: 'transaction.afterBegin', role: 'owner', nthMax: 40, log: 'kafka' },
  { name: 'transaction.afterSend', role: 'owner', nthMax: 40, log: 'kafka' },
  { name: 'transaction.afterCommit', role: 'owner', nthMax: 40, log: 'kafka' },
  // Acquire: fence, replay, own.
  { name: 'acquire.beforeFence', role: 'owner', nthMax: 2 },
  { name: 'acquire.afterFence', role: 'owner', nthMax: 2 },
  { name: 'acquire.duringReplay', role: 'owner', nthMax: 2, need: 'unapplied' },
  { name: 'acquire.afterReplay', role: 'owner', nthMax: 2, need: 'unapplied' },
  { name: 'acquire.afterOwnership', role: 'owner', nthMax: 2 },
  // The registry's commit (V2).
  { name: 'registry.afterFence', role: 'owner', nthMax: 1, need: 'commit' },
  { name: 'registry.afterRead', role: 'owner', nthMax: 1, need: 'commit' },
  { name: 'registry.beforeCommit', role: 'owner', nthMax: 1, need: 'commit' },
  { name: 'registry.afterCommit', role: 'owner', nthMax: 1, need: 'commit' },
  { name: 'registry.afterCatchUp', role: 'owner', nthMax: 1, need: 'commit' },
  // The replica: subscribe, apply; snapshot, swap, clean up.
  { name: 'replica.beforeSubscribe', role: 'reader', nthMax: 2 },
  { name: 'replica.beforeApply', role: 'reader', nthMax: 40 },
  { name: 'applier.duringWrite', role: 'reader', nthMax: 40 },
  { name: 'replica.afterApply', role: 'reader', nthMax: 40 },
  { name: 'replica.beforeSnapshot', role: 'reader', nthMax: 1, need: 'divergence' },
  { name: 'snapshot.duringServe', role: 'owner', nthMax: 60, need: 'divergence' },
  { name: 'snapshot.afterServe', role: 'owner', nthMax: 1, need: 'divergence' },
  { name: 'replica.duringSnapshot', role: 'reader', nthMax: 1, need: 'divergence' },
  { name: 'replica.beforeSwap', role: 'reader', nthMax: 1, need: 'divergence' },
  { name: 'replica.afterSwap', role: 'reader', nthMax: 1, need: 'divergence' },
  { name: 'replica.afterCleanup', role: 'reader', nthMax: 1, need: 'divergence' },
  // A source: fence, open, and then read and commit, batch after batch (N1). The log's own steps are among those above.
  { name: 'source.beforeFence', role: 'owner', nthMax: 2 },
  { name: 'source.afterFence', role: 'owner', nthMax: 2 },
  { name: 'source.afterOpen', role: 'owner', nthMax: 2 },
  { name: 'source.afterRead', role: 'owner', nthMax: 4 },
  { name: 'source.beforeCommit', role: 'owner', nthMax: 4 },
  { name: 'source.afterCommit', role: 'owner', nthMax: 4 },
];

/** Points that the product has and no table does: a new step is to be killed at as well. */
export async function unlistedPoints(): Promise<readonly string[]> {
  const listed = new Set(CRASH_POINTS.map(({ name }) => name));
  const found = new Set<string>();
  for (const folder of ['libs', 'services']) {
    const root = fileURLToPath(new URL(`../../${folder}`, import.meta.url));
    for (const path of await readdir(root, { recursive: true })) {
      if (!path.endsWith('.ts')) continue;
      for (const [, name = ''] of (await readFile(join(root, path), 'utf8')).matchAll(/\bcrashPoint\('([^']+)'\)/g)) found.add(name);
    }
  }
  return [...found].filter((name) => !listed.has(name));
}
