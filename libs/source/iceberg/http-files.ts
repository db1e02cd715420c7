import { SourceError } from '../source-error.js';
import type { FileStore } from './file-store.js';

/** A server that gives no whole answer within it is asked again. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Files of a web server that gives parts of them (`Range`). */
export class HttpFiles implements FileStore {
  async sizeOf(location: string, signal: AbortSignal): Promise<number> {
    const response = await ask(location, { method: 'HEAD' }, signal);
    const length = response.headers.get('content-length');
    if (length === null) throw new SourceError('stop', 'THYME_SOURCE_ICEBERG_FILE', `${location}: the server tells no Content-Length`);
    return Number(length);
  }

  async readRange(location: string, start: number, end: number, signal: AbortSignal): Promise<Uint8Array> {
    if (end <= start) return new Uint8Array();
    const response = await ask(location, { headers: { range: `bytes=${start}-${end - 1}` } }, signal);
    if (response.status !== 206 && start > 0) {
      await response.body?.cancel();
      throw new SourceError(
        'stop',
        'THYME_SOURCE_ICEBERG_FILE',
        `${location}: the server gives no parts of files (Range): use one that does`,
      );
    }
    const bytes = new Uint8Array(
      await response.arrayBuffer().catch((cause: unknown): never => {
        throw broken(location, cause);
      }),
    );
    if (bytes.length < end - start) throw broken(location, `it gave ${bytes.length} bytes of ${end - start}`);
    return bytes.subarray(0, end - start);
  }

  async close(): Promise<void> {
    // Connections are the runtime's.
  }
}

async function ask(location: string, request: RequestInit, signal: AbortSignal): Promise<Response> {
  const response = await fetch(location, { ...request, signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]) }).catch(
    (cause: unknown) => Promise.reject(broken(location, cause)),
  );
  if (response.ok) return response;
  await response.body?.cancel();
  const isLasting = response.status === 401 || response.status === 403;
  throw new SourceError(isLasting ? 'stop' : 'retry', 'THYME_SOURCE_ICEBERG_FILE', `${location}: the server answers ${response.status}`);
}

function broken(location: string, cause: unknown): SourceError {
  const why = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause);
  return new SourceError('retry', 'THYME_SOURCE_ICEBERG_FILE', `${location} cannot be read: ${why}`, { cause });
}
