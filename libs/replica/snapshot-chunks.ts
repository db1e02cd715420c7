import { crashPoint } from '../lifecycle/crash-point.js';
import { COMMIT_KEY } from '../change/state-keys.js';
import type { Store } from '../store/store.js';
import type { SnapshotEntry } from './replication-source.js';

const CHUNK_BYTES = 256 * 1_024;
const CHUNK_ENTRIES = 1_024;

/** A partition's store as of the call, in key order: the commit record, which has the least key, says of which seq. */
export async function* snapshotChunks(store: Store, signal: AbortSignal): AsyncGenerator<readonly SnapshotEntry[]> {
  let chunk: SnapshotEntry[] = [];
  let bytes = 0;
  for await (const [key, value] of store.entries({ from: COMMIT_KEY })) {
    signal.throwIfAborted();
    crashPoint('snapshot.duringServe');
    chunk.push({ key, value });
    bytes += key.length + value.length;
    if (bytes < CHUNK_BYTES && chunk.length < CHUNK_ENTRIES) continue;
    yield chunk;
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield chunk;
  crashPoint('snapshot.afterServe');
}
