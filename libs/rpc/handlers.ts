import type { GrantedScope } from '../config/api-keys.js';
import type { DescMessage, DescService, MessageShape } from '@bufbuild/protobuf';

/** What a call brings along. */
export interface CallContext {
  /** Aborts when the caller has gone, the deadline has passed or the server stops. */
  readonly signal: AbortSignal;
  /** Whether the signal has been aborted, without making one; absent where there is one already. */
  readonly isOver?: boolean;
  readonly deadline?: Date;
  /** The first 8 hex digits of the SHA-256 of the key that the first caller used. */
  readonly apiKeyFingerprint?: string;
  /** What the caller may do, for answers that tell some more than others; absent means no more than everybody. */
  readonly scopes?: ReadonlySet<GrantedScope>;
}

/**
 * The methods of a service as plain async functions, keyed by the names of the generated code. A
 * service implements this shape, `createClient` gives it, and a caller cannot tell which it has.
 */
export type ServiceHandlers<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: MethodHandler<Service['method'][Name]>;
};

/** Unary methods whose answers a service can write as a message's bytes by itself, beside the handlers that give the message. */
export type BytesHandlers<Service extends DescService> = {
  readonly [Name in keyof Service['method']]?: BytesHandlerOf<Service['method'][Name]>;
};

type BytesHandlerOf<Method> = Method extends { readonly methodKind: 'unary'; readonly input: infer Input extends DescMessage }
  ? UnaryHandler<MessageShape<Input>, Uint8Array>
  : never;

type MethodHandler<Method> = Method extends {
  readonly methodKind: infer Kind;
  readonly input: infer Input extends DescMessage;
  readonly output: infer Output extends DescMessage;
}
  ? HandlerOf<Kind, MessageShape<Input>, MessageShape<Output>>
  : never;

type HandlerOf<Kind, Request, Response> = Kind extends 'unary'
  ? UnaryHandler<Request, Response>
  : Kind extends 'server_streaming'
    ? ServerStreamingHandler<Request, Response>
    : Kind extends 'client_streaming'
      ? ClientStreamingHandler<Request, Response>
      : BidiStreamingHandler<Request, Response>;

export type UnaryHandler<Request, Response> = (request: Request, context: CallContext) => Promise<Response> | Response;
export type ServerStreamingHandler<Request, Response> = (request: Request, context: CallContext) => AsyncIterable<Response>;
export type ClientStreamingHandler<Request, Response> = (
  requests: AsyncIterable<Request>,
  context: CallContext,
) => Promise<Response> | Response;
export type BidiStreamingHandler<Request, Response> = (requests: AsyncIterable<Request>, context: CallContext) => AsyncIterable<Response>;
