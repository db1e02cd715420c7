import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error.js';
import type { RouteBody } from './route.js';

/**
 * How much of a body over its limit is read and thrown away, so that a client which sends first and
 * reads then (httpx does) sees the 413 rather than a broken pipe.
 */
const DISCARDED_BYTES_MAX = 256 * 1024 * 1024;

/** The whole body, or 413 and 415. `node:http` bounds the time that it may take. */
export async function readBody(request: IncomingMessage, body: RouteBody | undefined): Promise<Uint8Array> {
  const limit = body?.bytesMax ?? 0;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // A reader that stops must not destroy the socket, on which the answer is still to be sent.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer; // no encoding is set, so chunks are Buffers
      length += bytes.length;
      if (length <= limit) chunks.push(bytes);
      else chunks.length = 0;
      if (length > DISCARDED_BYTES_MAX) break;
    }
  } catch {
    // The client hung up, or its framing is broken: nobody is left to be told, and the fault is not ours to log.
    throw new HttpError(400, 'the request ended before its body did');
  }
  if (length > limit) throw tooLarge(body);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** Before the body is read: its type must be one of the route's, and plain. Returns the type. */
export function checkBodyType(request: IncomingMessage, body: RouteBody | undefined): string {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new HttpError(415, `a body with Content-Encoding '${encoding.slice(0, 32)}' is not read: send it plain`);
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (body !== undefined && type !== '' && !body.types.includes(type)) {
    throw new HttpError(415, `'${type.slice(0, 64)}' is not read here: send ${body.types.join(' or ')} and say so in Content-Type`);
  }
  return type;
}

function tooLarge(body: RouteBody | undefined): HttpError {
  const message = body === undefined ? 'this request takes no body' : `the body is larger than ${body.bytesMax} bytes (${Math.floor(body.bytesMax / 1024)} KiB): ${body.wayOut}`;
  return new HttpError(413, message, { connection: 'close' });
}
