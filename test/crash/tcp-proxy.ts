import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * - `pass`: a good line.
 * - `slow`: every piece arrives so much later, in order.
 * - `black hole`: connections stay, new ones too, and nothing arrives until the line is good again; TCP then
 *   delivers what was on its way.
 */
export type LineState = 'pass' | 'slow' | 'black hole';

const SLOW_MS = 300;

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** A bad line in front of a server, for whoever is told to connect to it (RELIABILITY 4). */
export class TcpProxy {
  connections = 0;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #state: LineState = 'pass';

  constructor(target: string) {
    const [host = '', port = ''] = target.split(':');
    this.#target = { host, port: Number(port) };
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#join(near));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // of TCP
  }

  async stop(): Promise<void> {
    for (const { near, far } of this.#pairs) for (const socket of [near, far]) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  set state(state: LineState) {
    this.#state = state;
    for (const { near, far } of this.#pairs) for (const socket of [near, far]) this.#flow(socket);
  }

  /** Every connection is broken off, at both ends, with whatever was on its way. */
  reset(): void {
    for (const { near, far } of this.#pairs) for (const socket of [near, far]) socket.resetAndDestroy();
  }

  /** One direction of every connection ends in order, and the other stays: to whom it was, the peer has nothing more to say. */
  halfClose(side: 'client' | 'server'): void {
    for (const { near, far } of this.#pairs) (side === 'client' ? near : far).end();
  }

  #join(near: Socket): void {
    this.connections++;
    const far = connect({ ...this.#target, allowHalfOpen: true });
    const pair = { near, far };
    this.#pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => this.#pass(bytes, to));
      from.on('end', () => this.#later(() => to.end()));
      // A line that breaks breaks for both.
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#pairs.delete(pair);
        this.#later(() => to.destroySoon());
      });
      this.#flow(from);
    }
  }

  #flow(socket: Socket): void {
    if (this.#state === 'black hole') socket.pause();
    else socket.resume();
  }

  #pass(bytes: Buffer, to: Socket): void {
    this.#later(() => {
      if (to.writable) to.write(bytes);
    });
  }

  /** Timers of one length come in the order in which they were set: nothing overtakes. */
  #later(act: () => void): void {
    if (this.#state === 'slow') setTimeout(act, SLOW_MS);
    else act();
  }
}
