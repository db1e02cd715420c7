import { constants, type ServerHttp2Stream } from 'node:http2';
import { toStatus } from './status.js';

/**
 * Answers a call that grpc-js is not to see, or not to see the rest of, and closes its stream: what still comes is thrown away.
 * grpc-js takes a closed stream for one that its client has cancelled.
 */
export function refuseStream(stream: ServerHttp2Stream, error: unknown): void {
  if (stream.closed || stream.destroyed) return;
  if (stream.headersSent) {
    stream.close(constants.NGHTTP2_CANCEL); // part of an answer is no answer
    return;
  }
  const { code, details, metadata } = toStatus(error);
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-accept-encoding': 'identity',
      'grpc-status': code,
      'grpc-message': encodeURI(details),
      ...metadata.toHttp2Headers(),
    },
    { endStream: true },
  );
  stream.close(constants.NGHTTP2_NO_ERROR);
}
