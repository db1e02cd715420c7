import { setImmediate } from 'node:timers/promises';
import { dispositionOf, invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import type { Store } from '../../libs/store/store.js';
import type { Clock } from '../../libs/time/clock.js';
import { withContinued } from './continued-run.js';
import { type ErasedEntity, eraseFromRuns } from './erased-runs.js';
import type { EndedQuery, QueryRun, RunRecorder } from './query-run.js';
import { EARLIER_FORMAT, isRunId, runIds } from './query-run-keys.js';
import { chunksOf, deleteChunk, OldestChunks, putChunk, readHeads } from './run-chunks.js';
import { findRun, isWanted, newestRuns, type RunFilter } from './run-lists.js';

/** Ended queries that wait to be written; what comes on top is counted and forgotten. A second's worth at 10,000 a second. */
const QUEUE_LENGTH_MAX = 10_000;
/** Entities that they hold on to together: 20 of the largest batches. */
const QUEUE_ENTITIES_MAX = 200_000;
/** Runs in one store batch, so that writing them takes no longer than a millisecond of the event loop. */
const WRITE_RUNS_MAX = 100;
/** The same for their entities: beyond it the largest batches go one by one. */
const WRITE_ENTITIES_MAX = 10_000;
/** How long runs wait for others to be written with: by themselves each costs as much as several queries. Who reads runs hurries them. */
const GATHER_MS = 20;
/** Named, since without a reason an abort makes an error with its stack, which costs more than ten runs. */
const HURRY = 'somebody waits';
/** The newest runs are kept, some 60 MB of single queries, and of the oldest chunk those that are left. */
const RUNS_KEPT_MAX = 200_000;
/** The text of the runs that are kept: four times what so many single queries have. */
const BYTES_KEPT_MAX = 256 * 1024 * 1024;
/** The same of one page. */
const PAGE_TEXT_MAX = 4 * 1024 * 1024;
/** Runs that one page looks at where a filter passes over most: about 50 ms, in turns of a chunk. */
const LOOKED_AT_MAX = 10_000;
/** Deletions in one store batch. */
const DROPPED_KEYS_MAX = 1_000;
export const LIST_LIMIT_DEFAULT = 50;
export const LIST_LIMIT_MAX = 500;

export interface QueryRunsOptions {
  /** A store of its own: it has keys of every kind. The caller closes it, after `stop`. */
  readonly store: Store;
  /**
   * Another store for one that failed: the same one opened again, or an empty one where it is damaged. Undefined where there is
   * none at the moment; it is asked for again at the next failure. Without it a store that failed stays so.
   */
  readonly renew?: (store: Store, cause: unknown) => Promise<Store | undefined>;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Without one, runs are written in the turn after they were recorded. */
  readonly clock?: Pick<Clock, 'sleep'>;
  readonly runsKeptMax?: number;
  readonly bytesKeptMax?: number;
}

export interface RunPage {
  readonly runs: readonly QueryRun[];
  /** Where the next page begins; absent on the last. */
  readonly nextCursor?: string;
}

/** The audit of queries: written behind a bounded queue, after the answers; no query waits or fails for it. */
export class QueryRuns implements RunRecorder {
  readonly newId: (createdUs: number) => string;
  readonly #renewStore: QueryRunsOptions['renew'];
  readonly #clock: Pick<Clock, 'sleep'> | undefined;
  readonly #runsKeptMax: number;
  readonly #bytesKeptMax: number;
  readonly #queue: EndedQuery[] = [];
  readonly #counters = { recorded: 0, dropped: 0, failed: 0 };
  #store: Store;
  #oldest: OldestChunks;
  /** Ever taken into the queue; those that it has lost again are `recorded` or `failed`. */
  #taken = 0;
  #queuedEntities = 0;
  #kept: number;
  #keptBytes: number;
  /** The batch under way. */
  #writing: Promise<void> | undefined;
  #gathering = new AbortController();

  private constructor({ store, renew, randomBytes, clock, runsKeptMax, bytesKeptMax }: QueryRunsOptions, kept: Kept) {
    this.newId = runIds(randomBytes);
    this.#store = store;
    this.#renewStore = renew;
    this.#clock = clock;
    this.#runsKeptMax = runsKeptMax ?? RUNS_KEPT_MAX;
    this.#oldest = new OldestChunks(store);
    this.#bytesKeptMax = bytesKeptMax ?? BYTES_KEPT_MAX;
    this.#kept = kept.runs;
    this.#keptBytes = kept.bytes;
  }

  static async open(options: QueryRunsOptions): Promise<QueryRuns> {
    try {
      return new QueryRuns(options, await prepare(options.store));
    } catch (cause) {
      const store = await options.renew?.(options.store, cause);
      if (store === undefined) throw cause;
      return new QueryRuns({ ...options, store }, await prepare(store));
    }
  }

  /** For metrics: `dropped` found the queue full, `failed` could not be written. */
  get counters(): { readonly recorded: number; readonly dropped: number; readonly failed: number } {
    return this.#counters;
  }

  record(query: EndedQuery): void {
    if (this.#queue.length >= QUEUE_LENGTH_MAX || this.#queuedEntities + query.entityCount > QUEUE_ENTITIES_MAX) {
      this.#counters.dropped++;
      return;
    }
    this.#queue.push(query);
    this.#taken++;
    this.#queuedEntities += query.entityCount;
    if (this.#queue.length === WRITE_RUNS_MAX) this.#gathering.abort(HURRY);
    this.#writing ??= this.#write();
  }

  /** Resolves once everything recorded so far is written, or counted as failed. */
  stop(): Promise<void> {
    return this.#settled();
  }

  /**
   * Newest first; fewer than asked for, or none, where their text would be too much for one answer, or too many had to be passed over: the
   * cursor leads on.
   */
  async list(options: RunFilter & { readonly limit?: number; readonly cursor?: string }): Promise<RunPage> {
    const { featureset, limit = LIST_LIMIT_DEFAULT, cursor } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT_MAX)
      throw invalidArgument('limit', `send a whole number from 1 to ${LIST_LIMIT_MAX}`);
    if (cursor !== undefined && !isRunId(cursor))
      throw invalidArgument('cursor', 'this is no cursor: pass the next_cursor of the page before, unchanged');
    const range = { ...(featureset === undefined ? {} : { featureset }), ...(cursor === undefined ? {} : { before: cursor }) };
    await this.#settled();
    return this.#read(async () => {
      const runs: QueryRun[] = [];
      let [text, lookedAt] = [0, 0];
      let last: QueryRun | undefined;
      for await (const run of newestRuns(this.#store, range)) {
        const wanted = isWanted(run, options);
        if (wanted) text += textLengthOf(run);
        const isFull = (wanted && (runs.length === limit || (text > PAGE_TEXT_MAX && runs.length > 0))) || lookedAt === LOOKED_AT_MAX;
        if (isFull && last !== undefined) return { runs, nextCursor: last.id };
        lookedAt++;
        last = run;
        if (wanted) runs.push(run);
      }
      return { runs };
    });
  }

  /** NOT_FOUND for an id that never was, or is no longer kept. */
  async get(id: string): Promise<QueryRun> {
    const run = await this.find(id);
    if (run === undefined)
      throw new ThymeError('THYME_NOT_FOUND', 'NOT_FOUND', `no query run '${id.slice(0, 64)}': the newest ${this.#runsKeptMax} are kept`);
    return run;
  }

  /** Undefined for an id that never was, or is no longer kept. */
  async find(id: string): Promise<QueryRun | undefined> {
    await this.#settled();
    return isRunId(id) ? this.#read(() => findRun(this.#store, id)) : undefined;
  }

  /** Takes erased entities out of the runs, and their bytes out of the files (S26). */
  async erase(entities: readonly ErasedEntity[]): Promise<void> {
    await this.#settled();
    if ((await eraseFromRuns(this.#store, entities)) > 0) await this.#store.compact?.();
  }

  async #settled(): Promise<void> {
    const taken = this.#taken;
    while (this.#counters.recorded + this.#counters.failed < taken) {
      this.#gathering.abort(HURRY);
      await this.#writing;
    }
  }

  async #write(): Promise<void> {
    await this.#gather();
    const ended = this.#take();
    try {
      await this.#writeSome(ended);
      this.#counters.recorded += ended.length;
    } catch (cause) {
      this.#counters.failed += ended.length; // a metric, never a query's failure
      await this.#renew(cause);
    }
    this.#writing = this.#queue.length > 0 ? this.#write() : undefined;
  }

  /** What is read of a store that turns out to be damaged is answered from the next one, which is empty. */
  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      if (dispositionOf(cause) !== 'rebuild' || !(await this.#renew(cause))) throw cause;
      return read();
    }
  }

  /** Only after a write, or where nothing is being written: whatever a failed store had begun is over. */
  async #renew(cause: unknown): Promise<boolean> {
    try {
      const store = await this.#renewStore?.(this.#store, cause);
      if (store === undefined) return false;
      this.#store = store;
      this.#oldest = new OldestChunks(store);
      const kept = await prepare(store);
      this.#kept = kept.runs;
      this.#keptBytes = kept.bytes;
      return true;
    } catch {
      return false; // at the next failure it is tried again
    }
  }

  /** Until there are enough for a batch, their time is up, or somebody waits for them. */
  async #gather(): Promise<void> {
    const { signal } = (this.#gathering = new AbortController());
    await setImmediate(); // the answer goes first
    if (this.#queue.length >= WRITE_RUNS_MAX) return;
    await this.#clock?.sleep(GATHER_MS, signal);
    if (signal.aborted) await setImmediate(); // so that the query that filled the batch does not wait for its writing
  }

  #take(): readonly EndedQuery[] {
    let [end, entities] = [0, 0];
    for (const { entityCount } of this.#queue) {
      if (end === WRITE_RUNS_MAX || (end > 0 && entities + entityCount > WRITE_ENTITIES_MAX)) break;
      end++;
      entities += entityCount;
    }
    this.#queuedEntities -= entities;
    return this.#queue.splice(0, end);
  }

  async #writeSome(ended: readonly EndedQuery[]): Promise<void> {
    const runs = await withContinued(this.#store, ended);
    const added = runs.length;
    const chunks = chunksOf(runs);
    const forgotten = await this.#oldest.upTo({
      runs: this.#kept + added - this.#runsKeptMax,
      bytes: this.#keptBytes + sumOf(chunks) - this.#bytesKeptMax,
    });
    const batch = this.#store.batch();
    for (const chunk of chunks) putChunk(batch, chunk);
    for (const chunk of forgotten) deleteChunk(batch, chunk);
    await batch.write({ sync: false });
    this.#oldest.forgot(forgotten);
    this.#kept += added;
    this.#keptBytes += sumOf(chunks) - sumOf(forgotten);
    for (const { runs } of forgotten) this.#kept -= runs;
    for (const chunk of chunks) this.#oldest.wrote(chunk);
  }
}

interface Kept {
  readonly runs: number;
  readonly bytes: number;
}

function sumOf(chunks: readonly Pick<Kept, 'bytes'>[]): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** About: most of a long run is its entities. */
function textLengthOf({ entities, featureset, error = '' }: QueryRun): number {
  let length = 300 + featureset.length + error.length;
  for (const key of entities) for (const value of key) length += typeof value === 'string' ? value.length + 3 : 8;
  return length;
}

/** Gives what it holds. */
async function prepare(store: Store): Promise<Kept> {
  await dropEarlierFormat(store);
  const kept = { runs: 0, bytes: 0 };
  for await (const { runs, bytes } of readHeads(store, '')) {
    kept.runs += runs;
    kept.bytes += bytes;
  }
  return kept;
}

async function dropEarlierFormat(store: Store): Promise<void> {
  let keys: Uint8Array[] = [];
  const drop = async (): Promise<void> => {
    const batch = store.batch();
    for (const key of keys) batch.delete(key);
    await batch.write({ sync: false });
    keys = [];
  };
  for await (const [key] of store.entries(EARLIER_FORMAT)) if (keys.push(key) === DROPPED_KEYS_MAX) await drop();
  if (keys.length > 0) await drop();
}
