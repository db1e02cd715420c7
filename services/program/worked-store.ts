import { readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bootstrap } from '../../libs/replica/bootstrap.js';
import { FolderReplicaStores } from '../../libs/replica/replica-stores.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import { COMMIT_KEY } from '../../libs/change/state-keys.js';
import type { Store } from '../../libs/store/store.js';
import type { Telemetry } from './telemetry.js';

const ASIDE = '.damaged';
/** Copying is faster than replaying, but a standby that hangs must not keep a partition from being worked. */
const RESTORE_MS_MAX = 600_000;

export interface WorkedStoreOptions extends Pick<Telemetry, 'logger' | 'events'> {
  /** The folder of this partition alone. */
  readonly folder: string;
  readonly partition: number;
  /** Whose snapshot an empty store is filled from; without it, and where it does not answer, from the changelog. */
  readonly standby: ReplicationSource | undefined;
  /** The store that lies there is damaged. */
  readonly anew: boolean;
}

/** The store that an owner works on. What a snapshot lacks, the acquisition replays (DESIGN 4): it only has less to do. */
export async function openWorkedStore({ folder, partition, standby, anew, logger, events }: WorkedStoreOptions): Promise<Store> {
  if (anew) await setAside(folder, { logger, events });
  const stores = new FolderReplicaStores(folder);
  const store = await stores.openCurrent();
  if (standby === undefined || store.get(COMMIT_KEY) !== undefined) return store;
  try {
    const restored = await bootstrap(partition, standby, stores, AbortSignal.timeout(RESTORE_MS_MAX));
    await store.close();
    logger.info('a partition was restored from the standby', { partition, seq: restored.seq });
    return restored.store;
  } catch (error) {
    logger.warn('a partition cannot be restored from the standby: its changelog is replayed instead', { partition, error });
    return store;
  } finally {
    await stores.removeOthers();
  }
}

/** Removes every folder that was set aside: they may hold what was erased since (S26). */
export async function removeAside(dataDir: string): Promise<void> {
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true }))
    if (entry.isDirectory() && entry.name.endsWith(ASIDE)) await rm(join(entry.parentPath, entry.name), { recursive: true, force: true });
}

/** Out of the way, for whoever wants to look at it; what was moved there before is removed. The changelog has all that was in it. */
export async function setAside(folder: string, { logger, events }: Pick<Telemetry, 'logger' | 'events'>): Promise<void> {
  const aside = `${folder}${ASIDE}`;
  await rm(aside, { recursive: true, force: true });
  await rename(folder, aside).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error; // it was moved before
  });
  logger.error('a damaged store was set aside and is built anew', { folder, aside });
  events.record({
    eventType: 'store_damaged',
    severity: 'error',
    source: 'store',
    subject: basename(folder),
    message: 'a damaged store was set aside and is built anew',
    detail: {},
  });
}
