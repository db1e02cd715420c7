import { once } from 'node:events';
import { connect, type ClientHttp2Session, type SecureClientSessionOptions } from 'node:http2';

export interface RawCall {
  /** `/thyme.v1.Service/Method` */
  readonly path: string;
  /** Beside those that every call has; `:authority` among them. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RawStatus {
  readonly code: number;
  readonly message: string;
}

const DEADLINE_MS = 30_000;
/** One empty message: not compressed, no bytes. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/** One gRPC call with an empty request, by HTTP/2 itself; gives the status that it ends with. */
export async function rawCall(origin: string, { path, headers = {} }: RawCall, tls: SecureClientSessionOptions = {}): Promise<RawStatus> {
  const session = connect(origin, tls);
  const failed = once(session, 'error').then(([error]) => Promise.reject(error instanceof Error ? error : new Error(String(error))));
  try {
    return await Promise.race([callOn(session, path, headers), failed]);
  } finally {
    failed.catch(() => undefined);
    session.destroy();
  }
}

async function callOn(session: ClientHttp2Session, path: string, headers: Readonly<Record<string, string>>): Promise<RawStatus> {
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers });
  stream.setTimeout(DEADLINE_MS, () => stream.destroy(new Error('no answer')));
  stream.end(EMPTY_MESSAGE);
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    const seen = (found: Readonly<Record<string, unknown>>): void => {
      if (found['grpc-status'] === undefined) return;
      resolve({ code: Number(found['grpc-status']), message: decodeURIComponent(String(found['grpc-message'] ?? '')) });
    };
    stream.on('response', (found) => {
      seen(found);
      // A stream without end has begun: it was let in.
      if (found['grpc-status'] === undefined) stream.once('data', () => resolve({ code: 0, message: '' }));
    });
    stream.on('trailers', seen);
    stream.on('close', () => reject(new Error('the call ended without a status')));
  });
}
