import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openLevelStore } from '../store/level-store.js';
import { storeDamaged } from '../store/store-errors.js';
import { MemoryStore } from '../store/memory-store.js';
import type { Store } from '../store/store.js';

/** Where a replica's store lies, and where another is built that takes its place at once (DESIGN 5). */
export interface ReplicaStores {
  /** Opens the store in use; an empty one at first. THYME_STORE_DAMAGED where there is none to be found among what lies there. */
  openCurrent(): Promise<Store>;
  /** Opens an empty store beside it. */
  openFresh(): Promise<Store>;
  /** From now on the fresh store is the current one, also after a crash. */
  adoptFresh(): Promise<void>;
  /**
   * After the old store was closed, or the fresh one was given up and closed. One that is damaged is kept aside, for
   * whoever wants to look at it.
   */
  removeOthers(options?: { readonly isDamaged: boolean }): Promise<void>;
}

/**
 * In a folder of its own:
 *
 *     current      names the store in use; replaced by a rename, so it is always one or the other
 *     store-1, ... the stores
 *     damaged      the last one that was damaged
 */
export class FolderReplicaStores implements ReplicaStores {
  readonly #folder: string;
  #fresh: string | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async openCurrent(): Promise<Store> {
    await this.#makeFolder();
    const name = await this.#current();
    if (name !== undefined) return openLevelStore(join(this.#folder, name));
    this.#fresh = nameOf(1);
    await this.adoptFresh();
    return openLevelStore(join(this.#folder, nameOf(1)));
  }

  async openFresh(): Promise<Store> {
    await this.#makeFolder();
    const numbers = (await readdir(this.#folder)).map((name) => Number(STORE_NAME.exec(name)?.[1] ?? 0));
    const current = await this.#current().catch(() => undefined); // garbage names none
    // A bootstrap that a crash cut short may have left one already.
    const number = current === undefined ? Math.max(0, ...numbers) + 1 : Number(STORE_NAME.exec(current)?.[1]) + 1;
    this.#fresh = nameOf(number);
    const folder = join(this.#folder, this.#fresh);
    await rm(folder, { recursive: true, force: true });
    return openLevelStore(folder);
  }

  async adoptFresh(): Promise<void> {
    const temporary = join(this.#folder, 'current.new');
    await rm(temporary, { recursive: true, force: true });
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(this.#fresh ?? nameOf(1));
      await file.sync();
    } finally {
      await file.close();
    }
    const current = join(this.#folder, 'current');
    if (await isFolder(current)) await rm(current, { recursive: true }); // which no rename replaces
    await rename(temporary, current);
    await syncFolder(this.#folder);
  }

  async removeOthers({ isDamaged } = { isDamaged: false }): Promise<void> {
    const current = await this.#current();
    const others = (await readdir(this.#folder)).filter((name) => STORE_NAME.test(name) && name !== current);
    const damaged = isDamaged ? others.pop() : undefined;
    for (const name of others) await rm(join(this.#folder, name), { recursive: true, force: true });
    if (damaged === undefined) return;
    const aside = join(this.#folder, 'damaged');
    await rm(aside, { recursive: true, force: true });
    await rename(join(this.#folder, damaged), aside);
  }

  /** Something else may lie where the folder should: it is moved out of the way. */
  async #makeFolder(): Promise<void> {
    if ((await isFolder(this.#folder)) === false) await rename(this.#folder, `${this.#folder}.damaged`);
    await mkdir(this.#folder, { recursive: true });
  }

  /** Undefined before the first store. */
  async #current(): Promise<string | undefined> {
    const file = join(this.#folder, 'current');
    try {
      const name = (await readFile(file, 'utf8')).trim();
      if (!STORE_NAME.test(name)) throw storeDamaged(this.#folder, new Error(`'current' names no store`));
      return name;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw codeOf(error) === 'EISDIR' ? storeDamaged(this.#folder, error) : error;
    }
  }
}

/** For tests. */
export class MemoryReplicaStores implements ReplicaStores {
  #current: Store = new MemoryStore();
  #fresh: Store = new MemoryStore();
  #opened = false;

  /** One that was closed has lost everything, as memory does. */
  async openCurrent(): Promise<Store> {
    if (this.#opened) this.#current = new MemoryStore();
    this.#opened = true;
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

const STORE_NAME = /^store-(\d{1,15})$/;

/** Undefined where nothing is. */
async function isFolder(path: string): Promise<boolean | undefined> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
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
