import type { FieldViolation } from '../errors/errors.js';
import { NDJSON_TYPE } from '../rest/route.js';
import { answerLines } from './answer-lines.js';
import { systemClock } from '../time/clock.js';
import { withRetries } from './retries.js';
import { DeadlineError, RestError, UnreachableError } from './rest-error.js';

export { RestError };

/** How to reach a deployment. Reads and commits may have bases of their own (REST.md, "Ports"). */
export interface RestClientOptions {
  /** `http://127.0.0.1:8080`; a trailing `/api/v1/commit` is understood and cut off. */
  readonly apiUrl: string;
  /** Base for `/features`; the API's when absent. */
  readonly queryUrl?: string;
  readonly apiKey?: string | undefined;
  /** Where there is no `apiKey`: the key for this server, asked for once for each; undefined to send none. */
  readonly keyOf?: ((url: URL) => Promise<string | undefined>) | undefined;
  /** How long one request may take, ms. */
  readonly timeoutMs?: number;
  /** How often a request that `mayRepeat` is made again; never where it is absent. */
  readonly retries?: number;
}

/** Of one request. */
export interface RequestOptions {
  /** Ends the request; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long it may take, with all that it is made again, ms. Rejects with DeadlineError after that. */
  readonly timeoutMs?: number | undefined;
  /** Made twice it does what it does once. */
  readonly mayRepeat?: boolean | undefined;
}

export interface RestAnswer {
  /** Parsed JSON. */
  readonly body: unknown;
  readonly queryRunId: string | undefined;
}

const REQUEST_TIMEOUT_MS = 60_000;
/** For an answer that is read line by line: as long as the deployment takes for it at most. */
const STREAM_TIMEOUT_MS = 600_000;

/** Thyme's REST interface: JSON in and out, problems as errors. */
export class RestClient {
  readonly #options: RestClientOptions;
  readonly #keys = new Map<string, Promise<string | undefined>>();

  constructor(options: RestClientOptions) {
    this.#options = options;
  }

  async get(
    path: string,
    parameters: Readonly<Record<string, string | undefined>> = {},
    options: RequestOptions = {},
  ): Promise<RestAnswer> {
    const url = this.#url(path);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return this.#call(url, { method: 'GET' }, options, parsed);
  }

  /** The response as it is, once its status is known to be good. */
  async getRaw(path: string, options: RequestOptions = {}): Promise<Response> {
    return this.#call(this.#url(path), { method: 'GET' }, options, (response) => Promise.resolve(response));
  }

  async post(path: string, body: unknown, options: RequestOptions = {}): Promise<RestAnswer> {
    return this.postText(path, JSON.stringify(body), options);
  }

  /** The same for a body that is JSON text already. */
  async postText(path: string, body: string, options: RequestOptions = {}): Promise<RestAnswer> {
    return this.#call(this.#url(path), { method: 'POST', body, headers: JSON_HEADERS }, options, parsed);
  }

  /** Posts bytes or text as they are and gives the response, once its status is known to be good. */
  async postRaw(path: string, body: NonNullable<RequestInit['body']>, contentType: string, accept = 'application/json'): Promise<Response> {
    const init = { method: 'POST', body, headers: { 'content-type': contentType, accept } };
    return this.#call(this.#url(path), init, {}, (response) => Promise.resolve(response));
  }

  /**
   * Posts JSON and gives the answer's lines as they come (NDJSON); a last line says how many there were. Rejects where
   * some are missing.
   */
  async postLines(path: string, body: string): Promise<{ readonly lines: AsyncIterable<string>; readonly queryRunId: string | undefined }> {
    const init = { method: 'POST', body, headers: { ...JSON_HEADERS, accept: NDJSON_TYPE } };
    const timeoutMs = this.#options.timeoutMs ?? STREAM_TIMEOUT_MS;
    return this.#call(this.#url(path), init, { timeoutMs }, (response) =>
      Promise.resolve({ lines: answerLines(response), queryRunId: runIdOf(response) }),
    );
  }

  #url(path: string): URL {
    const { apiUrl, queryUrl } = this.#options;
    const base = path.startsWith('/features') ? (queryUrl ?? apiUrl) : apiUrl;
    return new URL(base.replace(/\/api\/v1\/commit\/?$/, '').replace(/\/$/, '') + path);
  }

  #keyOf(url: URL): Promise<string | undefined> | undefined {
    const { keyOf } = this.#options;
    if (keyOf === undefined) return undefined;
    const known = this.#keys.get(url.origin);
    if (known !== undefined) return known;
    const key = keyOf(url);
    this.#keys.set(url.origin, key);
    void key.then((found) => found ?? this.#keys.delete(url.origin)); // asked for again: the server may not have answered yet
    return key;
  }

  async #call<T>(url: URL, init: RequestInit, options: RequestOptions, read: (response: Response) => Promise<T>): Promise<T> {
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
    const attempt = async (): Promise<T> => {
      const headers = await this.#headersOf(url, init);
      let response: Response;
      try {
        response = await fetch(url, { ...init, headers, signal });
        if (response.ok) return await read(response);
      } catch (error) {
        throw new UnreachableError(unreachable(url, error), { cause: error });
      }
      throw await refusalOf(response);
    };
    try {
      const max = options.mayRepeat === true ? (this.#options.retries ?? 0) : 0;
      return await withRetries(attempt, { max, clock: systemClock, signal });
    } catch (error) {
      options.signal?.throwIfAborted();
      if (timeout.aborted) throw new DeadlineError(`no answer from ${url.origin} within ${timeoutMs} ms`, { cause: error });
      throw error;
    }
  }

  async #headersOf(url: URL, init: RequestInit): Promise<Headers> {
    const headers = new Headers(init.headers);
    const apiKey = this.#options.apiKey ?? (await this.#keyOf(url));
    if (apiKey !== undefined) headers.set('authorization', `Bearer ${apiKey}`);
    return headers;
  }
}

const JSON_HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

/** What TLS says of a certificate that is not to be trusted, as far as this process knows. */
const CERTIFICATE_ERROR = /CERT|SIGNATURE|UNABLE_TO_VERIFY|ALTNAME/;

function unreachable(url: URL, error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (CERTIFICATE_ERROR.test(code))
    return `the certificate of ${url.origin} is not trusted (${code}): name its authority by NODE_EXTRA_CA_CERTS=FILE, and the host as it stands in the certificate`;
  return `no answer from ${url.origin}: is \`thyme serve\` running there${url.protocol === 'http:' ? '' : ', and with TLS'}?`;
}

async function parsed(response: Response): Promise<RestAnswer> {
  return { body: JSON.parse(await response.text()) as unknown, queryRunId: runIdOf(response) };
}

function runIdOf({ headers }: Response): string | undefined {
  return headers.get('x-query-run-id') ?? undefined;
}

/** The problem's own words (RFC 9457), one line an error. */
async function refusalOf(response: Response): Promise<RestError> {
  const { status, headers } = response;
  const text = await response.text().catch(() => '');
  const retryAfterS = Number(headers.get('retry-after') ?? Number.NaN);
  const found = { queryRunId: runIdOf(response), retryAfterMs: Number.isFinite(retryAfterS) ? retryAfterS * 1_000 : undefined };
  try {
    const problem = JSON.parse(text) as {
      readonly type?: unknown;
      readonly detail?: unknown;
      readonly error?: unknown;
      readonly errors?: readonly { readonly index?: number; readonly error?: string }[];
      readonly violations?: readonly FieldViolation[];
    };
    const lines = [typeof problem.detail === 'string' ? problem.detail : typeof problem.error === 'string' ? problem.error : text];
    for (const { index, error } of problem.errors ?? []) lines.push(`  event ${String(index)}: ${String(error)}`);
    const [, code] = /^urn:thyme:error:(THYME_\w+)$/.exec(String(problem.type)) ?? [];
    return new RestError(status, lines.join('\n'), { ...found, code, problem, violations: problem.violations ?? [] });
  } catch {
    return new RestError(status, `HTTP ${status}: ${text.slice(0, 500)}`, found);
  }
}
