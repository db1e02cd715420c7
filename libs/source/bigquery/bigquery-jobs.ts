import type { BigQuery, Job } from '@google-cloud/bigquery';
import { SourceError } from '../source-error.js';
import type { BoundSelect } from '../table/table-sql.js';
import { unlessAborted } from '../unless-aborted.js';
import { bigqueryError } from './bigquery-error.js';
import type { WireRow } from './bigquery-values.js';

/** After that the service ends the job. */
const JOB_MS = 300_000;
/** How long the service lets one question for the job's rows wait for its end, unless told: the library fails where it is told. */
const ANSWER_WAIT_MS = 10_000;

/** As the service's reference draws the answer to jobs.getQueryResults. */
interface Results {
  readonly jobComplete?: boolean;
  readonly pageToken?: string;
  readonly rows?: readonly WireRow[];
  readonly totalBytesProcessed?: string;
}

export interface RunOptions {
  readonly select: BoundSelect;
  readonly pageRows: number;
  readonly maximumBytesBilled: string | undefined;
}

export interface RunningQuery {
  /** When the service took the job, by its own clock. */
  readonly createdUs: number;
  readonly pages: AsyncIterable<readonly WireRow[]>;
}

/** Statements as jobs, whose results are one snapshot each, page by page. */
export class BigQueryJobs {
  readonly #client: BigQuery;
  #queries = 0;
  #bytes = 0;

  constructor(client: BigQuery) {
    this.#client = client;
  }

  /** What was read for them so far, as the service bills it. */
  get cost(): { readonly queries: number; readonly bytes: number } {
    return { queries: this.#queries, bytes: this.#bytes };
  }

  async run({ select, pageRows, maximumBytesBilled }: RunOptions, signal: AbortSignal): Promise<RunningQuery> {
    const query = { ...queryOf(select), ...(maximumBytesBilled === undefined ? {} : { maximumBytesBilled }) };
    const configuration = { jobTimeoutMs: String(JOB_MS), labels: { application: 'thyme' }, query };
    const [job] = await this.#asked('beginning a query failed', this.#client.createJob({ configuration }), signal);
    const { statistics } = job.metadata as { readonly statistics?: { readonly creationTime?: string } }; // the library says any
    const createdUs = Number(statistics?.creationTime) * 1_000;
    if (!Number.isSafeInteger(createdUs))
      throw new SourceError('retry', 'THYME_SOURCE_BIGQUERY', 'beginning a query failed: the service does not say when it took the job');
    return { createdUs, pages: this.#pages(job, pageRows, signal) };
  }

  /** How many bytes the statement would read; nothing is read for that. */
  async dryRun(select: BoundSelect, signal: AbortSignal): Promise<number> {
    const configuration = { dryRun: true, query: queryOf(select) };
    const [job] = await this.#asked('checking the query failed', this.#client.createJob({ configuration }), signal);
    const { statistics } = job.metadata as { readonly statistics?: { readonly query?: { readonly totalBytesProcessed?: string } } }; // any
    return Number(statistics?.query?.totalBytesProcessed ?? 0);
  }

  async *#pages(job: Job, pageRows: number, signal: AbortSignal): AsyncGenerator<readonly WireRow[]> {
    let isDone = false;
    try {
      let results = await this.#whenDone(job, pageRows, signal);
      isDone = true;
      this.#queries++;
      this.#bytes += Number(results.totalBytesProcessed ?? 0);
      for (;;) {
        const { rows = [], pageToken } = results;
        if (rows.length > 0) yield rows;
        if (pageToken === undefined) return;
        results = await this.#results(job, pageRows, signal, pageToken);
      }
    } finally {
      if (!isDone) void job.cancel().catch(() => undefined); // nobody reads what it would cost
    }
  }

  async #whenDone(job: Job, pageRows: number, signal: AbortSignal): Promise<Results> {
    for (let waitedMs = 0; waitedMs <= JOB_MS; waitedMs += ANSWER_WAIT_MS) {
      const results = await this.#results(job, pageRows, signal);
      if (results.jobComplete === true) return results;
    }
    throw new SourceError('retry', 'THYME_SOURCE_BIGQUERY', `a query did not end within ${JOB_MS / 1_000} s: it is cancelled`);
  }

  async #results(job: Job, maxResults: number, signal: AbortSignal, pageToken?: string): Promise<Results> {
    const options = { autoPaginate: false, skipParsing: true, maxResults, ...(pageToken === undefined ? {} : { pageToken }) };
    const [rows, , answer] = await this.#asked('reading the rows of a query failed', job.getQueryResults(options), signal);
    return { ...(answer as Results), rows: rows as readonly WireRow[] }; // not parsed: as the service sent them
  }

  async #asked<T>(doing: string, work: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await unlessAborted(work, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw bigqueryError(doing, error);
    }
  }
}

function queryOf({ text, values }: BoundSelect): Readonly<Record<string, unknown>> & { readonly query: string } {
  return {
    query: text,
    useLegacySql: false,
    ...(values.length === 0
      ? {}
      : {
          parameterMode: 'NAMED',
          queryParameters: values.map(({ value, sqlType }, i) => ({
            name: `p${i}`,
            parameterType: { type: sqlType },
            parameterValue: { value },
          })),
        }),
  };
}
