import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What is asked, by the operation that its header names: `GetRecords`. */
export interface KinesisCall {
  readonly operation: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** An answer instead of the server's; undefined: the server's own. */
export type KinesisAnswer = { readonly error: string; readonly message?: string } | { readonly body: object } | undefined;

/** In front of a server: says of each call whether it answers itself, as Amazon would, and may change what the server says. */
export class KinesisStub {
  readonly calls: KinesisCall[] = [];
  /** Answers instead of the server. */
  instead: (call: KinesisCall) => KinesisAnswer | Promise<KinesisAnswer> = () => undefined;
  /** What becomes of an answer of the server's. */
  changed: (call: KinesisCall, body: Readonly<Record<string, unknown>>) => object = (_call, body) => body;
  readonly #server: Server;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    server.on('request', (from, to) => {
      this.#answer(from, to, target).catch(() => to.destroy());
    });
  }

  static async open(endpoint: string): Promise<KinesisStub> {
    const server = createServer();
    const stub = new KinesisStub(server, new URL(endpoint));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return stub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // of TCP
  }

  count(operation: string): number {
    return this.calls.filter((call) => call.operation === operation).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(from: IncomingMessage, to: ServerResponse, target: URL): Promise<void> {
    const sent = await textOf(from);
    const operation = String(from.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
    const call = { operation, body: JSON.parse(sent || '{}') as Record<string, unknown> };
    this.calls.push(call);
    const own = await this.instead(call);
    if (own !== undefined) {
      const isError = 'error' in own;
      to.writeHead(isError ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
      to.end(JSON.stringify(isError ? { __type: own.error, message: own.message ?? 'said by the stub' } : own.body));
      return;
    }
    const { status, text, headers } = await passOn(from, sent, target);
    const body = status === 200 && text !== '' ? JSON.stringify(this.changed(call, JSON.parse(text) as Record<string, unknown>)) : text;
    to.writeHead(status, { 'content-type': headers['content-type'] ?? 'application/x-amz-json-1.1', date: headers.date ?? '' });
    to.end(body);
  }
}

async function passOn(
  from: IncomingMessage,
  sent: string,
  target: URL,
): Promise<{ readonly status: number; readonly text: string; readonly headers: IncomingMessage['headers'] }> {
  const { connection: _connection, ...headers } = from.headers;
  const asked = request({ host: target.hostname, port: target.port, method: 'POST', path: from.url, headers });
  asked.end(sent);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 500, text: await textOf(answer), headers: answer.headers };
}

async function textOf(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer); // of a stream of bytes
  return Buffer.concat(chunks).toString();
}
