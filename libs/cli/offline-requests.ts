import { encodeExactJson } from '../codec/exact-json.js';
import { invalidArgument } from '../errors/errors.js';
import type { RestClient } from '../client/rest-client.js';
import { RestError } from '../client/rest-error.js';
import { systemClock } from '../time/clock.js';
import type { SpineRow } from './spine.js';

/**
 * The limits of one request. All rows of a request are judged before the first is answered: the larger it is, the
 * sooner a bad row is told. Both are below the deployment's own limits, 100,000 rows and 32 MiB.
 */
const REQUEST_ROWS_MAX = 50_000;
const REQUEST_TEXT_MAX = 16 * 1024 * 1024;

/** Times that a request is sent again after no answer, or one that asks for patience; each wait is twice the one before. */
const RETRIES_MAX = 5;
const RETRY_MS = 500;
const PATIENCE: readonly number[] = [0, 429, 503, 504];

export interface OfflineHead {
  readonly featureset: string;
  readonly knownAt: string | undefined;
  /** The run that the first request goes on with. */
  readonly queryRunId?: string | undefined;
}

/** Who takes the answers, in the order of the rows. */
export interface OfflineAnswers {
  /** One row's answer: a line of JSON. */
  row(line: string): Promise<void> | void;
  /** All rows since the last call were answered by this run: one for all of them, unless the deployment has lost it meanwhile. */
  end(queryRunId: string): Promise<void> | void;
}

interface Request {
  /** As JSON. */
  readonly queries: readonly string[];
  /** Where the row of each query stands. */
  readonly places: readonly string[];
}

/** Asks for rows in their order, in as few requests as the limits allow. */
export class OfflineAsker {
  readonly #head: OfflineHead;
  readonly #client: RestClient;
  readonly #answers: OfflineAnswers;
  #answered = 0;
  #queryRunId: string | undefined;

  constructor(head: OfflineHead, client: RestClient, answers: OfflineAnswers) {
    [this.#head, this.#client, this.#answers, this.#queryRunId] = [head, client, answers, head.queryRunId];
  }

  async ask(rows: Iterable<SpineRow> | AsyncIterable<SpineRow>): Promise<void> {
    let queries: string[] = [];
    let places: string[] = [];
    let textLength = 0;
    const flush = async (): Promise<void> => {
      await this.#patiently({ queries, places });
      [queries, places, textLength] = [[], [], 0];
    };
    for await (const { query, place } of rows) {
      const text = encodeQuery(query, place);
      if (queries.length === REQUEST_ROWS_MAX || textLength + text.length > REQUEST_TEXT_MAX) await flush();
      queries.push(text);
      places.push(place);
      textLength += text.length;
    }
    if (queries.length > 0) await flush();
  }

  /**
   * What was answered before an interruption stays answered: the rest is asked again. A deployment that has answered nothing yet is
   * not waited for.
   */
  async #patiently(request: Request): Promise<void> {
    let rest = request;
    for (let attempt = 0; ; attempt++) {
      const { answered, failure } = await this.#once(rest);
      this.#answered += answered;
      if (failure === undefined) return;
      if (answered > 0) attempt = 0;
      const isWorthIt = failure instanceof RestError && PATIENCE.includes(failure.status) && this.#answered > 0 && attempt < RETRIES_MAX;
      if (!isWorthIt) throw placed(failure, rest.places, answered);
      await systemClock.sleep(RETRY_MS * 2 ** attempt, new AbortController().signal);
      rest = { queries: rest.queries.slice(answered), places: rest.places.slice(answered) };
    }
  }

  async #once({ queries }: Request): Promise<{ readonly answered: number; readonly failure?: unknown }> {
    const { featureset, knownAt } = this.#head;
    const known = knownAt === undefined ? '' : `,"known_at":${JSON.stringify(knownAt)}`;
    const run = this.#queryRunId === undefined ? '' : `,"query_run_id":${JSON.stringify(this.#queryRunId)}`;
    const body = `{"featureset":${JSON.stringify(featureset)}${known}${run},"queries":[${queries.join(',')}]}`;
    let answered = 0;
    let failure: unknown;
    try {
      const { lines, queryRunId = '' } = await this.#client.postLines('/features/offline', body);
      this.#queryRunId = queryRunId === '' ? this.#queryRunId : queryRunId;
      for await (const line of lines) {
        await this.#answers.row(line);
        answered++;
      }
    } catch (error) {
      failure = error;
    }
    if (answered > 0) await this.#answers.end(this.#queryRunId ?? '');
    return failure === undefined ? { answered } : { answered, failure };
  }
}

function encodeQuery(query: SpineRow['query'], place: string): string {
  try {
    return encodeExactJson(query);
  } catch (error) {
    throw error instanceof RangeError ? invalidArgument(place, error.message) : error;
  }
}

/** The same refusal, with the row's place in the file instead of its number in the request. */
function placed(error: unknown, places: readonly string[], answered: number): unknown {
  if (!(error instanceof RestError)) return error;
  if (answered > 0) return new RestError(error.status, `${places[answered] ?? 'the end'}: ${error.message}`, { cause: error });
  const [violation] = error.violations;
  const match = /^queries\[(\d+)\][.:]?\s*/.exec(violation?.field ?? '');
  const place = places[Number(match?.[1])];
  if (violation === undefined || match === null || place === undefined) return error;
  const member = violation.field.slice(match[0].length);
  return new RestError(error.status, `${place}: ${member === '' ? '' : `${member}: `}${violation.description}`, { cause: error });
}
