import type { DescMethod, Message } from '@bufbuild/protobuf';
import {
  Metadata,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { isTracing, TRACE_HEADERS, withSpan } from '../telemetry/tracing.js';
import { CANCELLED, type ServerCall } from './call-context.js';
import type { CallLifetime } from './call-lifetime.js';
import type { BidiStreamingHandler, ClientStreamingHandler, ServerStreamingHandler, UnaryHandler } from './handlers.js';
import { Outflow } from './outflow.js';
import { asBuffer, encode, methodPath, wellFormed } from './service-definition.js';
import { toStatus } from './status.js';

export type AnyCall =
  | ServerUnaryCall<Message, Buffer>
  | ServerReadableStream<Message, Buffer>
  | ServerWritableStream<Message, Buffer>
  | ServerDuplexStream<Message, Buffer>;

/** What surrounds every call: opened before the handler runs, closed when it has been answered. */
export interface CallScope {
  open(call: AnyCall, method: DescMethod): ServerCall;
  close(call: ServerCall, error: unknown): void;
}

/** A unary handler may give its answer's bytes instead. */
export type AnyHandler =
  | UnaryHandler<Message, Message | Uint8Array>
  | ServerStreamingHandler<Message, Message>
  | ClientStreamingHandler<Message, Message>
  | BidiStreamingHandler<Message, Message>;

/**
 * The grpc-js function around a handler. This file alone knows the callback style of grpc-js.
 * The casts choose the handler's shape by the method's kind, which is how ServiceHandlers made it.
 */
export function adaptHandler(method: DescMethod, handler: AnyHandler, scope: CallScope): UntypedHandleCall {
  switch (method.methodKind) {
    case 'unary':
      return (call: ServerUnaryCall<Message, Buffer>, callback: sendUnaryData<Buffer>) => {
        answerOnce(method, call, callback, scope, ({ context }) =>
          (handler as UnaryHandler<Message, Message | Uint8Array>)(wellFormed(call.request), context),
        );
      };
    case 'client_streaming':
      return (call: ServerReadableStream<Message, Buffer>, callback: sendUnaryData<Buffer>) => {
        answerOnce(method, call, callback, scope, ({ context, lifetime }) =>
          (handler as ClientStreamingHandler<Message, Message>)(requestsOf(call, lifetime), context),
        );
      };
    case 'server_streaming':
      return (call: ServerWritableStream<Message, Buffer>) => {
        void answerMany(method, call, scope, ({ context }) =>
          (handler as ServerStreamingHandler<Message, Message>)(wellFormed(call.request), context),
        );
      };
    case 'bidi_streaming':
      return (call: ServerDuplexStream<Message, Buffer>) => {
        void answerMany(method, call, scope, ({ context, lifetime }) =>
          (handler as BidiStreamingHandler<Message, Message>)(requestsOf(call, lifetime), context),
        );
      };
  }
}

function answerOnce(
  method: DescMethod,
  call: ServerUnaryCall<Message, Buffer> | ServerReadableStream<Message, Buffer>,
  callback: sendUnaryData<Buffer>,
  scope: CallScope,
  answer: (call: ServerCall) => Promise<Message | Uint8Array> | Message | Uint8Array,
): void {
  const open = scope.open(call, method);
  // The race answers in time for a handler that does not heed its signal.
  open.lifetime.race(spanned(method, call.metadata, () => answer(open))).then(
    (response) => {
      const { bytes, error } = encoded(open, response);
      if (bytes === undefined) callback(statusFor(error));
      else callback(null, bytes);
      scope.close(open, error);
    },
    (error: unknown) => {
      callback(statusFor(error));
      scope.close(open, error);
    },
  );
}

/** What fails at once fails as what fails later. */
async function spanned<T>(method: DescMethod, metadata: Metadata, work: () => T | Promise<T>): Promise<T> {
  if (!isTracing()) return work();
  return withSpan({ name: methodPath(method), kind: 'server', parent: traceHeadersOf(metadata) }, work);
}

/** An answer's bytes, counted until the stream closes, or why there are none. */
function encoded({ method, traffic }: ServerCall, response: Message | Uint8Array): { readonly bytes?: Buffer; readonly error?: unknown } {
  try {
    const bytes = response instanceof Uint8Array ? asBuffer(response) : encode(method.output, response);
    traffic?.sends(bytes.length);
    return { bytes };
  } catch (error) {
    return { error };
  }
}

async function answerMany(
  method: DescMethod,
  call: ServerWritableStream<Message, Buffer> | ServerDuplexStream<Message, Buffer>,
  scope: CallScope,
  answer: (call: ServerCall) => AsyncIterable<Message>,
): Promise<void> {
  const open = scope.open(call, method);
  const { lifetime } = open;
  const outflow = new Outflow(call, open.traffic);
  let iterator: AsyncIterator<Message> | undefined;
  let failure: unknown;
  try {
    iterator = answer(open)[Symbol.asyncIterator]();
    for (;;) {
      const next = await lifetime.race(iterator.next());
      if (next.done === true) break;
      lifetime.throwIfOver();
      const room = outflow.write(encode(method.output, next.value));
      if (room !== undefined) await lifetime.race(room);
    }
    call.end();
  } catch (error) {
    failure = lifetime.isOver ? lifetime.reason : error;
    void iterator?.return?.().catch(() => undefined); // lets a generator run its `finally`
    call.emit('error', Object.assign(new Error('call failed'), statusFor(failure)));
  } finally {
    scope.close(open, failure);
  }
}

/** The requests of a stream, read one at a time, so that a slow handler slows the client. */
async function* requestsOf(
  call: ServerReadableStream<Message, Buffer> | ServerDuplexStream<Message, Buffer>,
  lifetime: CallLifetime,
): AsyncIterable<Message> {
  try {
    // A handler that stops reading may go on answering: the stream must stay open.
    for await (const request of call.iterator({ destroyOnReturn: false })) yield wellFormed(request as Message);
  } catch (error) {
    lifetime.throwIfOver();
    throw error;
  }
  lifetime.throwIfOver(); // a cancelled stream may look like one that has ended
}

function statusFor(error: unknown): ReturnType<typeof toStatus> {
  return error === CANCELLED ? { code: status.CANCELLED, details: 'cancelled', metadata: new Metadata() } : toStatus(error);
}

function traceHeadersOf(metadata: Metadata): ReadonlyMap<string, string> {
  return new Map(TRACE_HEADERS.flatMap((name) => metadata.get(name).map((value) => [name, String(value)] as const)));
}
