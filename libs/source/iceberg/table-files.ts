import type { RangeReader } from '../../files/parquet-file.js';
import { type SourceSettings, textParameter } from '../source-settings.js';
import { checkReach } from './file-reach.js';
import type { FileStore } from './file-store.js';
import { FolderFiles } from './folder-files.js';
import { HttpFiles } from './http-files.js';
import { icebergError } from './iceberg-error.js';
import { S3Files } from './s3-files.js';

/** Keys that a catalog lends for files whose locations begin with `prefix`. */
export interface LentAccess {
  readonly prefix: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly secrets: ReadonlyMap<string, string>;
}

/** What is asked for at once: a column of a row group at most. */
const RANGE_BYTES_MAX = 512 * 1024 * 1024;
/** What is read whole: metadata, which says in one file what the table is. */
const WHOLE_BYTES_MAX = 256 * 1024 * 1024;

/** The files of a table, by the locations that its metadata names them by. */
export class TableFiles {
  readonly #settings: SourceSettings;
  readonly #lent: readonly LentAccess[];
  readonly #stores = new Map<string, FileStore>();

  constructor(settings: SourceSettings, lent: readonly LentAccess[] = []) {
    this.#settings = settings;
    this.#lent = [...lent].sort((a, b) => b.prefix.length - a.prefix.length); // the longest prefix goes first
  }

  /** `sizeBytes` where it is known already. */
  async open(location: string, sizeBytes: number | undefined, signal: AbortSignal): Promise<RangeReader> {
    const store = this.#storeOf(location);
    const byteLength = sizeBytes ?? (await store.sizeOf(location, signal));
    return {
      byteLength,
      slice: async (start, end = byteLength) => {
        const from = start < 0 ? Math.max(0, byteLength + start) : start;
        const to = Math.min(byteLength, end);
        if (to - from > RANGE_BYTES_MAX)
          throw icebergError(
            'LIMIT',
            `a column of a row group of ${location} takes ${to - from} bytes, over the limit of ${RANGE_BYTES_MAX}: write smaller row groups`,
          );
        const bytes = await store.readRange(location, from, to, signal);
        // A copy, since what the store gave may lie within a larger piece of memory.
        return new Uint8Array(bytes).buffer;
      },
    };
  }

  async readText(location: string, signal: AbortSignal): Promise<string> {
    return Buffer.from(await this.readWhole(location, signal)).toString();
  }

  async readWhole(location: string, signal: AbortSignal): Promise<Uint8Array> {
    const store = this.#storeOf(location);
    const size = await store.sizeOf(location, signal);
    if (size > WHOLE_BYTES_MAX)
      throw icebergError('LIMIT', `${location} takes ${size} bytes, over the limit of ${WHOLE_BYTES_MAX} for metadata: expire snapshots`);
    return store.readRange(location, 0, size, signal);
  }

  async close(): Promise<void> {
    for (const store of this.#stores.values()) await store.close();
  }

  #storeOf(location: string): FileStore {
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1]?.toLowerCase() ?? 'file';
    checkReach(location, scheme, textParameter(this.#settings, 'catalog'));
    const lent = this.#lent.find(({ prefix }) => location.startsWith(prefix));
    const name = `${scheme} ${lent?.prefix ?? ''}`;
    const known = this.#stores.get(name);
    if (known !== undefined) return known;
    const store = this.#openStore(scheme, lent, location);
    this.#stores.set(name, store);
    return store;
  }

  #openStore(scheme: string, lent: LentAccess | undefined, location: string): FileStore {
    switch (scheme) {
      case 'file':
        return new FolderFiles();
      case 'http':
      case 'https':
        return new HttpFiles();
      case 's3':
      case 's3a':
      case 's3n':
        return new S3Files(lent === undefined ? this.#settings : lentSettings(this.#settings, lent));
      default:
        throw icebergError('UNSUPPORTED', `${location} lies where ${scheme}: leads, which is not read: file, http, https and s3 are`);
    }
  }
}

/** The catalog's keys and places in front of the definition's. */
function lentSettings(settings: SourceSettings, { parameters, secrets }: LentAccess): SourceSettings {
  return {
    ...settings,
    parameters: new Map([...parameters, ...settings.parameters]), // what the definition says of endpoints comes first
    secret: (name) => (secrets.size > 0 ? Promise.resolve(secrets.get(name)) : settings.secret(name)),
    redact: (text) => [...secrets.values()].reduce((rest, one) => rest.replaceAll(one, '[secret]'), settings.redact(text)),
  };
}
