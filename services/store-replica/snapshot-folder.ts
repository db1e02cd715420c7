import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestStore } from '../../libs/change/digest.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { Replica } from '../../libs/replica/replica.js';
import type { ReplicaStores } from '../../libs/replica/replica-stores.js';
import type { SnapshotEntry } from '../../libs/replica/replication-source.js';
import { snapshotChunks } from '../../libs/replica/snapshot-chunks.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import type { Store } from '../../libs/store/store.js';

// A snapshot of one partition as a folder, for backup and for a fast start elsewhere:
//
//     manifest.json    of which partition and seq, and the digest of all entries; written last
//     state/           the entries as a LevelDB
//
// Copied entry by entry from an iterator, which shows one state: the replica goes on applying and
// answering meanwhile, which closing it for hard links (DESIGN 5) would not let it.

export interface SnapshotManifest {
  readonly version: 1;
  readonly partition: number;
  readonly seq: number;
  readonly entries: number;
  readonly sha256: string;
}

/** Writes the snapshot beside `folder` and renames it there when it is whole. `folder` must not exist. */
export async function writeSnapshot(replica: Replica, folder: string, signal: AbortSignal): Promise<SnapshotManifest> {
  const temporary = `${folder}.part`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const store = await openLevelStore(join(temporary, 'state'));
  try {
    const entries = await copyInto(store, replica.snapshot(signal));
    const { seq, sha256 } = await digestStore(store);
    const manifest: SnapshotManifest = {
      version: 1,
      partition: replica.view.partition,
      seq,
      entries,
      sha256: Buffer.from(sha256).toString('hex'),
    };
    await store.close();
    await writeDurably(join(temporary, 'manifest.json'), JSON.stringify(manifest));
    await rename(temporary, folder);
    await syncFolder(dirname(folder));
    return manifest;
  } catch (error) {
    await store.close();
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** Makes the snapshot a replica's store, once its digest has been checked. */
export async function restoreSnapshot(folder: string, stores: ReplicaStores, signal: AbortSignal): Promise<SnapshotManifest> {
  const manifest = await readManifest(folder);
  const from = await openLevelStore(join(folder, 'state'));
  const into = await stores.openFresh();
  try {
    await copyInto(into, snapshotChunks(from, signal));
    const { seq, sha256 } = await digestStore(into);
    if (seq !== manifest.seq || Buffer.from(sha256).toString('hex') !== manifest.sha256) {
      throw new ThymeError(
        'THYME_SNAPSHOT_CORRUPT',
        'FAILED_PRECONDITION',
        `the snapshot in ${folder} is not what its manifest says: use another`,
      );
    }
    await stores.adoptFresh();
    return manifest;
  } finally {
    await into.close();
    await from.close();
  }
}

async function readManifest(folder: string): Promise<SnapshotManifest> {
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as SnapshotManifest; // written by writeSnapshot
  if (manifest.version > 1)
    throw new ThymeError(
      'THYME_FORMAT_NEWER',
      'FAILED_PRECONDITION',
      `the snapshot in ${folder} has format ${manifest.version}: upgrade this process`,
      [],
      { disposition: 'stop' },
    );
  return manifest;
}

async function copyInto(store: Store, chunks: AsyncIterable<readonly SnapshotEntry[]>): Promise<number> {
  let count = 0;
  let last: SnapshotEntry | undefined;
  for await (const chunk of chunks) {
    const batch = store.batch();
    for (const { key, value } of chunk) batch.put(key, value);
    await batch.write({ sync: false });
    count += chunk.length;
    last = chunk.at(-1) ?? last;
  }
  // So that all of it lasts; a batch without entries would not be written, nor synced.
  const batch = store.batch();
  if (last !== undefined) batch.put(last.key, last.value);
  await batch.write({ sync: true });
  return count;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
