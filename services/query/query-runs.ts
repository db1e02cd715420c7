import { setImmediate } from 'node:timers/promises';
import { invalidArgument, ThymeError } from '../../libs/errors/errors.js';
import type { Store } from '../../libs/store/store.js';
import type { EndedQuery, QueryRun, RunRecorder } from './query-run.js';
import { idOfKey, isRunId, newRunId, runKey, runOfKey, runOfRange, runRange } from './query-run-keys.js';

/** Ended queries that wait to be written; what comes on top is counted and forgotten. A second's worth at 10,000 a second. */
const QUEUE_LENGTH_MAX = 10_000;
/** Entities that they hold on to together: 20 of the largest batches. */
const QUEUE_ENTITIES_MAX = 200_000;
/** Runs in one store batch, so that writing them takes no longer than a millisecond of the event loop. */
const WRITE_RUNS_MAX = 100;
/** The newest runs are kept: some 100 MB of single queries. */
const RUNS_KEPT_MAX = 200_000;
export const LIST_LIMIT_DEFAULT = 50;
export const LIST_LIMIT_MAX = 500;

export interface QueryRunsOptions {
  /** A store of its own: it has keys of every kind. The caller closes it, after `stop`. */
  readonly store: Store;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly runsKeptMax?: number;
}

export interface RunPage {
  readonly runs: readonly QueryRun[];
  /** Where the next page begins; absent on the last. */
  readonly nextCursor?: string;
}

/** The audit of queries: written behind a bounded queue, after the answers; no query waits or fails for it. */
export class QueryRuns implements RunRecorder {
  readonly #store: Store;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #runsKeptMax: number;
  readonly #queue: EndedQuery[] = [];
  readonly #counters = { recorded: 0, dropped: 0, failed: 0 };
  #queuedEntities = 0;
  #kept: number;
  #writing: Promise<void> | undefined;

  private constructor({ store, randomBytes, runsKeptMax }: QueryRunsOptions, kept: number) {
    this.#store = store;
    this.#randomBytes = randomBytes;
    this.#runsKeptMax = runsKeptMax ?? RUNS_KEPT_MAX;
    this.#kept = kept;
  }

  static async open(options: QueryRunsOptions): Promise<QueryRuns> {
    let kept = 0;
    for await (const [key] of options.store.entries(runRange(undefined))) kept += Math.sign(key.length);
    return new QueryRuns(options, kept);
  }

  /** For metrics: `dropped` found the queue full, `failed` could not be written. */
  get counters(): { readonly recorded: number; readonly dropped: number; readonly failed: number } {
    return this.#counters;
  }

  newId(createdUs: number): string {
    return newRunId(createdUs, this.#randomBytes);
  }

  record(query: EndedQuery): void {
    if (this.#queue.length >= QUEUE_LENGTH_MAX || this.#queuedEntities + query.entityCount > QUEUE_ENTITIES_MAX) {
      this.#counters.dropped++;
      return;
    }
    this.#queue.push(query);
    this.#queuedEntities += query.entityCount;
    this.#writing ??= this.#write();
  }

  /** Resolves once everything recorded so far is written, or counted as failed. */
  async stop(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Newest first. */
  async list(options: { readonly featureset?: string; readonly limit?: number; readonly cursor?: string }): Promise<RunPage> {
    const { featureset, limit = LIST_LIMIT_DEFAULT, cursor } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > LIST_LIMIT_MAX) throw invalidArgument('limit', `send a whole number from 1 to ${LIST_LIMIT_MAX}`);
    if (cursor !== undefined && !isRunId(cursor)) throw invalidArgument('cursor', 'this is no cursor: pass the next_cursor of the page before, unchanged');
    const range = featureset === undefined ? runRange(cursor) : runOfRange(featureset, cursor);
    const runs: QueryRun[] = [];
    for await (const [key] of this.#store.entries({ ...range, reverse: true, limit: limit + 1 })) {
      const run = this.#find(idOfKey(key));
      if (run !== undefined) runs.push(run);
    }
    const page = runs.slice(0, limit);
    const last = page.at(-1);
    return { runs: page, ...(runs.length > limit && last !== undefined ? { nextCursor: last.id } : {}) };
  }

  /** NOT_FOUND for an id that never was, is not written yet, or is no longer kept. */
  get(id: string): QueryRun {
    const run = isRunId(id) ? this.#find(id) : undefined;
    if (run === undefined) throw new ThymeError('THYME_NOT_FOUND', 'NOT_FOUND', `no query run '${id.slice(0, 64)}': the newest ${this.#runsKeptMax} are kept`);
    return run;
  }

  #find(id: string): QueryRun | undefined {
    const value = this.#store.get(runKey(id));
    // Written by #writeSome, and by nobody else.
    return value === undefined ? undefined : (JSON.parse(Buffer.from(value).toString('utf8')) as QueryRun);
  }

  async #write(): Promise<void> {
    await setImmediate(); // the answer goes first
    while (this.#queue.length > 0) {
      const ended = this.#queue.splice(0, WRITE_RUNS_MAX);
      for (const { entityCount } of ended) this.#queuedEntities -= entityCount;
      try {
        await this.#writeSome(ended);
        this.#counters.recorded += ended.length;
      } catch {
        this.#counters.failed += ended.length; // a metric, never a query's failure
      }
      await setImmediate();
    }
    this.#writing = undefined;
  }

  async #writeSome(ended: readonly EndedQuery[]): Promise<void> {
    const batch = this.#store.batch();
    for (const query of ended) {
      const run = query.toRun();
      batch.put(runKey(run.id), Buffer.from(JSON.stringify(run), 'utf8'));
      batch.put(runOfKey(run.featureset, run.id), new Uint8Array());
    }
    await batch.write({ sync: false });
    this.#kept += ended.length;
    if (this.#kept > this.#runsKeptMax) await this.#forgetOldest(this.#kept - this.#runsKeptMax);
  }

  async #forgetOldest(count: number): Promise<void> {
    const batch = this.#store.batch();
    let forgotten = 0;
    for await (const [key] of this.#store.entries({ ...runRange(undefined), limit: count })) {
      const run = this.#find(idOfKey(key));
      if (run !== undefined) batch.delete(runOfKey(run.featureset, run.id));
      batch.delete(key);
      forgotten++;
    }
    await batch.write({ sync: false });
    this.#kept -= forgotten;
  }
}
