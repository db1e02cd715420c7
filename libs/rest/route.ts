import type { Caller, RequiredScope } from '../config/api-keys.js';
import type { CallContext } from '../rpc/handlers.js';

/** A JSON Schema (2020-12), as OpenAPI 3.1 embeds it. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** An object that always has all of these members. */
export function answerSchema(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', required: Object.keys(properties), properties };
}

/** An object of a request: a member that is not named here is refused. */
export function requestSchema(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []): JsonSchema {
  return { type: 'object', required, properties, additionalProperties: false };
}

/** What a handler gets: routed, authorised and read to the end. */
export interface RestRequest {
  /** What stands for each `{name}` in the route's path. */
  readonly pathParameters: ReadonlyMap<string, string>;
  readonly query: ReadonlyMap<string, string>;
  readonly accept: string | undefined;
  /** Lower case, without parameters; empty where none was sent. */
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly caller: Caller;
  /** The port of ours that the connection came to. */
  readonly localPort: number | undefined;
  /** To pass on to gRPC handlers: aborts at the deadline, when the client has gone, or when the server stops. */
  readonly context: CallContext;
}

export interface RestResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream is sent as it comes, no faster than the client reads; when it throws, the connection is destroyed. */
  readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array>;
}

export interface RouteParameter {
  readonly name: string;
  readonly description: string;
  readonly required?: boolean;
  readonly schema?: JsonSchema;
  /** It stands for `<name>.<field>`, once for each field of a composite key. */
  readonly isFamily?: boolean;
}

/** One row of the table from which requests are routed and OpenAPI is written: neither can drift from the other. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Exact segments and `{name}` ones. */
  readonly path: string;
  readonly scope: RequiredScope;
  readonly summary: string;
  /** All that are taken: another one is refused. */
  readonly parameters?: readonly RouteParameter[];
  readonly body?: RouteBody;
  /** Content types of a 200 with the schema of each. */
  readonly answers: Readonly<Record<string, JsonSchema>>;
  /** Headers of the answer by name, with what each says. */
  readonly answerHeaders?: Readonly<Record<string, string>>;
  /** How long the answer may take, ms; the server's default when absent. */
  readonly timeoutMs?: number;
  /** Requests of it that this process answers at a time; the server's default when absent. */
  readonly callsMax?: number;
  handle(request: RestRequest): Promise<RestResponse> | RestResponse;
}

export interface RouteBody {
  readonly bytesMax: number;
  /** What a client should do with more than that. */
  readonly wayOut: string;
  readonly types: readonly [string, ...string[]];
  readonly schema: JsonSchema;
}

export const JSON_TYPE = 'application/json';
/** A row a line, and a last line that says how many there were. */
export const NDJSON_TYPE = 'application/x-ndjson';

export function jsonResponse(text: string, headers: Readonly<Record<string, string>> = {}): RestResponse {
  return { status: 200, headers: { 'content-type': JSON_TYPE, ...headers }, body: text };
}
