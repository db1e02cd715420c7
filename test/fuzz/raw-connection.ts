import { connect } from 'node:net';
import fc from 'fast-check';
import type { Outcome } from './fuzz-target.js';

/** A peer that neither answers nor hangs up is left after this. */
const SILENCE_MS = 2_000;

/** What begins like a request of HTTP/1.1 or 2, and goes on with anything. */
export const rawConnections = fc.record({
  head: fc.constantFrom(
    '',
    'GET ',
    'POST /api/v1/log HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n',
    'POST /features HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n`,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x20\x01\x04\0\0\0\x01',
  ),
  bytes: fc.uint8Array({ maxLength: 300 }),
});

/** Sends them over a connection of its own; the status is the first that comes back, or how the connection ended. */
export async function sendRaw(port: number, { head, bytes }: { readonly head: string; readonly bytes: Uint8Array }): Promise<Outcome> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // a reset is one way to refuse
  socket.setTimeout(SILENCE_MS, () => socket.destroy());
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
  let text = '';
  socket.on('data', (part) => (text += part.toString('latin1')));
  await new Promise((resolve) => socket.once('close', resolve));
  return { input: { head, bytes }, status: /^HTTP\/1.1 (\d+)/.exec(text)?.[1] ?? 'closed', text };
}
