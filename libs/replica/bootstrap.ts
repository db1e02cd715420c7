import { Applier } from '../change/applier.js';
import { crashPoint } from '../lifecycle/crash-point.js';
import { ThymeError } from '../errors/errors.js';
import type { Store } from '../store/store.js';
import type { ReplicaStores } from './replica-stores.js';
import type { ReplicationSource, SnapshotEntry } from './replication-source.js';

/**
 * Builds a store from the source's snapshot, beside the one in use, and puts it in its place when it is
 * complete. Until then reads go on in the old one; a crash leaves either, never a half.
 */
export async function bootstrap(
  partition: number,
  source: ReplicationSource,
  stores: ReplicaStores,
  signal: AbortSignal,
): Promise<Applier> {
  const store = await stores.openFresh();
  try {
    crashPoint('replica.beforeSnapshot');
    await copySnapshot(partition, source, store, signal);
    const applier = await Applier.open(store);
    crashPoint('replica.beforeSwap');
    await stores.adoptFresh();
    crashPoint('replica.afterSwap');
    return applier;
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function copySnapshot(partition: number, source: ReplicationSource, store: Store, signal: AbortSignal): Promise<void> {
  let last: SnapshotEntry | undefined;
  for await (const chunk of source.snapshot(partition, signal)) {
    const batch = store.batch();
    for (const { key, value } of chunk) batch.put(key, value);
    await batch.write({ sync: false });
    last = chunk.at(-1) ?? last;
    crashPoint('replica.duringSnapshot');
  }
  signal.throwIfAborted();
  if (last === undefined)
    throw new ThymeError('THYME_SNAPSHOT_EMPTY', 'UNAVAILABLE', `the owner of partition ${partition} has nothing to copy yet`);
  // What was written so far without sync lasts before the store is named the current one. The last entry is
  // written again for it: a batch without entries is not written at all, nor synced.
  const batch = store.batch();
  batch.put(last.key, last.value);
  await batch.write({ sync: true });
}
