import { connect, type Socket } from 'node:net';

export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, windowUpdate: 8, continuation: 9 } as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const CANCEL = Buffer.of(0, 0, 0, 8);

/** One frame of HTTP/2 as it is on the wire. */
export function frame(type: number, flags: number, stream: number, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** A header that is not put into the compression's table. Both texts below 127 bytes. */
export function plainHeader(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0, name.length), Buffer.from(name, 'latin1'), Buffer.of(value.length), Buffer.from(value, 'latin1')]);
}

/** The header block of a gRPC request. */
export function requestHeaders(path: string): Buffer {
  return Buffer.concat([
    Buffer.of(0x83, 0x86), // POST over http, of the static table
    plainHeader(':path', path),
    plainHeader(':authority', '127.0.0.1'),
    plainHeader('content-type', 'application/grpc'),
    plainHeader('te', 'trailers'),
  ]);
}

export function resetFrame(stream: number): Buffer {
  return frame(FRAME.reset, 0, stream, CANCEL);
}

/** A connection that has said what HTTP/2 begins with. */
export async function openHttp2(target: string): Promise<Socket> {
  const socket = await openSocket(target);
  socket.write(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0)]));
  return socket;
}

/** A plain connection. What it is sent is thrown away, and its end is no error. */
export function openSocket(target: string): Promise<Socket> {
  const at = target.lastIndexOf(':');
  const socket = connect(Number(target.slice(at + 1)), target.slice(0, at));
  socket.on('error', () => undefined);
  socket.on('data', () => undefined);
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(socket));
    socket.once('close', () => resolve(socket));
  });
}

/** Writes, unless the other side has closed; waits for room as long as it has not. */
export async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.destroyed || socket.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

/** How many of the sockets the other side has closed by now. */
export function countClosed(sockets: readonly Socket[]): number {
  return sockets.filter((socket) => socket.destroyed || socket.readableEnded).length;
}
