import { once } from 'node:events';
import type { Message } from '@bufbuild/protobuf';
import type { ClientDuplexStream, ClientWritableStream } from '@grpc/grpc-js';

/**
 * Sends the requests as fast as the server takes them. Where the requests themselves fail, the call
 * is cancelled, since the server must not take a part for the whole, and `fail` is told why.
 */
export function writeRequests(
  call: ClientWritableStream<Message> | ClientDuplexStream<Message, Message>,
  requests: AsyncIterable<Message>,
  fail: (error: unknown) => void,
): void {
  const ended = new AbortController();
  call.once('status', () => ended.abort()); // whatever the server answered, it reads no more
  const pump = async (): Promise<void> => {
    for await (const request of requests) {
      if (ended.signal.aborted) return;
      if (!call.write(request)) await once(call, 'drain', { signal: ended.signal });
    }
    call.end();
  };
  pump().catch((error: unknown) => {
    if (ended.signal.aborted) return;
    fail(error);
    call.cancel();
  });
}
