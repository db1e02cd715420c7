import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Holding } from '../limits/byte-budget.js';
import type { CallLifetime } from '../rpc/call-lifetime.js';
import { toProblem, type Problem } from './problem.js';
import type { RestResponse } from './route.js';

/** Names and values by turns, as node:http takes them: to join objects of headers costs more than to write them. */
type HeaderList = readonly string[];

/** Sent with every answer: it is for programs, belongs to nobody's cache and is no page. */
const FIXED_HEADERS: HeaderList = ['cache-control', 'no-store', 'x-content-type-options', 'nosniff'];

/** A text or bytes go out in one piece with their head; a stream no faster than the client reads. */
export function sendAnswer(
  response: ServerResponse,
  { status, headers, body }: RestResponse,
  { lifetime, holding }: { readonly lifetime: CallLifetime; readonly holding: Holding },
): Promise<void> | undefined {
  if (typeof body !== 'string' && !(body instanceof Uint8Array))
    return sendStream(response, { status, headers, body }, { signal: lifetime.signal, holding });
  if (typeof body === 'string') holding.take(body.length); // bytes are shared by those who ask, as of /metrics
  sendWhole(response, { status, headers, body });
  return undefined;
}

function sendWhole(
  response: ServerResponse,
  { status, headers, body }: Problem | (RestResponse & { readonly body: string | Uint8Array }),
): void {
  const list = headerList(headers);
  list.push('content-length', String(Buffer.byteLength(body)));
  response.writeHead(status, list);
  response.end(body);
}

async function sendStream(
  response: ServerResponse,
  { status, headers, body }: RestResponse & { readonly body: AsyncIterable<string | Uint8Array> },
  { signal, holding }: { readonly signal: AbortSignal; readonly holding: Holding },
): Promise<void> {
  response.writeHead(status, headerList(headers));
  for await (const chunk of body) {
    signal.throwIfAborted();
    holding.take(chunk.length);
    if (!response.write(chunk)) await once(response, 'drain', { signal });
    holding.give(chunk.length);
  }
  response.end();
}

/** Answers with the problem that the error is, where it is not too late. */
export function sendRefusal(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy(); // H2
    return;
  }
  if (response.destroyed) return;
  sendWhole(response, toProblem(error));
}

/** Tells the client not to use the connection again, where it is not too late for headers. */
export function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

function headerList(headers: Readonly<Record<string, string>>): string[] {
  const list = [...FIXED_HEADERS];
  for (const name in headers) list.push(name, headers[name] ?? '');
  return list;
}
