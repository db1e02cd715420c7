import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { systemClock } from '../../../libs/time/clock.js';
import type { ContractFault } from './contract-system.js';

const SLOW_MS = 30;
/** Odd, so that no number, text or header of a protocol is always on one side of a cut. */
const PIECE_BYTES = 1_021;
/** What passes before an answer breaks off: past a login, within a page of rows. */
const BREAK_AFTER_BYTES = 20_011;
const NEVER = new AbortController().signal;

/** A line between a connector and its system that answers late, in pieces, or breaks off in the middle of an answer. */
export class FaultyProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #fault: ContractFault | undefined;
  #bytesLeft = 0;

  private constructor(server: Server, systemPort: number) {
    this.#server = server;
    server.on('connection', (near) => this.#pass(near, connect({ host: '127.0.0.1', port: systemPort })));
  }

  /** In front of a port of this machine; at a free port of its own, unless one is given. */
  static async open(systemPort: number, port = 0): Promise<FaultyProxy> {
    const server = createServer();
    const proxy = new FaultyProxy(server, systemPort);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // of TCP
  }

  /** For a system's `faults`. */
  faults(): Readonly<Record<ContractFault, () => void>> {
    return { slow: () => this.#set('slow'), halves: () => this.#set('halves'), breaks: () => this.#set('breaks') };
  }

  heal(): void {
    this.#fault = undefined;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #set(fault: ContractFault): void {
    this.#fault = fault;
    this.#bytesLeft = BREAK_AFTER_BYTES;
  }

  #pass(near: Socket, far: Socket): void {
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    let passing = Promise.resolve();
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        // A system that ends the line behind its answer has sent all of it.
        void passing.then(() => (socket === far ? near.end() : end()));
      });
    }
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => {
      passing = passing.then(() => this.#answer(bytes, near, end));
    });
  }

  async #answer(bytes: Buffer, near: Socket, end: () => void): Promise<void> {
    switch (this.#fault) {
      case undefined:
        near.write(bytes);
        return;
      case 'slow':
        await systemClock.sleep(SLOW_MS, NEVER);
        near.write(bytes);
        return;
      case 'halves':
        for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
          near.write(bytes.subarray(at, at + PIECE_BYTES));
          await systemClock.sleep(1, NEVER); // each piece is a packet of its own
        }
        return;
      case 'breaks':
        near.write(bytes.subarray(0, this.#bytesLeft));
        this.#bytesLeft -= bytes.length;
        if (this.#bytesLeft > 0) return;
        this.#fault = undefined; // once: what is asked again is answered
        end();
    }
  }
}
