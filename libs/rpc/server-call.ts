import { once } from 'node:events';
import type { DescMethod, Message } from '@bufbuild/protobuf';
import { Metadata, status, type sendUnaryData, type ServerDuplexStream, type ServerReadableStream, type ServerUnaryCall, type ServerWritableStream, type UntypedHandleCall } from '@grpc/grpc-js';
import { TRACE_HEADERS, withSpan } from '../telemetry/tracing.js';
import type { ServerCallContext } from './call-context.js';
import type { BidiStreamingHandler, ClientStreamingHandler, ServerStreamingHandler, UnaryHandler } from './handlers.js';
import { methodPath, wellFormed } from './service-definition.js';
import { toStatus } from './status.js';

export type AnyCall =
  | ServerUnaryCall<Message, Message>
  | ServerReadableStream<Message, Message>
  | ServerWritableStream<Message, Message>
  | ServerDuplexStream<Message, Message>;

/** What surrounds every call: opened before the handler runs, closed when it has been answered. */
export interface CallScope {
  open(call: AnyCall, method: DescMethod): ServerCallContext;
  close(context: ServerCallContext, method: DescMethod, error: unknown): void;
}

export type AnyHandler =
  | UnaryHandler<Message, Message>
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
      return (call: ServerUnaryCall<Message, Message>, callback: sendUnaryData<Message>) => {
        answerOnce(method, call, callback, scope, (context) => (handler as UnaryHandler<Message, Message>)(wellFormed(call.request), context));
      };
    case 'client_streaming':
      return (call: ServerReadableStream<Message, Message>, callback: sendUnaryData<Message>) => {
        answerOnce(method, call, callback, scope, (context) => (handler as ClientStreamingHandler<Message, Message>)(requestsOf(call, context.signal), context));
      };
    case 'server_streaming':
      return (call: ServerWritableStream<Message, Message>) => {
        void answerMany(method, call, scope, (context) => (handler as ServerStreamingHandler<Message, Message>)(wellFormed(call.request), context));
      };
    case 'bidi_streaming':
      return (call: ServerDuplexStream<Message, Message>) => {
        void answerMany(method, call, scope, (context) => (handler as BidiStreamingHandler<Message, Message>)(requestsOf(call, context.signal), context));
      };
  }
}

function answerOnce(
  method: DescMethod,
  call: ServerUnaryCall<Message, Message> | ServerReadableStream<Message, Message>,
  callback: sendUnaryData<Message>,
  scope: CallScope,
  answer: (context: ServerCallContext) => Promise<Message> | Message,
): void {
  const context = scope.open(call, method);
  const aborted = abortion(context.signal);
  const parent = new Map(TRACE_HEADERS.flatMap((name) => call.metadata.get(name).map((value) => [name, String(value)] as const)));
  const run = (): Promise<Message> => withSpan({ name: methodPath(method), kind: 'server', parent }, () => answer(context));
  // The race answers in time for a handler that does not heed its signal.
  aborted.race(run()).then(
    (response) => {
      callback(null, response);
      scope.close(context, method, undefined);
    },
    (error: unknown) => {
      callback(statusFor(error, context));
      scope.close(context, method, error);
    },
  ).finally(() => {
    aborted.release();
  });
}

async function answerMany(
  method: DescMethod,
  call: ServerWritableStream<Message, Message> | ServerDuplexStream<Message, Message>,
  scope: CallScope,
  answer: (context: ServerCallContext) => AsyncIterable<Message>,
): Promise<void> {
  const context = scope.open(call, method);
  const { signal } = context;
  const aborted = abortion(signal);
  let iterator: AsyncIterator<Message> | undefined;
  let failure: unknown;
  try {
    iterator = answer(context)[Symbol.asyncIterator]();
    for (;;) {
      const next = await aborted.race(iterator.next());
      if (next.done === true) break;
      signal.throwIfAborted();
      // `drain` is the client's back-pressure: the handler is not asked for more until it comes.
      if (!call.write(next.value)) await once(call, 'drain', { signal });
    }
    call.end();
  } catch (error) {
    failure = signal.aborted ? (signal.reason as unknown) : error;
    void iterator?.return?.().catch(() => undefined); // lets a generator run its `finally`
    call.emit('error', Object.assign(new Error('call failed'), statusFor(failure, context)));
  } finally {
    aborted.release();
    scope.close(context, method, failure);
  }
}

/** The requests of a stream, read one at a time, so that a slow handler slows the client. */
async function* requestsOf(call: ServerReadableStream<Message, Message> | ServerDuplexStream<Message, Message>, signal: AbortSignal): AsyncIterable<Message> {
  try {
    // A handler that stops reading may go on answering: the stream must stay open.
    for await (const request of call.iterator({ destroyOnReturn: false })) yield wellFormed(request as Message);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
  signal.throwIfAborted(); // a cancelled stream may look like one that has ended
}

function statusFor(error: unknown, { signal }: ServerCallContext): ReturnType<typeof toStatus> {
  const isCancelled = signal.aborted && error === signal.reason && error instanceof DOMException;
  return isCancelled ? { code: status.CANCELLED, details: 'cancelled', metadata: new Metadata() } : toStatus(error);
}

interface Abortion {
  /** Settles like `work`, or rejects when the signal aborts first. One race at a time. */
  race<T>(work: Promise<T>): Promise<T>;
  release(): void;
}

/**
 * Not Promise.race against one long-lived promise: each race would leave a reaction on it, and a
 * stream of a million messages a million of them.
 */
function abortion(signal: AbortSignal): Abortion {
  let reject: ((reason: unknown) => void) | undefined;
  const onAbort = (): void => reject?.(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    race<T>(work: Promise<T>) {
      return new Promise<T>((resolve, rejectRace) => {
        reject = rejectRace;
        work.then(resolve, rejectRace);
        if (signal.aborted) rejectRace(signal.reason);
      });
    },
    release: () => signal.removeEventListener('abort', onAbort),
  };
}
