import type { IncomingMessage, ServerResponse } from 'node:http';
import { bearerKey, type Authorize, type Caller } from '../config/api-keys.js';
import { invalidArgument, type ThymeError } from '../errors/errors.js';
import { LiveContext } from '../rpc/call-lifetime.js';
import { Deadlines } from '../rpc/deadlines.js';
import type { CallContext } from '../rpc/handlers.js';
import type { Logger } from '../telemetry/logger.js';
import { LATENCY_BUCKETS_SECONDS, type MetricsRegistry } from '../telemetry/metrics.js';
import { TRACE_HEADERS, withSpan } from '../telemetry/tracing.js';
import type { Clock } from '../time/clock.js';
import { closeAfter, sendAnswer, sendRefusal } from './answer.js';
import { Call } from './call.js';
import { HttpError } from './http-error.js';
import { isOurFault } from './problem.js';
import { checkBodyType, readBody } from './request-body.js';
import type { RestRequest, Route } from './route.js';
import type { Router } from './router.js';

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
  /** After the last answer. */
  close(): void;
}

interface Answering extends ExchangeOptions {
  readonly deadlines: Deadlines;
}

export function createExchange(options: ExchangeOptions): Exchange {
  const { clock, logger, metrics } = options;
  const open = new Set<Call>();
  const answering: Answering = { ...options, deadlines: new Deadlines(clock, open) };
  const total = metrics.counter({ name: 'thyme_http_requests_total', help: 'HTTP requests by outcome.', labels: ['method', 'route', 'status'] });
  const seconds = metrics.histogram({ name: 'thyme_http_seconds', help: 'Duration of HTTP requests.', labels: ['route'], bounds: LATENCY_BUCKETS_SECONDS });
  let draining = false;

  return {
    async answer(request, response) {
      const startUs = clock.nowUs();
      const call = new Call(request, response);
      open.add(call);
      response.on('close', () => {
        open.delete(call);
        call.closed();
        if (draining) request.socket.end();
      });
      if (draining) closeAfter(response);
      try {
        await respond(call, answering);
      } catch (error) {
        if (isOurFault(error) && !call.isGone(error)) logger.error('request failed', { method: request.method, route: call.routed?.route.path, error });
        sendRefusal(response, error);
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
      for (const { lifetime } of open) lifetime.abort(reason);
    },
    close: () => answering.deadlines.close(),
  };
}

async function respond(call: Call, answering: Answering): Promise<void> {
  const { request } = call;
  const { url = '/', method = 'GET', headers } = request;
  const mark = url.indexOf('?');
  const routed = answering.router.find(method, mark < 0 ? url : url.slice(0, mark));
  const { route, pathParameters } = routed;
  call.routed = routed;
  // A page of another site may not make the browser of one who can reach this server send it anything.
  if (method === 'POST' && headers['sec-fetch-site'] === 'cross-site') throw new HttpError(403, 'requests from pages of other sites are refused');
  const caller = answering.authorize(route.scope, bearerKey(headers.authorization));
  const contentType = checkBodyType(request, route.body);
  const query = mark < 0 ? NO_PARAMETERS : parseQuery(url.slice(mark + 1));
  const body = await readBody(request, route.body);
  const span = { name: `${route.method} ${route.path}`, kind: 'server' as const, parent: traceHeadersOf(request) };
  await withSpan(span, () => handleWithin(call, route, { pathParameters, query, accept: headers.accept, contentType, body, caller, context: begin(call, caller, answering) }));
}

/** The answer's time begins. */
function begin(call: Call, { apiKeyFingerprint }: Caller, { clock, deadlines }: Answering): CallContext {
  call.begin(clock.nowUs());
  deadlines.heed(call.dueUs);
  return new LiveContext(call.lifetime, { deadline: new Date(call.dueUs / 1_000), apiKeyFingerprint });
}

/** Runs handler and answer until the call is over, in time even where the handler does not heed its signal. */
async function handleWithin({ lifetime, response }: Call, route: Route, request: RestRequest): Promise<void> {
  const answer = route.handle(request);
  await sendAnswer(response, answer instanceof Promise ? await lifetime.race(answer) : answer, lifetime);
}

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

/** Parameters by name. A Map: a parameter called `__proto__` is one like any other. */
function parseQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (query.has(name)) throw invalidArgument(name.slice(0, 64), 'is given twice');
    query.set(name, value);
  }
  return query;
}

function traceHeadersOf({ headers }: IncomingMessage): ReadonlyMap<string, string> {
  if (TRACE_HEADERS.every((name) => headers[name] === undefined)) return NO_PARAMETERS;
  return new Map(TRACE_HEADERS.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]] as const] : [])));
}

function knownMethod(method: string | undefined): string {
  return method === 'GET' || method === 'POST' || method === 'HEAD' ? method : 'other';
}
