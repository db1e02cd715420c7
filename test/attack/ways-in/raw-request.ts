import { once } from 'node:events';
import { connect } from 'node:net';

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  /** Sent as they are, in this order; `Host` among them, or none. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

const DEADLINE_MS = 30_000;

/** A request as a browser or an attacker writes it: `fetch` forbids to set these headers. */
export async function rawRequest(url: string, { method = 'GET', path = '/', headers, body = '' }: RawRequest): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error('no answer')));
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = body === '' ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`;
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}${length}connection: close\r\n\r\n${body}`);
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => (text += part));
  await once(socket, 'close');
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}
