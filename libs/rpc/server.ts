// The gRPC server of every service.
//
//   service-definition.ts - the generated service as grpc-js wants it
//   admission.ts          - who may call what, before a handler is started or a message read
//   server-call.ts        - a handler's async function around grpc-js's callbacks
//   call-context.ts       - a call that is being answered: deadline, cancellation, stop
//   call-lifetime.ts      - until when, and the signal that says so; deadlines.ts - those of all calls
//   status.ts             - errors to statuses and back
//
// Invariants:
//   G1. A method without a scope cannot be registered, and nobody may call it.
//   G2. Words of an unknown error never leave the process.
//   G3. The signal of a call aborts when its answer is of no more use to anybody.

import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type ServerOptions, type UntypedHandleCall } from '@grpc/grpc-js';
import type { Authorize } from '../config/api-keys.js';
import { cannotListen } from '../config/listen-address.js';
import { ThymeError } from '../errors/errors.js';
import { createCompletion, settlesWithin, type Service } from '../lifecycle/service.js';
import type { Logger } from '../telemetry/logger.js';
import { LATENCY_BUCKETS_SECONDS, type MetricsRegistry } from '../telemetry/metrics.js';
import type { Clock } from '../time/clock.js';
import { admissionInterceptor, type Admissions } from './admission.js';
import { ServerCall } from './call-context.js';
import { Deadlines } from './deadlines.js';
import type { ServiceHandlers } from './handlers.js';
import { METHOD_SCOPES } from './method-scopes.js';
import { adaptHandler, type AnyHandler, type CallScope } from './server-call.js';
import { methodPath, serviceDefinition } from './service-definition.js';

export interface RpcServerOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly authorize: Authorize;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  /** PEM; plain text when absent. */
  readonly tls?: { readonly key: Uint8Array; readonly certificate: Uint8Array; readonly clientCa?: Uint8Array };
}

export interface RpcServer extends Service {
  /** Before `start`. `endless` methods stream until somebody stops: the server's stop ends them at once. */
  add<Service extends DescService>(service: Service, handlers: ServiceHandlers<Service>, options?: { readonly endless?: readonly (keyof Service['method'])[] }): void;
  /** The port that was bound. */
  readonly port: number;
}

/** A push is at most 32 MiB (REST 10); the message around it needs a little more. */
export const MESSAGE_BYTES_MAX = 33 * 1024 * 1024;

const LIMITS: ServerOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
  // A client that needs more in flight opens another connection.
  'grpc.max_concurrent_streams': 1_000,
  // Megabytes of nghttp2's own memory for a connection; its buffers for 1,000 streams fit.
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
  const admissions: Admissions = new WeakMap();
  const server = new Server({ ...LIMITS, interceptors: [admissionInterceptor(options.authorize, admissions)] });
  const calls = trackCalls(options, admissions);
  const done = createCompletion();
  let port = options.port;
  let stopping: Promise<void> | undefined;

  return {
    done: done.promise,
    get port() {
      return port;
    },
    add(service, handlers, { endless = [] } = {}) {
      // The cast forgets the messages' types, which the method's descriptor then stands for.
      const table = handlers as Readonly<Record<string, AnyHandler>>;
      const implementation: Record<string, UntypedHandleCall> = {};
      for (const method of service.methods) {
        if (!METHOD_SCOPES.has(methodPath(method))) throw new TypeError(`${methodPath(method)} declares no scope (G1)`);
        const handler = table[method.localName];
        if (handler === undefined) throw new TypeError(`${methodPath(method)} has no handler`);
        implementation[method.localName] = adaptHandler(method, handler.bind(handlers), calls);
        if (endless.includes(method.localName)) calls.endless.add(method);
      }
      server.addService(serviceDefinition(service), implementation);
    },
    async start() {
      port = await bind(server, options);
    },
    stop({ graceMs }) {
      stopping ??= shutDown(server, calls, graceMs, options.clock).then(done.resolve);
      return stopping;
    },
  };
}

function bind(server: Server, { host, port, tls }: RpcServerOptions): Promise<number> {
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          tls.clientCa === undefined ? null : Buffer.from(tls.clientCa),
          [{ private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.certificate) }],
          tls.clientCa !== undefined,
        );
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => (error === null ? resolve(bound) : reject(cannotListen(host, port, error))));
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
  const latency = metrics.histogram({ name: 'thyme_rpc_seconds', help: 'Duration of gRPC calls.', labels: ['method'], bounds: LATENCY_BUCKETS_SECONDS });
  metrics.gaugeOf({ name: 'thyme_rpc_open_calls', help: 'gRPC calls being answered.' }, () => calls.size);
  return {
    endless: new Set(),
    open(call, method) {
      const open = new ServerCall(call, { method, clock, apiKeyFingerprint: admissions.get(call.metadata)?.apiKeyFingerprint });
      calls.add(open);
      deadlines.heed(open.dueUs);
      return open;
    },
    close(call, error) {
      calls.delete(call);
      call.release();
      const method = methodPath(call.method);
      const code = outcomeOf(error, call);
      handled.add({ method, code });
      latency.observe((clock.nowUs() - call.startUs) / 1e6, { method });
      if (code === 'INTERNAL') logger.error('call failed', { method, error });
    },
    abortWhere(matches) {
      for (const { lifetime, method } of calls) {
        if (matches(method)) lifetime.abort(new ThymeError('THYME_STOPPING', 'UNAVAILABLE', 'the server is stopping: send the call again'));
      }
    },
    stop: () => deadlines.close(),
  };
}

function outcomeOf(error: unknown, { lifetime }: ServerCall): string {
  if (error === undefined) return 'OK';
  if (error instanceof ThymeError) return error.status;
  return lifetime.isOver ? 'CANCELLED' : 'INTERNAL';
}
