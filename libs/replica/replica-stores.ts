import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openLevelStore } from '../store/level-store.js';
import { MemoryStore } from '../store/memory-store.js';
import type { Store } from '../store/store.js';

/** Where a replica's store lies, and where another is built that takes its place at once (DESIGN 5). */
export interface ReplicaStores {
  /** Opens the store in use; an empty one at first. */
  openCurrent(): Promise<Store>;
  /** Opens an empty store beside it. */
  openFresh(): Promise<Store>;
  /** From now on the fresh store is the current one, also after a crash. */
  adoptFresh(): Promise<void>;
  /** After the old store was closed, or the fresh one was given up and closed. */
  removeOthers(): Promise<void>;
}

/**
 * In a folder of its own:
 *
 *     current      names the store in use; replaced by a rename, so it is always one or the other
 *     store-1, ... the stores
 */
export class FolderReplicaStores implements ReplicaStores {
  readonly #folder: string;
  #fresh: string | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async openCurrent(): Promise<Store> {
    await mkdir(this.#folder, { recursive: true });
    const name = await this.#current();
    if (name !== undefined) return openLevelStore(join(this.#folder, name));
    this.#fresh = nameOf(1);
    await this.adoptFresh();
    return openLevelStore(join(this.#folder, nameOf(1)));
  }

  async openFresh(): Promise<Store> {
    const current = Number(/\d+$/.exec((await this.#current()) ?? '0')?.[0] ?? 0);
    this.#fresh = nameOf(current + 1);
    const folder = join(this.#folder, this.#fresh);
    await rm(folder, { recursive: true, force: true }); // of a bootstrap that a crash cut short
    return openLevelStore(folder);
  }

  async adoptFresh(): Promise<void> {
    const temporary = join(this.#folder, 'current.new');
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(this.#fresh ?? nameOf(1));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(this.#folder, 'current'));
    await syncFolder(this.#folder);
  }

  async removeOthers(): Promise<void> {
    const current = await this.#current();
    for (const name of await readdir(this.#folder)) {
      if (/^store-\d+$/.test(name) && name !== current) await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  async #current(): Promise<string | undefined> {
    try {
      return (await readFile(join(this.#folder, 'current'), 'utf8')).trim();
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

/** For tests. */
export class MemoryReplicaStores implements ReplicaStores {
  #current: Store = new MemoryStore();
  #fresh: Store = new MemoryStore();

  async openCurrent(): Promise<Store> {
    return this.#current;
  }

  async openFresh(): Promise<Store> {
    this.#fresh = new MemoryStore();
    return this.#fresh;
  }

  async adoptFresh(): Promise<void> {
    this.#current = this.#fresh;
  }

  async removeOthers(): Promise<void> {
    // Nothing lies anywhere.
  }
}

function nameOf(number: number): string {
  return `store-${number}`;
}

/** So that the rename survives a power cut too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
