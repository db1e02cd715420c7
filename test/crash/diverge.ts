import { join } from 'node:path';
import { decodeCommit, encodeCommit } from '../../libs/change/commit-codec.js';
import { COMMIT_KEY } from '../../libs/change/state-keys.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { currentStore } from './stores.js';

/** Makes a stopped replica's store contradict the stream about its last seq: what follows must be R3. */
export async function diverge(folder: string, partition: number): Promise<void> {
  const store = await openLevelStore(await currentStore(join(folder, 'replica', `p${partition}`)));
  try {
    const bytes = store.get(COMMIT_KEY);
    if (bytes === undefined) throw new Error('the replica has applied nothing yet');
    const commit = decodeCommit(bytes);
    const batch = store.batch();
    batch.put(COMMIT_KEY, encodeCommit({ ...commit, clockUs: commit.clockUs + 1 }));
    await batch.write({ sync: true });
  } finally {
    await store.close();
  }
}
