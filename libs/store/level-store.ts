import { Level } from 'level';
import { checkFiles, checkTables } from './check-files.js';
import { codesOf, isDamage, isDamageAtOpening, isDamageAtWrite, rootCause } from './level-errors.js';
import type { RangeOptions, Store, StoreBatch, StoreSnapshot } from './store.js';
import { storeClosed, storeDamaged, storeFailed, storeLocked } from './store-errors.js';

/** `level` does not declare what it has of classic-level here. */
type Database = Level<Uint8Array, Uint8Array> & { compactRange(start: Uint8Array, end: Uint8Array): Promise<void> };
type Entry = readonly [Uint8Array, Uint8Array];
type ChunkIterator = { nextv(size: number): Promise<Entry[]>; close(): Promise<void> };

const MIB = 1_024 * 1_024;
/** Larger than LevelDB's own 4 MB: with 1 KB values that brings 40–66 ms compaction pauses of reads. */
const WRITE_BUFFER_SIZE = 16 * MIB;
const CACHE_SIZE = 32 * MIB;
/** Entries fetched per trip to the thread pool, and the bytes at which a trip ends early. */
const ITERATOR_CHUNK_LENGTH = 256;
const ITERATOR_CHUNK_BYTES = MIB / 4;

/** Around every key: those of all stores begin with a tag. */
const KEY_MIN = Uint8Array.of(0);
const KEY_MAX = Uint8Array.of(0xff);

export interface LevelStoreOptions {
  /** Bytes of writes held in memory before they become a table; up to twice this may be held. */
  readonly writeBufferSize?: number;
  /** Bytes of uncompressed blocks kept for reads. */
  readonly cacheSize?: number;
  /**
   * Whether what was not compared with its checksums before the opening is compared afterwards, and may turn out as
   * `damage`. By default it is.
   */
  readonly checksRest?: boolean;
}

/**
 * Opens the LevelDB in this folder, or creates it. FAILED_PRECONDITION with THYME_STORE_LOCKED if a
 * process (this one included) has it open already; THYME_STORE_DAMAGED where its files are not what was written.
 */
export async function openLevelStore(folder: string, options: LevelStoreOptions = {}): Promise<Store> {
  try {
    await requireUnlocked(folder);
    const { rest } = await checkFiles(folder);
    const database = await openDatabase(folder, options);
    return new LevelStore(database, folder, options.checksRest === false ? [] : rest);
  } catch (error) {
    if (codesOf(error).includes('LEVEL_LOCKED')) throw storeLocked(folder, { cause: error });
    if (isDamageAtOpening(error)) {
      await requireUnlocked(folder).catch((cause: unknown) => {
        throw storeLocked(folder, { cause }); // what is compared while another process writes it looks broken
      });
      throw storeDamaged(folder, rootCause(error));
    }
    throw storeFailed(folder, 'cannot be opened', rootCause(error));
  }
}

/**
 * Takes LevelDB's lock and lets go of it: it is told to refuse whatever is there, which it does when it has the lock,
 * and before it touches the rest.
 */
async function requireUnlocked(folder: string): Promise<void> {
  const probe = new Level(folder, { createIfMissing: false, errorIfExists: true });
  await probe.open().catch((error: unknown) => {
    if (codesOf(error).includes('LEVEL_LOCKED')) throw error;
  });
  await probe.close();
}

async function openDatabase(folder: string, options: LevelStoreOptions): Promise<Database> {
  const database = new Level<Uint8Array, Uint8Array>(folder, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: options.writeBufferSize ?? WRITE_BUFFER_SIZE,
    cacheSize: options.cacheSize ?? CACHE_SIZE,
  }) as Database; // outside browsers it is a ClassicLevel
  await database.open();
  return database;
}

class LevelStore implements Store {
  readonly #database: Database;
  readonly #folder: string;
  /**
   * The write error after which no more is written. LevelDB itself would go on, behind a torn
   * record in its log: its recovery drops what follows such a record, acknowledged or not (S13).
   * And a write that failed may still surface at the next open; nothing may have taken its place.
   */
  #failure: Error | undefined;
  #damage: Error | undefined;
  readonly #closing = new AbortController();

  /** `unchecked` are tables that are compared with their checksums from now on. */
  constructor(database: Database, folder: string, unchecked: readonly string[]) {
    this.#database = database;
    this.#folder = folder;
    checkTables(folder, unchecked, this.#closing.signal).catch((error: unknown) => {
      if (isDamageAtOpening(error)) this.#damage ??= storeDamaged(folder, error);
    });
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  get damage(): Error | undefined {
    return this.#damage;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#try(() => this.#database.getSync(key));
  }

  snapshot(): StoreSnapshot {
    const snapshot = this.#try(() => this.#database.snapshot());
    // One options object for all reads: naming the encodings spares a copy of it per read.
    const options = { snapshot, keyEncoding: 'view', valueEncoding: 'view' } as const;
    return {
      get: (key) => this.#try(() => this.#database.getSync<Uint8Array, Uint8Array>(key, options)),
      // Closed at once; the promise is only for drivers that close elsewhere.
      close: () => void snapshot.close(),
    };
  }

  batch(): StoreBatch {
    // Chained, because it takes 1.5 times as many operations a second as an array (FACTS).
    const batch = this.#try(() => this.#database.batch());
    return {
      put: (key, value) => void batch.put(key, value),
      delete: (key) => void batch.del(key),
      // Closed at once; the promise is only for drivers that close elsewhere.
      discard: () => void batch.close(),
      write: async ({ sync }) => {
        if (this.#failure !== undefined) throw this.#failure;
        try {
          await batch.write({ sync });
        } catch (error) {
          if (isClosed(error)) throw storeClosed({ cause: error });
          if (isProgrammersMistake(error)) throw error;
          throw (this.#failure = this.#writeFailed(error));
        }
      },
    };
  }

  entries(range: RangeOptions): AsyncIterable<Entry> {
    // Made here and not at the first step, since it is what fixes the state that is read.
    const iterator = this.#try(() =>
      this.#database.iterator({
        ...(range.from === undefined ? {} : { gte: range.from }),
        ...(range.to === undefined ? {} : { lt: range.to }),
        ...(range.limit === undefined ? {} : { limit: range.limit }),
        reverse: range.reverse ?? false,
        highWaterMarkBytes: ITERATOR_CHUNK_BYTES,
      }),
    );
    return this.#iterate(iterator);
  }

  /**
   * LevelDB leaves the lowest tables as they are where nothing lies above them, and what was written and deleted since the last
   * flush may lie in one such table, both of it. So deletions of keys that nobody has are put above them all.
   */
  async compact(): Promise<void> {
    await this.#database.compactRange(KEY_MAX, KEY_MAX); // a flush, and no more
    const around = this.batch();
    around.delete(KEY_MIN);
    around.delete(KEY_MAX);
    await around.write({ sync: true });
    await this.#database.compactRange(KEY_MIN, KEY_MAX);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#database.close();
  }

  async *#iterate(iterator: ChunkIterator): AsyncGenerator<Entry> {
    try {
      for (;;) {
        const chunk = await iterator.nextv(ITERATOR_CHUNK_LENGTH);
        if (chunk.length === 0) return;
        yield* chunk;
      }
    } catch (error) {
      throw this.#readFailed(error);
    } finally {
      await iterator.close();
    }
  }

  #try<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#readFailed(error);
    }
  }

  #readFailed(error: unknown): unknown {
    if (isClosed(error)) return storeClosed({ cause: error });
    if (isProgrammersMistake(error)) return error;
    if (isDamage(error)) return (this.#damage ??= storeDamaged(this.#folder, rootCause(error)));
    return storeFailed(this.#folder, 'cannot be read', error);
  }

  #writeFailed(cause: unknown): Error {
    if (isDamageAtWrite(cause)) return (this.#damage ??= storeDamaged(this.#folder, rootCause(cause)));
    return storeFailed(this.#folder, 'failed to write and takes no more writes until it is opened again', cause);
  }
}

const CLOSED_CODES = ['LEVEL_DATABASE_NOT_OPEN', 'LEVEL_ITERATOR_NOT_OPEN', 'LEVEL_SNAPSHOT_NOT_OPEN'];

function isClosed(error: unknown): boolean {
  return codesOf(error).some((code) => CLOSED_CODES.includes(code));
}

function isProgrammersMistake(error: unknown): boolean {
  return error instanceof TypeError || codesOf(error).some((code) => code === 'LEVEL_BATCH_NOT_OPEN' || code.startsWith('LEVEL_INVALID'));
}
