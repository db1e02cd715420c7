import { storeDamaged, storeFailed } from '../../libs/store/store-errors.js';
import type { Store } from '../../libs/store/store.js';

/** What a disk does to those who write on it. */
export interface Disk {
  /** How often a write is to fail from now on. */
  failures: number;
  /** Whether opening fails too, as on a disk that is full. */
  isFull: boolean;
}

export function diskFull(): Error {
  return storeFailed('log', 'cannot be written', new Error('IO error: 000007.log: No space left on device'));
}

/**
 * The store over a disk that fails: as LevelDB's, it takes no more writes after one that failed. `leaves` says whether
 * a failed write is there all the same.
 */
export function overDisk(inner: Store, disk: Disk, leaves: () => boolean = () => false): Store {
  let failure: Error | undefined;
  return {
    get: (key) => inner.get(key),
    snapshot: () => inner.snapshot(),
    entries: (range) => inner.entries(range),
    batch: () => {
      const batch = inner.batch();
      return {
        put: (key, value) => batch.put(key, value),
        delete: (key) => batch.delete(key),
        discard: () => batch.discard?.(),
        async write(options) {
          if (failure !== undefined) throw failure;
          if (disk.failures === 0) return batch.write(options);
          disk.failures--;
          if (leaves()) await batch.write(options);
          throw (failure = diskFull());
        },
      };
    },
    close: async () => undefined, // the next one is over the same
    get failure() {
      return failure;
    },
  };
}

export const damagedDisk = (): Error => storeDamaged('somewhere', new Error('bits have flipped'));
