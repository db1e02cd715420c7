import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface JsonRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface JsonAnswer {
  readonly status?: number;
  readonly body: unknown;
}

export interface JsonServer {
  readonly port: number;
  /** All that was asked, in order. */
  readonly requests: readonly JsonRequest[];
  close(): Promise<void>;
}

/** A server on loopback that answers as it is told: for what no emulator of a service does. */
export async function startJsonServer(answer: (request: JsonRequest) => JsonAnswer): Promise<JsonServer> {
  const requests: JsonRequest[] = [];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const text = (message.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      const request = { method: message.method ?? '', path: message.url ?? '', headers: message.headers, body };
      requests.push(request);
      const { status = 200, body: answered } = answer(request);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
