import { stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { glob } from 'tinyglobby';
import { compareText } from '../../schema/compare-text.js';
import type { Clock } from '../../time/clock.js';
import { objectMoved } from '../objects/object-errors.js';
import type { LocalObject, ObjectStore, StoredObject } from '../objects/object-store.js';
import { SourceError } from '../source-error.js';

/** A file that was written to within this time is left for the next look: whoever writes it may not be done. */
const SETTLED_MS = 1_000;
/** Files of one pattern: their names are held while they are sorted. */
const FILES_MAX = 1_000_000;

/** The files that a pattern such as `data/*.jsonl` names, relative to the folder in front of its first `*`. */
export class FolderStore implements ObjectStore {
  readonly place: string;
  readonly #folder: string;
  readonly #pattern: string;
  readonly #clock: Pick<Clock, 'nowUs'>;

  constructor(path: string, clock: Pick<Clock, 'nowUs'>) {
    const { folder, pattern } = splitPattern(path);
    this.place = path;
    this.#folder = resolve(folder);
    this.#pattern = pattern;
    this.#clock = clock;
  }

  async *list(after: string | undefined, signal: AbortSignal): AsyncGenerator<StoredObject> {
    for await (const object of this.#found(after, signal)) if (await this.#hasSettled(object.key)) yield object;
  }

  listAll(signal: AbortSignal): AsyncGenerator<StoredObject> {
    return this.#found(undefined, signal);
  }

  async *#found(after: string | undefined, signal: AbortSignal): AsyncGenerator<StoredObject> {
    await this.#checkFolder();
    const found = await glob(this.#pattern, { cwd: this.#folder, onlyFiles: true, signal, expandDirectories: false });
    if (found.length > FILES_MAX)
      throw new SourceError(
        'stop',
        'THYME_SOURCE_TOO_MANY',
        `${this.place} names ${found.length} files, over the limit of ${FILES_MAX}: use several sources`,
      );
    const keys = found.map((name) => name.split(sep).join('/')).filter((key) => after === undefined || compareText(key, after) > 0);
    for (const key of keys.sort(compareText)) {
      const object = await this.find(key);
      if (object !== undefined) yield object;
    }
  }

  async find(key: string): Promise<StoredObject | undefined> {
    const stats = await stat(this.#pathOf(key), { bigint: true }).catch(() => undefined); // gone since it was listed
    return stats?.isFile() === true
      ? { key, sizeBytes: Number(stats.size), version: versionOf(stats), changedMs: Number(stats.ctimeNs) / 1e6 } // a file that was moved here has its old mtime
      : undefined;
  }

  async fetch(object: StoredObject): Promise<LocalObject> {
    const verify = async (): Promise<void> => {
      if ((await this.find(object.key))?.version !== object.version) throw objectMoved(object);
    };
    await verify();
    return { path: this.#pathOf(object.key), verify, release: () => Promise.resolve() };
  }

  async close(): Promise<void> {
    // Every reading closes what it opened.
  }

  async #checkFolder(): Promise<void> {
    const stats = await stat(this.#folder).catch(() => undefined); // not there, or not ours to see
    if (stats?.isDirectory() !== true)
      throw new SourceError('retry', 'THYME_SOURCE_FOLDER_MISSING', `the folder of ${this.place} is not there, or cannot be read: make it`);
  }

  async #hasSettled(key: string): Promise<boolean> {
    const stats = await stat(this.#pathOf(key)).catch(() => undefined); // gone since it was listed
    return stats !== undefined && stats.mtimeMs <= this.#clock.nowUs() / 1_000 - SETTLED_MS;
  }

  #pathOf(key: string): string {
    return join(this.#folder, ...key.split('/'));
  }
}

/** The folder in front of the first part with a `*`, `?`, `[` or `{`; the rest is the pattern. */
function splitPattern(path: string): { readonly folder: string; readonly pattern: string } {
  const parts = path.split('/');
  const first = parts.findIndex((part) => /[*?[{]/.test(part));
  const at = first < 0 ? parts.length - 1 : first;
  const folder = parts.slice(0, at).join('/');
  return { folder: path.startsWith('/') && folder === '' ? '/' : folder === '' ? '.' : folder, pattern: parts.slice(at).join('/') };
}

function versionOf({ size, mtimeNs }: { readonly size: bigint; readonly mtimeNs: bigint }): string {
  return `${size}-${mtimeNs}`;
}
