import { formatTimestamp } from '../../libs/time/timestamp.js';
import type { Store } from '../../libs/store/store.js';
import type { QueryRun, RunKeyValue } from './query-run.js';
import { runsBefore } from './query-run-keys.js';
import { readRuns } from './run-chunks.js';

/** An entity as its key's bytes say: times in microseconds. */
export type ErasedEntity = readonly unknown[];

/**
 * Takes erased entities (S26) out of the runs that name them; how many were asked for stays. A run tells no types, so an entity of another
 * dataset with the same id goes as well. Returns how many runs were changed.
 */
export async function eraseFromRuns(store: Store, erased: readonly ErasedEntity[]): Promise<number> {
  let changed = 0;
  for await (const [key, value] of store.entries(runsBefore(undefined))) {
    const runs = readRuns(value);
    const left = runs.map((run) => withoutErased(run, erased));
    const count = left.filter((run, i) => run !== runs[i]).length;
    if (count === 0) continue;
    const batch = store.batch();
    batch.put(key, Buffer.from(JSON.stringify(left), 'utf8'));
    await batch.write({ sync: false });
    changed += count;
  }
  return changed;
}

function withoutErased(run: QueryRun, erased: readonly ErasedEntity[]): QueryRun {
  const isErased = (entity: readonly RunKeyValue[]): boolean => erased.some((each) => isSame(entity, each));
  const { entities, entityCount = entities.length, timestampsUs } = run;
  if (!entities.some(isErased)) return run;
  return {
    ...run,
    entityCount,
    entities: entities.filter((entity) => !isErased(entity)),
    ...(timestampsUs === undefined ? {} : { timestampsUs: timestampsUs.filter((_, i) => !isErased(entities[i] ?? [])) }),
  };
}

function isSame(entity: readonly RunKeyValue[], erased: ErasedEntity): boolean {
  return entity.length === erased.length && entity.every((value, i) => value === erased[i] || textsOf(erased[i]).includes(String(value)));
}

/** A number is also an id that was asked for as text, or a time. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value !== 'number') return [String(value)];
  return Math.abs(value) < 8e15 ? [String(value), formatTimestamp(value)] : [String(value)];
}
