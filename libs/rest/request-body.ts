import type { IncomingMessage } from 'node:http';
import type { Holding } from '../limits/byte-budget.js';
import { HttpError } from './http-error.js';
import type { RouteBody } from './route.js';

/**
 * How much of a body over its limit is read and thrown away, so that a client which sends first and
 * reads then (httpx does) sees the 413 rather than a broken pipe.
 */
const DISCARDED_BYTES_MAX = 256 * 1024 * 1024;

const NO_BODY = new Uint8Array();

/** The whole body, or 413, 415, and 503 where the process has too much in flight. `node:http` bounds the time that it may take. */
export function readBody(request: IncomingMessage, body: RouteBody | undefined, holding: Holding): Promise<Uint8Array> | Uint8Array {
  const { headers } = request;
  // Without either header there is no body (RFC 9112, 6.3).
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return NO_BODY;
  return new Promise((resolve, reject) => {
    const limit = body?.bytesMax ?? 0;
    let chunks: Buffer[] = [];
    let length = 0;
    let refusal: unknown;
    const onEnd = (): void => (refusal === undefined ? resolve(joined(chunks)) : reject(refusal));
    const onData = (bytes: Buffer): void => {
      length += bytes.length;
      refusal ??= length > limit ? tooLarge(body) : refusalOf(holding, bytes.length);
      if (refusal === undefined) chunks.push(bytes);
      else if (chunks.length > 0) {
        chunks = [];
        holding.release();
      }
      if (length <= DISCARDED_BYTES_MAX) return;
      request.off('data', onData).pause();
      onEnd();
    };
    // No encoding is set, so chunks are Buffers. Events, since an iterator costs more than all the rest that is done here.
    request.on('data', onData);
    request.on('end', onEnd);
    // The client hung up, or its framing is broken: nobody is left to be told, and the fault is not ours to log.
    request.on('close', () => {
      if (!request.readableEnded) reject(new HttpError(400, 'the request ended before its body did'));
    });
  });
}

/** Why so many bytes more may not be kept, if they may not. */
function refusalOf(holding: Holding, bytes: number): unknown {
  try {
    holding.take(bytes);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Most bodies come in one piece, which need not be copied. */
function joined(chunks: readonly Buffer[]): Uint8Array {
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
}

/** Before the body is read: its type must be one of the route's, and plain. Returns the type. */
export function checkBodyType(request: IncomingMessage, body: RouteBody | undefined): string {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new HttpError(415, `a body with Content-Encoding '${encoding.slice(0, 32)}' is not read: send it plain`);
  const sent = request.headers['content-type'] ?? '';
  if (body?.types.includes(sent) === true) return sent; // as most clients write it
  const type = sent.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  // Without a type, too: a page can send such a body to any server, and nothing asks that server first.
  if (body !== undefined && (type !== '' || hasBody(request)) && !body.types.includes(type)) {
    const found = type === '' ? 'a body without Content-Type' : `'${type.slice(0, 64)}'`;
    throw new HttpError(415, `${found} is not read here: send ${body.types.join(' or ')} and say so in Content-Type`);
  }
  return type;
}

/** Whether bytes are to come; a length of 0 says that none are. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function tooLarge(body: RouteBody | undefined): HttpError {
  const message =
    body === undefined
      ? 'this request takes no body'
      : `the body is larger than ${body.bytesMax} bytes (${Math.floor(body.bytesMax / 1024)} KiB): ${body.wayOut}`;
  return new HttpError(413, message, { connection: 'close' });
}
