import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { bearerKey, type Authorize, type Caller } from '../config/api-keys.js';
import type { ThymeError } from '../errors/errors.js';
import { incidentOf } from '../errors/incident.js';
import type { ProcessLimits } from '../limits/process-limits.js';
import { LiveContext } from '../rpc/call-lifetime.js';
import { Deadlines } from '../rpc/deadlines.js';
import type { CallContext } from '../rpc/handlers.js';
import type { Logger } from '../telemetry/logger.js';
import type { MetricsRegistry } from '../telemetry/metrics.js';
import { isTracing, TRACE_HEADERS, withSpan } from '../telemetry/tracing.js';
import type { Clock } from '../time/clock.js';
import { isAcceptable } from './accept.js';
import { closeAfter, sendAnswer, sendRefusal } from './answer.js';
import type { BrowserGuard } from './browser-guard.js';
import { Call } from './call.js';
import { HttpError } from './http-error.js';
import { isOurFault } from './problem.js';
import { readParameters } from './query-parameters.js';
import { checkBodyType, readBody } from './request-body.js';
import { RouteMeters } from './route-meter.js';
import type { RestRequest, Route } from './route.js';
import type { RoutedRequest, Router } from './router.js';
import { SocketTurns } from './socket-turns.js';

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
  const meters = new RouteMeters(metrics);
  let draining = false;

  const closed = (call: Call): void => {
    open.delete(call);
    call.closed(limits);
    if (draining) call.request.socket.end();
  };

  return {
    timedOut: turns.timedOut,
    async answer(request, response) {
      const turn = turns.enter(request, response);
      if (turn !== undefined && !(await turn)) return;
      const startUs = clock.nowUs();
      const call = new Call(request, response, limits);
      open.add(call);
      response.on('close', () => closed(call));
      if (draining) closeAfter(response);
      try {
        await respond(call, answering);
      } catch (error) {
        if (isOurFault(error) && !call.isGone(error))
          logger.error('request failed', { method: request.method, route: call.routed?.route.path, incident: incidentOf(error), error });
        sendRefusal(response, error);
      } finally {
        const { method } = request;
        meters.count(call.routed?.route, method, { status: response.statusCode, seconds: (clock.nowUs() - startUs) / 1e6 });
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

/** Undefined where all of it is done already. */
function respond(call: Call, answering: Answering): Promise<void> | undefined {
  const { request } = call;
  const { url = '/', method = 'GET', headers } = request;
  answering.guard(request); // H4
  const mark = url.indexOf('?');
  const routed = answering.router.find(method, mark < 0 ? url : url.slice(0, mark));
  const { route } = routed;
  call.routed = routed;
  const caller = answering.authorize(route.scope, bearerKey(headers.authorization));
  checkAccept(headers.accept, route);
  const contentType = checkBodyType(request, route.body);
  const query = mark < 0 ? NO_PARAMETERS : readParameters(url.slice(mark + 1), route.parameters);
  // What asks for no key is answered at once, and not counted.
  if (route.scope !== 'public') call.enter(caller, answering.limits.calls);
  const asked = { routed, query, contentType, caller };
  const body = readBody(request, route.body, call.holding);
  if (body instanceof Promise) return body.then((bytes) => handle(call, asked, bytes, answering));
  return handle(call, asked, body, answering);
}

interface Asked extends Pick<RestRequest, 'query' | 'contentType' | 'caller'> {
  readonly routed: RoutedRequest;
}

function handle(call: Call, asked: Asked, body: Uint8Array, answering: Answering): Promise<void> | undefined {
  const { routed, query, contentType, caller } = asked;
  const { route, pathParameters } = routed;
  const { headers, socket } = call.request;
  const request = {
    pathParameters,
    query,
    accept: headers.accept,
    contentType,
    body,
    caller,
    localPort: socket.localPort,
    context: begin(call, caller, answering),
  };
  if (!isTracing()) return handleWithin(call, route, request);
  const span = { name: `${route.method} ${route.path}`, kind: 'server' as const, parent: traceHeadersOf(call.request) };
  return withSpan(span, () => handleWithin(call, route, request));
}

/** 406: what would be answered is of no use to the client. */
function checkAccept(accept: string | undefined, { answers }: Route): void {
  if (accept === undefined || Object.hasOwn(answers, accept)) return; // what nearly all say
  const types = Object.keys(answers);
  if (isAcceptable(accept, types)) return;
  throw new HttpError(406, `Accept names nothing that is answered here: send ${types.join(' or ')}, or */*`);
}

/** The answer's time begins. */
function begin(call: Call, { apiKeyFingerprint, scopes }: Caller, { clock, deadlines }: Answering): CallContext {
  call.begin(clock.nowUs());
  deadlines.heed(call.dueUs);
  return new LiveContext(call.lifetime, { deadline: new Date(call.dueUs / 1_000), apiKeyFingerprint, scopes });
}

/** Runs handler and answer until the call is over, in time even where the handler does not heed its signal. */
function handleWithin(call: Call, route: Route, request: RestRequest): Promise<void> | undefined {
  const answer = route.handle(request);
  if (answer instanceof Promise) return call.lifetime.race(answer).then((response) => sendAnswer(call.response, response, call));
  return sendAnswer(call.response, answer, call);
}

const NO_PARAMETERS: ReadonlyMap<string, string> = new Map();

function traceHeadersOf({ headers }: IncomingMessage): ReadonlyMap<string, string> {
  if (TRACE_HEADERS.every((name) => headers[name] === undefined)) return NO_PARAMETERS;
  return new Map(TRACE_HEADERS.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]] as const] : [])));
}
