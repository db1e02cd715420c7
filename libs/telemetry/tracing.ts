import { context, propagation, SpanKind, SpanStatusCode, trace, type Attributes, type TracerProvider } from '@opentelemetry/api';

// OpenTelemetry, seen from one place. Without an SDK in the process everything here is a no-op.

const TRACER_NAME = 'thyme';

export interface SpanOptions {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal';
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  /** Trace headers of the caller (`traceparent`, `tracestate`); absent, the span's parent is the active one. */
  readonly parent?: ReadonlyMap<string, string>;
}

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL };

/** The names under which trace context travels in HTTP headers and gRPC metadata (W3C). */
export const TRACE_HEADERS: readonly string[] = ['traceparent', 'tracestate'];

/** What the API gives out until an SDK is registered, and then in front of it. */
type Proxied = TracerProvider & { readonly getDelegateTracer?: (name: string) => unknown };

/**
 * Whether an SDK is registered. Where none is, who is called often leaves its spans out: one for nobody costs as much as to route
 * a request.
 */
export function isTracing(): boolean {
  const provider: Proxied = trace.getTracerProvider();
  return provider.getDelegateTracer === undefined || provider.getDelegateTracer(TRACER_NAME) !== undefined;
}

/** Runs `work` inside a span that ends when it settles; a failure is marked by its name, not its words. */
export async function withSpan<T>(options: SpanOptions, work: () => T | Promise<T>): Promise<T> {
  const parent = options.parent === undefined ? context.active() : propagation.extract(context.active(), options.parent, MAP_GETTER);
  const attributes: Attributes = { ...options.attributes };
  const span = trace.getTracer(TRACER_NAME).startSpan(options.name, { kind: KINDS[options.kind], attributes }, parent);
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
    throw error;
  } finally {
    span.end();
  }
}

/** The trace headers to send with a call made now. */
export function traceHeaders(): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  propagation.inject(context.active(), headers, { set: (carrier, name, value) => carrier.set(name, value) });
  return headers;
}

const MAP_GETTER = {
  get: (carrier: ReadonlyMap<string, string>, name: string) => carrier.get(name),
  keys: (carrier: ReadonlyMap<string, string>) => [...carrier.keys()],
};
