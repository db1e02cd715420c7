import { constants, connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';

/** What stands before a message: a byte that says whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
const STATUS_OK = '0';

/**
 * A connection for unary gRPC calls, any number in flight. Over node:http2 itself, because the client of grpc-js
 * costs more than the server that it is to measure. Takes messages that are not compressed only.
 */
export class GrpcConnection {
  readonly #session: ClientHttp2Session;

  constructor(target: string) {
    this.#session = connect(`http://${target}`);
  }

  /** The bytes of the answer's message. Rejects with the status where it is not OK. */
  async call(path: string, message: Uint8Array): Promise<Buffer> {
    const chunks = await new Promise<readonly Buffer[]>((resolve, reject) => {
      const stream = this.#session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: path,
        [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
        [constants.HTTP2_HEADER_TE]: 'trailers',
      });
      const received: Buffer[] = [];
      let trailers: IncomingHttpHeaders = {};
      stream.on('data', (chunk: Buffer) => received.push(chunk));
      stream.on('response', (headers) => (trailers = headers)); // an error without a message comes with the headers alone
      stream.on('trailers', (headers: IncomingHttpHeaders) => (trailers = headers));
      stream.on('error', reject);
      stream.on('end', () => {
        if (trailers['grpc-status'] === STATUS_OK) resolve(received);
        else reject(new Error(`${path}: status ${String(trailers['grpc-status'])}: ${String(trailers['grpc-message'])}`));
      });
      stream.end(framed(message));
    });
    return messageIn(chunks);
  }

  close(): void {
    this.#session.close();
  }
}

function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(PREFIX_BYTES + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}

function messageIn(chunks: readonly Buffer[]): Buffer {
  const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  const length = bytes.length < PREFIX_BYTES ? Number.NaN : bytes.readUInt32BE(1);
  if (bytes[0] !== 0 || bytes.length !== PREFIX_BYTES + length) throw new Error(`${bytes.length} bytes are no single message of gRPC`);
  return bytes.subarray(PREFIX_BYTES);
}
