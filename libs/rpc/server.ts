// The gRPC server of every service.
//
//   service-definition.ts - the generated service as grpc-js wants it
//   call-door.ts          - between node:http2 and grpc-js: connections, their pace, and the bytes of each call
//   read-turns.ts         - what all connections open in a turn; call-queue.ts - what is begun in it; session-end.ts - whom it closes
//   call-traffic.ts       - those bytes, against method-limits.ts and the process's budget; outflow.ts - of streamed answers
//   admission.ts          - who may call what, before a handler is started or a message read
//   wire-elements.ts      - what a message would be made into, counted before it is decoded
//   server-call.ts        - a handler's async function around grpc-js's callbacks
//   call-context.ts       - a call that is being answered: deadline, cancellation, stop
//   call-lifetime.ts      - until when, and the signal that says so; deadlines.ts - those of all calls
//   status.ts             - errors to statuses and back
//
// Invariants:
//   G1. A method without a scope and limits cannot be registered, and nobody may call it.
//   G2. Words of an unknown error never leave the process.
//   G3. The signal of a call aborts when its answer is of no more use to anybody.

import assert from 'node:assert';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { logVerbosity, Server, setLogVerbosity, type ServerOptions, type UntypedHandleCall } from '@grpc/grpc-js';
import type { Authorize } from '../config/api-keys.js';
import { cannotListen, type ListenAddress } from '../config/listen-address.js';
import { ThymeError } from '../errors/errors.js';
import { incidentOf, keepsWords } from '../errors/incident.js';
import { createCompletion, settlesWithin, type Service } from '../lifecycle/service.js';
import { sharedProcessLimits, type ProcessLimits } from '../limits/process-limits.js';
import type { Logger } from '../telemetry/logger.js';
import { LATENCY_BUCKETS_SECONDS, type CounterSeries, type HistogramSeries, type MetricsRegistry } from '../telemetry/metrics.js';
import type { Clock } from '../time/clock.js';
import { admissionInterceptor, createAdmit, type Admissions } from './admission.js';
import { ServerCall } from './call-context.js';
import { CallDoor } from './call-door.js';
import { Deadlines } from './deadlines.js';
import type { BytesHandlers, ServiceHandlers } from './handlers.js';
import { MESSAGE_BYTES_MAX, METHOD_LIMITS, type MethodLimits } from './method-limits.js';
import { METHOD_SCOPES } from './method-scopes.js';
import { adaptHandler, type AnyHandler, type CallScope } from './server-call.js';
import { methodPath, serviceDefinition } from './service-definition.js';
import { SESSION_STREAMS_MAX } from './session-pace.js';
import { serverCredentials, type RpcServerTls } from './tls-credentials.js';

export interface RpcServerOptions extends ListenAddress {
  readonly authorize: Authorize;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  /** PEM; plain text when absent. */
  readonly tls?: RpcServerTls;
  /** As of REST: libs/rest/server.ts. */
  readonly allowedHosts?: readonly string[];
  /** Those of the process when absent. */
  readonly limits?: ProcessLimits;
}

export interface RpcServer extends Service {
  /**
   * Before `start`. `endless` methods stream until somebody stops: the server's stop ends them at once. A method that is among `bytes`
   * is answered by that one, whose bytes must be those of its message.
   */
  add<Service extends DescService>(
    service: Service,
    handlers: ServiceHandlers<Service>,
    options?: { readonly endless?: readonly (keyof Service['method'])[]; readonly bytes?: BytesHandlers<Service> },
  ): void;
  /** The port that was bound. */
  readonly port: number;
}

const LIMITS: ServerOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_concurrent_streams': SESSION_STREAMS_MAX,
  // Megabytes of nghttp2's own memory for a connection; its buffers for its streams fit.
  'grpc-node.max_session_memory': 128,
  // Connections move to new servers within half an hour, and their streams get time to end.
  'grpc.max_connection_age_ms': 30 * 60_000,
  'grpc.max_connection_age_grace_ms': 5 * 60_000,
  'grpc.max_connection_idle_ms': 10 * 60_000,
  // A peer that is gone without a word is noticed within a minute.
  'grpc.keepalive_time_ms': 40_000,
  'grpc.keepalive_timeout_ms': 20_000,
  // Statistics that are read through a service which we do not offer.
  'grpc.enable_channelz': 0,
};

export function createRpcServer(options: RpcServerOptions): RpcServer {
  // The library writes to standard error, which is the log's, what it also gives as errors.
  setLogVerbosity(logVerbosity.NONE);
  const admissions: Admissions = new WeakMap();
  const { limits = sharedProcessLimits() } = options;
  const door = new CallDoor(limits, options.clock);
  const admission = { admit: createAdmit(options), admissions, calls: limits.calls, entering: () => door.entering };
  const server = new Server({ ...LIMITS, interceptors: [admissionInterceptor(admission)] });
  const calls = trackCalls(options, admissions);
  const done = createCompletion();
  let port = options.port;
  let stopping: Promise<void> | undefined;

  return {
    done: done.promise,
    get port() {
      return port;
    },
    add(service, handlers, { endless = [], bytes = {} } = {}) {
      // The cast forgets the messages' types, which the method's descriptor then stands for.
      const table = handlers as Readonly<Record<string, AnyHandler>>;
      const bytesTable = bytes as Readonly<Record<string, AnyHandler | undefined>>;
      const implementation: Record<string, UntypedHandleCall> = {};
      for (const method of service.methods) {
        if (!METHOD_SCOPES.has(methodPath(method))) throw new TypeError(`${methodPath(method)} declares no scope (G1)`);
        if (!METHOD_LIMITS.has(methodPath(method))) throw new TypeError(`${methodPath(method)} declares no limits (G1)`);
        const handler = table[method.localName];
        if (handler === undefined) throw new TypeError(`${methodPath(method)} has no handler`);
        const inBytes = bytesTable[method.localName]?.bind(bytes);
        implementation[method.localName] = adaptHandler(method, inBytes ?? handler.bind(handlers), calls);
        if (endless.includes(method.localName)) calls.endless.add(method);
      }
      server.addService(
        serviceDefinition(service, (method) => limitsOf(method).elementsMax),
        implementation,
      );
    },
    async start() {
      port = await bind(server, options, () => door.guard(server));
    },
    stop({ graceMs }) {
      stopping ??= shutDown(server, calls, graceMs, options.clock)
        .then(() => door.close())
        .then(done.resolve);
      return stopping;
    },
  };
}

function bind(server: Server, options: RpcServerOptions, onBound: () => void): Promise<number> {
  const { host, port, tls } = options;
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, serverCredentials(tls), (error, bound) => {
      if (error !== null) {
        reject(cannotListen(options, error));
        return;
      }
      onBound();
      resolve(bound);
    });
  });
}

async function shutDown(server: Server, calls: Calls, graceMs: number, clock: Clock): Promise<void> {
  const ended = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  calls.abortWhere((method) => calls.endless.has(method));
  if (!(await settlesWithin(ended, graceMs, clock))) {
    calls.abortWhere(() => true);
    await settlesWithin(ended, ABORT_GRACE_MS, clock); // the statuses of the aborted calls are on their way
    server.forceShutdown();
  }
  calls.stop();
}

const ABORT_GRACE_MS = 250;

interface Calls extends CallScope {
  readonly endless: Set<DescMethod>;
  abortWhere(matches: (method: DescMethod) => boolean): void;
  /** After the last call. */
  stop(): void;
}

function trackCalls({ logger, metrics, clock }: RpcServerOptions, admissions: Admissions): Calls {
  const calls = new Set<ServerCall>();
  const deadlines = new Deadlines(clock, calls);
  const handled = metrics.counter({ name: 'thyme_rpc_handled_total', help: 'gRPC calls by outcome.', labels: ['method', 'code'] });
  const latency = metrics.histogram({
    name: 'thyme_rpc_seconds',
    help: 'Duration of gRPC calls.',
    labels: ['method'],
    bounds: LATENCY_BUCKETS_SECONDS,
  });
  const series = new Map<string, CounterSeries>();
  const seconds = new Map<string, HistogramSeries>();
  /** Each series is looked for once: labels for every call cost more than to count it. */
  const count = (method: string, code: string, tookSeconds: number): void => {
    const name = code === 'OK' ? method : `${method} ${code}`;
    let total = series.get(name);
    if (total === undefined) series.set(name, (total = handled.of({ method, code })));
    total.add();
    let took = seconds.get(method);
    if (took === undefined) seconds.set(method, (took = latency.of({ method })));
    took.observe(tookSeconds);
  };
  metrics.gaugeOf({ name: 'thyme_rpc_open_calls', help: 'gRPC calls being answered.' }, () => calls.size);
  return {
    endless: new Set(),
    open(call, method) {
      const admission = admissions.get(call.metadata);
      const { timeoutMs } = limitsOf(method);
      const open = new ServerCall(call, { method, clock, caller: admission?.caller, traffic: admission?.traffic, timeoutMs });
      calls.add(open);
      deadlines.heed(open.dueUs);
      return open;
    },
    close(call, error) {
      calls.delete(call);
      call.release();
      const method = methodPath(call.method);
      const code = outcomeOf(error, call);
      count(method, code, (clock.nowUs() - call.startUs) / 1e6);
      if (code === 'INTERNAL' || (error instanceof ThymeError && keepsWords(error)))
        logger.error('call failed', { method, incident: incidentOf(error), error });
    },
    abortWhere(matches) {
      for (const { lifetime, method } of calls) {
        if (matches(method)) lifetime.abort(new ThymeError('THYME_STOPPING', 'UNAVAILABLE', 'the server is stopping: send the call again'));
      }
    },
    stop: () => deadlines.close(),
  };
}

/** Every method has them, or it could not have been added (G1). */
function limitsOf(method: DescMethod): MethodLimits {
  const limits = METHOD_LIMITS.get(methodPath(method));
  assert(limits !== undefined);
  return limits;
}

function outcomeOf(error: unknown, { lifetime }: ServerCall): string {
  if (error === undefined) return 'OK';
  if (error instanceof ThymeError) return error.status;
  return lifetime.isOver ? 'CANCELLED' : 'INTERNAL';
}
