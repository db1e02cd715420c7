import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bearerKey, type Authorize, type Caller } from '../config/api-keys.js';
import { invalidArgument, ThymeError } from '../errors/errors.js';
import type { CallContext } from '../rpc/handlers.js';
import type { Logger } from '../telemetry/logger.js';
import { LATENCY_BUCKETS_SECONDS, type MetricsRegistry } from '../telemetry/metrics.js';
import { TRACE_HEADERS, withSpan } from '../telemetry/tracing.js';
import type { Clock } from '../time/clock.js';
import { HttpError } from './http-error.js';
import { isOurFault, toProblem } from './problem.js';
import { checkBodyType, readBody } from './request-body.js';
import type { RestRequest, RestResponse, Route } from './route.js';
import type { RoutedRequest, Router } from './router.js';

export interface ExchangeOptions {
  readonly router: Router;
  readonly authorize: Authorize;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
}

/** Answers requests; knows those that are open, to end them when the server stops. */
export interface Exchange {
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** From now on each answer closes its connection. */
  drain(): void;
  abortAll(reason: ThymeError): void;
}

/** For routes that do not say; within what clients wait by default. */
const TIMEOUT_MS = 30_000;

/** Why a request's signal aborts once its connection is done with it. One for all: making one, with its stack, costs as much as routing. */
const OVER = new DOMException('the request is over', 'AbortError');

/** Sent with every answer: it is for programs, belongs to nobody's cache and is no page. */
const FIXED_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export function createExchange(options: ExchangeOptions): Exchange {
  const { clock, logger, metrics } = options;
  const open = new Set<Call>();
  const total = metrics.counter({ name: 'thyme_http_requests_total', help: 'HTTP requests by outcome.', labels: ['method', 'route', 'status'] });
  const seconds = metrics.histogram({ name: 'thyme_http_seconds', help: 'Duration of HTTP requests.', labels: ['route'], bounds: LATENCY_BUCKETS_SECONDS });
  let draining = false;

  return {
    async answer(request, response) {
      const startUs = clock.nowUs();
      const controller = new AbortController();
      const call: Call = { options, request, response, controller, routed: undefined };
      open.add(call);
      response.once('close', () => {
        open.delete(call);
        controller.abort(OVER); // answered, or the client has gone
        if (draining) request.socket.end();
      });
      if (draining) closeAfter(response);
      try {
        await respond(call);
      } catch (error) {
        if (isOurFault(error) && !isGone(call, error)) logger.error('request failed', { method: request.method, route: call.routed?.route.path, error });
        refuse(response, error);
      } finally {
        const route = call.routed?.route.path ?? 'none'; // the route, not the path, which a stranger chooses
        total.add({ method: knownMethod(request.method), route, status: String(response.statusCode) });
        seconds.observe((clock.nowUs() - startUs) / 1e6, { route });
      }
    },
    drain() {
      draining = true;
      for (const { response } of open) closeAfter(response);
    },
    abortAll(reason) {
      for (const { controller } of open) controller.abort(reason);
    },
  };
}

interface Call {
  readonly options: ExchangeOptions;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly controller: AbortController;
  routed: RoutedRequest | undefined;
}

async function respond(call: Call): Promise<void> {
  const { options, request, response } = call;
  const mark = request.url?.indexOf('?') ?? -1;
  const path = mark < 0 ? (request.url ?? '/') : (request.url ?? '').slice(0, mark);
  const routed = options.router.find(request.method ?? 'GET', path);
  call.routed = routed;
  // A page of another site may not make the browser of one who can reach this server send it anything.
  if (request.method === 'POST' && request.headers['sec-fetch-site'] === 'cross-site') throw new HttpError(403, 'requests from pages of other sites are refused');
  const caller = options.authorize(routed.route.scope, bearerKey(request.headers.authorization));
  const contentType = checkBodyType(request, routed.route.body);
  const query = parseQuery(mark < 0 ? '' : (request.url ?? '').slice(mark + 1));
  const body = await readBody(request, routed.route.body);
  const rest: Omit<RestRequest, 'context'> = { pathParameters: routed.pathParameters, query, accept: request.headers.accept, contentType, body, caller };
  const span = { name: `${routed.route.method} ${routed.route.path}`, kind: 'server' as const, parent: traceHeadersOf(request) };
  await withSpan(span, () => handleWithin(call, routed.route, rest, (answer, signal) => send(response, answer, signal)));
}

/** Runs handler and answer under the route's deadline, in time even where the handler does not heed its signal. */
async function handleWithin(call: Call, route: Route, rest: Omit<RestRequest, 'context'>, send: (answer: RestResponse, signal: AbortSignal) => Promise<void>): Promise<void> {
  const { controller, options: { clock } } = call;
  const { signal } = controller;
  const timeoutMs = route.timeoutMs ?? TIMEOUT_MS;
  const finished = new AbortController();
  void clock.sleep(timeoutMs, finished.signal).then(() => {
    if (!finished.signal.aborted) controller.abort(new ThymeError('THYME_DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', `there was no answer within ${timeoutMs / 1_000} s`));
  });
  const context = contextOf(signal, new Date(clock.nowUs() / 1_000 + timeoutMs), rest.caller);
  const aborted = new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  aborted.catch(() => undefined); // it rejects after every answer, too
  try {
    const answer = await Promise.race([Promise.resolve(route.handle({ ...rest, context })), aborted]);
    await send(answer, signal);
  } finally {
    finished.abort(OVER);
  }
}

/** Tells the client not to use the connection again, where it is not too late for headers. */
function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

async function send(response: ServerResponse, { status, headers, body }: RestResponse, signal: AbortSignal): Promise<void> {
  if (typeof body === 'string' || body instanceof Uint8Array) {
    response.writeHead(status, { ...FIXED_HEADERS, ...headers, 'content-length': Buffer.byteLength(body) });
    response.end(body);
    return;
  }
  response.writeHead(status, { ...FIXED_HEADERS, ...headers });
  for await (const chunk of body) {
    signal.throwIfAborted();
    if (!response.write(chunk)) await once(response, 'drain', { signal });
  }
  response.end();
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy(); // H2
    return;
  }
  if (response.destroyed) return;
  const { status, headers, body } = toProblem(error);
  response.writeHead(status, { ...FIXED_HEADERS, ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Parameters by name. A Map: a parameter called `__proto__` is one like any other. */
function parseQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (query.has(name)) throw invalidArgument(name.slice(0, 64), 'is given twice');
    query.set(name, value);
  }
  return query;
}

function contextOf(signal: AbortSignal, deadline: Date, { apiKeyFingerprint }: Caller): CallContext {
  return { signal, deadline, ...(apiKeyFingerprint === undefined ? {} : { apiKeyFingerprint }) };
}

function traceHeadersOf({ headers }: IncomingMessage): ReadonlyMap<string, string> {
  return new Map(TRACE_HEADERS.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]] as const] : [])));
}

/** The client left, so that nobody is missing an answer. */
function isGone({ controller, response }: Call, error: unknown): boolean {
  return response.destroyed && controller.signal.aborted && (error === controller.signal.reason || (error instanceof Error && error.name === 'AbortError'));
}

function knownMethod(method: string | undefined): string {
  return method === 'GET' || method === 'POST' || method === 'HEAD' ? method : 'other';
}
