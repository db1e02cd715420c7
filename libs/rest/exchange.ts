import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { bearerKey, type Authorize, type Caller } from '../config/api-keys.js';
import type { ThymeError } from '../errors/errors.js';
import { incidentOf } from '../errors/incident.js';
import { placeOf } from '../limits/connections.js';
import type { OpenCalls } from '../limits/open-calls.js';
import type { ProcessLimits } from '../limits/process-limits.js';
import { LiveContext } from '../rpc/call-lifetime.js';
import { Deadlines } from '../rpc/deadlines.js';
import type { CallContext } from '../rpc/handlers.js';
import type { Logger } from '../telemetry/logger.js';
import { LATENCY_BUCKETS_SECONDS, type MetricsRegistry } from '../telemetry/metrics.js';
import { TRACE_HEADERS, withSpan } from '../telemetry/tracing.js';
import type { Clock } from '../time/clock.js';
import { isAcceptable } from './accept.js';
import { closeAfter, sendAnswer, sendRefusal } from './answer.js';
import type { BrowserGuard } from './browser-guard.js';
import { Call } from './call.js';
import { HttpError } from './http-error.js';
import { isOurFault } from './problem.js';
import { readParameters } from './query-parameters.js';
import { checkBodyType, readBody } from './request-body.js';
import type { RestRequest, Route } from './route.js';
import type { Router } from './router.js';
import { SocketTurns } from './socket-turns.js';

/** For routes that do not say. */
const CALLS_MAX = 2_048;

export interface ExchangeOptions {
  readonly router: Router;
  readonly authorize: Authorize;
  readonly guard: BrowserGuard;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  readonly limits: ProcessLimits;
}

/** Answers requests; knows those that are open, to end them when the server stops. */
export interface Exchange {
  /** For node's event of that name. */
  timedOut(socket: Socket): void;
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
  const { clock, logger, metrics, limits } = options;
  const turns = new SocketTurns();
  const open = new Set<Call>();
  const answering: Answering = { ...options, deadlines: new Deadlines(clock, open) };
  const total = metrics.counter({
    name: 'thyme_http_requests_total',
    help: 'HTTP requests by outcome.',
    labels: ['method', 'route', 'status'],
  });
  const seconds = metrics.histogram({
    name: 'thyme_http_seconds',
    help: 'Duration of HTTP requests.',
    labels: ['route'],
    bounds: LATENCY_BUCKETS_SECONDS,
  });
  let draining = false;

  return {
    timedOut: turns.timedOut,
    async answer(request, response) {
      const turn = turns.enter(request, response);
      if (turn !== undefined && !(await turn)) return;
      const startUs = clock.nowUs();
      const call = new Call(request, response, limits.bytes);
      const place = placeOf(request.socket);
      open.add(call);
      limits.connections.begin(place);
      response.on('close', () => {
        open.delete(call);
        call.closed();
        limits.connections.end(place);
        if (draining) request.socket.end();
      });
      if (draining) closeAfter(response);
      try {
        await respond(call, answering);
      } catch (error) {
        if (isOurFault(error) && !call.isGone(error))
          logger.error('request failed', { method: request.method, route: call.routed?.route.path, incident: incidentOf(error), error });
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
  answering.guard(request); // H4
  const mark = url.indexOf('?');
  const routed = answering.router.find(method, mark < 0 ? url : url.slice(0, mark));
  const { route, pathParameters } = routed;
  call.routed = routed;
  const caller = answering.authorize(route.scope, bearerKey(headers.authorization));
  checkAccept(headers.accept, route);
  const contentType = checkBodyType(request, route.body);
  const query = mark < 0 ? NO_PARAMETERS : readParameters(url.slice(mark + 1), route.parameters);
  enter(call, caller, answering.limits.calls);
  const body = await readBody(request, route.body, call.holding);
  const span = { name: `${route.method} ${route.path}`, kind: 'server' as const, parent: traceHeadersOf(request) };
  await withSpan(span, () =>
    handleWithin(call, route, {
      pathParameters,
      query,
      accept: headers.accept,
      contentType,
      body,
      caller,
      localPort: request.socket.localPort,
      context: begin(call, caller, answering),
    }),
  );
}

/** 406: what would be answered is of no use to the client. */
function checkAccept(accept: string | undefined, { answers }: Route): void {
  if (accept === undefined || Object.hasOwn(answers, accept)) return; // what nearly all say
  const types = Object.keys(answers);
  if (isAcceptable(accept, types)) return;
  throw new HttpError(406, `Accept names nothing that is answered here: send ${types.join(' or ')}, or */*`);
}

/** Counts the call by its caller and route, until its connection is done with it. What asks for no key is answered at once. */
function enter({ routed, response }: Call, { apiKeyFingerprint }: Caller, calls: OpenCalls): void {
  if (routed === undefined || routed.route.scope === 'public') return;
  const { path, callsMax = CALLS_MAX } = routed.route;
  calls.enterCaller(apiKeyFingerprint);
  try {
    calls.enter(path, callsMax);
  } catch (error) {
    calls.leaveCaller(apiKeyFingerprint);
    throw error;
  }
  response.on('close', () => {
    calls.leave(path);
    calls.leaveCaller(apiKeyFingerprint);
  });
}

/** The answer's time begins. */
function begin(call: Call, { apiKeyFingerprint, scopes }: Caller, { clock, deadlines }: Answering): CallContext {
  call.begin(clock.nowUs());
  deadlines.heed(call.dueUs);
  return new LiveContext(call.lifetime, { deadline: new Date(call.dueUs / 1_000), apiKeyFingerprint, scopes });
}

/** Runs handler and answer until the call is over, in time even where the handler does not heed its signal. */
async function handleWithin({ lifetime, holding, response }: Call, route: Route, request: RestRequest): Promise<void> {
  const answer = route.handle(request);
  await sendAnswer(response, answer instanceof Promise ? await lifetime.race(answer) : answer, { lifetime, holding });
}

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

function traceHeadersOf({ headers }: IncomingMessage): ReadonlyMap<string, string> {
  if (TRACE_HEADERS.every((name) => headers[name] === undefined)) return NO_PARAMETERS;
  return new Map(TRACE_HEADERS.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]] as const] : [])));
}

function knownMethod(method: string | undefined): string {
  return method === 'GET' || method === 'POST' || method === 'HEAD' ? method : 'other';
}
