/** How to reach a deployment. Reads and commits may have bases of their own (REST.md, "Ports"). */
export interface RestClientOptions {
  /** `http://127.0.0.1:8080`; a trailing `/api/v1/commit` is understood and cut off. */
  readonly apiUrl: string;
  /** Base for `/features`; the API's when absent. */
  readonly queryUrl?: string;
  readonly apiKey?: string;
  /** How long one request may take, ms. */
  readonly timeoutMs?: number;
}

export interface RestAnswer {
  /** Parsed JSON. */
  readonly body: unknown;
  readonly queryRunId: string | undefined;
}

const REQUEST_TIMEOUT_MS = 60_000;

/** A request that the deployment refused, in its own words; or one that found no deployment. */
export class RestError extends Error {
  override readonly name = 'RestError';

  constructor(
    /** The HTTP status; 0 where no answer came. */
    readonly status: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Thyme's REST interface: JSON in and out, problems as errors. */
export class RestClient {
  readonly #options: RestClientOptions;

  constructor(options: RestClientOptions) {
    this.#options = options;
  }

  async get(path: string, parameters: Readonly<Record<string, string | undefined>> = {}): Promise<RestAnswer> {
    const url = this.#url(path);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return parsed(await this.#send(url, { method: 'GET' }));
  }

  async post(path: string, body: unknown): Promise<RestAnswer> {
    return parsed(await this.postRaw(path, JSON.stringify(body), 'application/json'));
  }

  /** Posts bytes or text as they are and gives the response, once its status is known to be good. */
  async postRaw(path: string, body: string | Uint8Array<ArrayBuffer>, contentType: string, accept = 'application/json'): Promise<Response> {
    return this.#send(this.#url(path), { method: 'POST', body, headers: { 'content-type': contentType, accept } });
  }

  #url(path: string): URL {
    const { apiUrl, queryUrl } = this.#options;
    const base = path.startsWith('/features') ? (queryUrl ?? apiUrl) : apiUrl;
    return new URL(base.replace(/\/api\/v1\/commit\/?$/, '').replace(/\/$/, '') + path);
  }

  async #send(url: URL, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#options.apiKey !== undefined) headers.set('authorization', `Bearer ${this.#options.apiKey}`);
    const signal = AbortSignal.timeout(this.#options.timeoutMs ?? REQUEST_TIMEOUT_MS);
    let response: Response;
    try {
      response = await fetch(url, { ...init, headers, signal });
    } catch (error) {
      throw new RestError(0, unreachable(url, error), { cause: error });
    }
    if (!response.ok) throw new RestError(response.status, await problemText(response));
    return response;
  }
}

/** Of TLS: a certificate that is not to be trusted, as far as this process knows. */
const CERTIFICATE_ERROR = /CERT|SIGNATURE|UNABLE_TO_VERIFY|ALTNAME/;

function unreachable(url: URL, error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (CERTIFICATE_ERROR.test(code)) return `the certificate of ${url.origin} is not trusted (${code}): name its authority by NODE_EXTRA_CA_CERTS=FILE, and the host as it stands in the certificate`;
  return `no answer from ${url.origin}: is \`thyme serve\` running there${url.protocol === 'http:' ? '' : ', and with TLS'}?`;
}

async function parsed(response: Response): Promise<RestAnswer> {
  return { body: JSON.parse(await response.text()) as unknown, queryRunId: response.headers.get('x-query-run-id') ?? undefined };
}

/** The problem's own words (RFC 9457), one line an error. */
async function problemText(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const problem = JSON.parse(text) as { readonly detail?: unknown; readonly error?: unknown; readonly errors?: readonly { readonly index?: number; readonly error?: string }[] };
    const lines = [typeof problem.detail === 'string' ? problem.detail : typeof problem.error === 'string' ? problem.error : text];
    for (const { index, error } of problem.errors ?? []) lines.push(`  event ${String(index)}: ${String(error)}`);
    return lines.join('\n');
  } catch {
    return `HTTP ${response.status}: ${text.slice(0, 500)}`;
  }
}
