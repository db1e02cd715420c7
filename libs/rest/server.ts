// The HTTP/1.1 server: what the gateway's routes stand on.
//
//   router.ts       - which route a request means
//   browser-guard.ts - refuses what a page in a browser may have sent
//   socket-turns.ts - one request at a time on each connection, and no stalls
//   request-body.ts - its body, within the route's limit and the process's budget
//   exchange.ts     - authorise, read, handle, answer: one request from head to end
//   route-meter.ts  - how many there were, and how long they took
//   call.ts         - a request that is being answered, and until when; answer.ts - its answer, written
//   problem.ts      - every refusal as application/problem+json
//
// Invariants:
//   H1. A client is authorised before its body is read.
//   H2. A stream that fails ends its connection, never the body: truncation shows.
//   H3. Words of an unknown error never leave the process.
//   H4. Whose name it asks, and whose page it comes from, is judged before anything else of a request.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Authorize } from '../config/api-keys.js';
import { cannotListen, type ListenAddress } from '../config/listen-address.js';
import { TLS_SETTINGS } from '../config/tls-settings.js';
import { ThymeError } from '../errors/errors.js';
import { createCompletion, settlesWithin, type Service } from '../lifecycle/service.js';
import { sharedProcessLimits, type ProcessLimits } from '../limits/process-limits.js';
import type { Logger } from '../telemetry/logger.js';
import type { MetricsRegistry } from '../telemetry/metrics.js';
import type { Clock } from '../time/clock.js';
import { createBrowserGuard } from './browser-guard.js';
import { createExchange, type Exchange } from './exchange.js';
import { HttpError } from './http-error.js';
import { toProblem } from './problem.js';
import type { Route } from './route.js';
import { Router } from './router.js';
import { STALL_MS } from './socket-turns.js';

export interface RestServerOptions extends ListenAddress {
  /** Names beyond `host`, loopback and the address that a connection came to: `thyme.example.com`, `*.thyme.svc`. */
  readonly allowedHosts?: readonly string[];
  readonly routes: readonly Route[];
  readonly authorize: Authorize;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  /** PEM; plain text when absent. */
  readonly tls?: { readonly key: Uint8Array; readonly certificate: Uint8Array };
  /** Those of the process when absent. */
  readonly limits?: ProcessLimits;
}

export interface RestServer extends Service {
  /** The port that was bound. */
  readonly port: number;
}

const LIMITS = {
  /** Names and values of all request headers, the URL included. */
  maxHeaderSize: 16 * 1024,
  /** Above the 65 s of common load balancers and far above httpx's 5 s: the client closes first (REST 9). */
  keepAliveTimeout: 75_000,
  /** For a request's head and body; 32 MiB within it need 2.2 Mbit/s. */
  headersTimeout: 20_000,
  requestTimeout: 120_000,
  connectionsCheckingInterval: 5_000,
};
/** As for a request's head. */
const HANDSHAKE_TIMEOUT_MS = 20_000;
/** The aborted requests' answers are on their way. */
const ABORT_GRACE_MS = 250;

export function createRestServer(options: RestServerOptions): RestServer {
  const { limits = sharedProcessLimits() } = options;
  const exchange = createExchange({ ...options, limits, guard: createBrowserGuard(options), router: new Router(options.routes) });
  const listener = (request: IncomingMessage, response: ServerResponse): void => void exchange.answer(request, response);
  const { tls } = options;
  const server =
    tls === undefined
      ? createServer(LIMITS, listener)
      : createTlsServer(
          {
            ...LIMITS,
            ...TLS_SETTINGS,
            handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
            key: Buffer.from(tls.key),
            cert: Buffer.from(tls.certificate),
          },
          listener,
        );
  limits.connections.guard(server);
  server.timeout = STALL_MS;
  server.on('timeout', (socket: Socket) => exchange.timedOut(socket));
  server.on('clientError', refuseMalformed);
  const done = createCompletion();
  let stopping: Promise<void> | undefined;

  return {
    done: done.promise,
    get port() {
      return portOf(server) ?? options.port;
    },
    async start() {
      server.listen(options.port, options.host);
      try {
        await once(server, 'listening'); // rejects on 'error', such as a port that is taken
      } catch (error) {
        throw cannotListen(options, error);
      }
      server.on('error', (error) => options.logger.error('REST server failed', { error }));
    },
    stop({ graceMs }) {
      stopping ??= shutDown(server, exchange, graceMs, options.clock)
        .then(() => exchange.close())
        .then(done.resolve);
      return stopping;
    },
  };
}

async function shutDown(server: Server, exchange: Exchange, graceMs: number, clock: Clock): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  exchange.drain(); // closes each connection with its next answer
  server.closeIdleConnections();
  if (await settlesWithin(closed, graceMs, clock)) return;
  exchange.abortAll(new ThymeError('THYME_STOPPING', 'UNAVAILABLE', 'the server is stopping: send the request again'));
  await settlesWithin(closed, ABORT_GRACE_MS, clock);
  server.closeAllConnections();
  await closed;
}

/** What the HTTP parser refuses has no request to answer, only a socket. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { status, headers, body } = toProblem(MALFORMED.get(error.code ?? '') ?? new HttpError(400, 'this is no HTTP request'));
  const head = Object.entries({ ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(body)) })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  socket.end(`HTTP/1.1 ${status} Refused\r\n${head}\r\n${body}`, () => socket.destroy());
}

const MALFORMED: ReadonlyMap<string, HttpError> = new Map([
  [
    'HPE_HEADER_OVERFLOW',
    new HttpError(431, `URL and headers are larger than ${LIMITS.maxHeaderSize} bytes: send parameters in the body of a POST`),
  ],
  ['ERR_HTTP_REQUEST_TIMEOUT', new HttpError(408, 'the request took too long to arrive')],
]);

function portOf(server: Server): number | undefined {
  // The cast: a server that listens on a port has such an address.
  return (server.address() as AddressInfo | null)?.port;
}
