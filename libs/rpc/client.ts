import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import {
  Client,
  Metadata,
  status,
  type CallOptions,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import { ThymeError } from '../errors/errors.js';
import { traceHeaders } from '../telemetry/tracing.js';
import { writeRequests } from './client-requests.js';
import type { CallContext, ServiceHandlers } from './handlers.js';
import { FINGERPRINT_HEADER } from './headers.js';
import { methodDefinition } from './service-definition.js';
import { fromStatus } from './status.js';
import { channelCredentials, type RpcChannelTls } from './tls-credentials.js';

export interface RpcChannelOptions {
  /** `host:port` */
  readonly target: string;
  /** A function's key is asked for at each call, and may become known later; undefined for none. */
  readonly apiKey?: string | (() => string | undefined);
  /** Plain text when absent. */
  readonly tls?: RpcChannelTls;
  /** 33 MiB, as the server's, when absent. */
  readonly messageBytesMax?: number;
}

/** A connection that many clients may share. */
export interface RpcChannel {
  readonly client: Client;
  readonly apiKey: () => string | undefined;
  close(): void;
}

const MESSAGE_BYTES_MAX = 33 * 1024 * 1024;

/**
 * A name that stands for several processes, as of a Kubernetes service without a cluster address, has them asked in turn.
 * Reads are asked again where a process went away under them; writes are the caller's to repeat, who has the sequences (S13).
 */
const SERVICE_CONFIG = JSON.stringify({
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [
        { service: 'thyme.v1.QueryService', method: 'Query' },
        { service: 'thyme.v1.QueryService', method: 'QueryBatch' },
        { service: 'thyme.v1.QueryService', method: 'Lookup' },
      ],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: '0.02s',
        maxBackoff: '0.2s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
});

export function openChannel({ target, apiKey, tls, messageBytesMax = MESSAGE_BYTES_MAX }: RpcChannelOptions): RpcChannel {
  const client = new Client(target, channelCredentials(tls), {
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    'grpc.keepalive_time_ms': 40_000,
    'grpc.keepalive_timeout_ms': 20_000,
    // Back within two seconds of the server's own restart, instead of up to two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.service_config': SERVICE_CONFIG,
  });
  return { client, apiKey: typeof apiKey === 'function' ? apiKey : () => apiKey, close: () => client.close() };
}

/** The service's handlers, answered by the server at the other end. Errors arrive as the ThymeErrors they were there. */
export function createClient<Service extends DescService>(service: Service, channel: RpcChannel): ServiceHandlers<Service> {
  const methods = service.methods.map((method) => [method.localName, callerOf(method, channel)]);
  // The cast gives back the types that the descriptors stand for.
  return Object.fromEntries(methods) as ServiceHandlers<Service>;
}

function callerOf(method: DescMethod, channel: RpcChannel): unknown {
  const { path, requestSerialize: serialize, responseDeserialize: deserialize } = methodDefinition(method);
  const { client } = channel;
  const headers = (context: CallContext): [Metadata, CallOptions] => [metadataOf(channel, context), optionsOf(context)];
  switch (method.methodKind) {
    case 'unary':
      return (request: Message, context: CallContext) =>
        one(context, (callback) => client.makeUnaryRequest(path, serialize, deserialize, request, ...headers(context), callback));
    case 'client_streaming':
      return (requests: AsyncIterable<Message>, context: CallContext) =>
        one(context, (callback, fail) => {
          const call: ClientWritableStream<Message> = client.makeClientStreamRequest(
            path,
            serialize,
            deserialize,
            ...headers(context),
            callback,
          );
          writeRequests(call, requests, fail);
          return call;
        });
    case 'server_streaming':
      return (request: Message, context: CallContext) =>
        many(context, () => client.makeServerStreamRequest(path, serialize, deserialize, request, ...headers(context)));
    case 'bidi_streaming':
      return (requests: AsyncIterable<Message>, context: CallContext) =>
        many(context, () => {
          const call: ClientDuplexStream<Message, Message> = client.makeBidiStreamRequest(
            path,
            serialize,
            deserialize,
            ...headers(context),
          );
          writeRequests(call, requests, (error) => call.destroy(asError(error)));
          return call;
        });
  }
}

type UnaryCallback = (error: ServiceError | null, response?: Message) => void;

function one(
  { signal }: CallContext,
  start: (callback: UnaryCallback, fail: (error: unknown) => void) => { cancel(): void },
): Promise<Message> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const call = start((error, response) => {
      signal.removeEventListener('abort', onAbort);
      if (error !== null) reject(failureOf(error, signal));
      else if (response !== undefined) resolve(response);
      else reject(new ThymeError('THYME_INTERNAL', 'INTERNAL', 'internal error'));
    }, reject);
    const onAbort = (): void => call.cancel();
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

async function* many(
  { signal }: CallContext,
  start: () => ClientReadableStream<Message> | ClientDuplexStream<Message, Message>,
): AsyncIterable<Message> {
  signal.throwIfAborted();
  const call = start();
  const onAbort = (): void => call.cancel();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const response of call) yield response as Message;
  } catch (error) {
    throw failureOf(error, signal);
  } finally {
    signal.removeEventListener('abort', onAbort);
    call.on('error', () => undefined); // the cancellation's own error has no other reader
    call.cancel(); // for one who stops reading early; after the end it does nothing
  }
}

function failureOf(error: unknown, signal: AbortSignal): unknown {
  if (!isServiceError(error)) return error;
  return error.code === status.CANCELLED && signal.aborted ? signal.reason : fromStatus(error);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the requests failed', { cause: error });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

function metadataOf({ apiKey }: RpcChannel, { apiKeyFingerprint }: CallContext): Metadata {
  const metadata = new Metadata();
  const key = apiKey();
  if (key !== undefined) metadata.set('authorization', `Bearer ${key}`);
  if (apiKeyFingerprint !== undefined) metadata.set(FINGERPRINT_HEADER, apiKeyFingerprint);
  for (const [name, value] of traceHeaders()) metadata.set(name, value);
  return metadata;
}

function optionsOf({ deadline }: CallContext): CallOptions {
  return deadline === undefined ? {} : { deadline };
}
