import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that may wait on a connection behind the one that is being answered. No common client sends a second at all. */
const PIPELINED_MAX = 16;
/** A request must bring, and an answer be taken of, something within this time. */
export const STALL_MS = 20_000;

interface Latest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Requests before it that are not answered yet. */
  readonly ahead: number;
}

/**
 * One request at a time on each connection. node:http gives them all out as they come in, and keeps the answers until it is their
 * turn: 64 KB of requests for a large answer would be made into a hundred megabytes.
 */
export class SocketTurns {
  readonly #latest = new WeakMap<Socket, Latest>();

  /** What to wait for before the request is looked at; nothing, mostly. Resolves with false for one that is not to be answered. */
  enter(request: IncomingMessage, response: ServerResponse): Promise<boolean> | undefined {
    const { socket } = request;
    const before = this.#latest.get(socket);
    if (before === undefined || response.socket !== null) {
      this.#latest.set(socket, { request, response, ahead: 0 }); // it has the socket: the one before was answered
      return undefined;
    }
    if (before.ahead === PIPELINED_MAX) {
      if (!before.response.headersSent) before.response.setHeader('connection', 'close');
      return Promise.resolve(false);
    }
    this.#latest.set(socket, { request, response, ahead: before.ahead + 1 });
    return new Promise((resolve) => before.response.once('close', () => resolve(!socket.destroyed)));
  }

  /**
   * For node's `timeout` of a socket: nothing was read or taken for STALL_MS, or for the time that it may be kept between requests.
   * Only a connection whose answer is being worked out is left alone.
   */
  readonly timedOut = (socket: Socket): void => {
    const latest = this.#latest.get(socket);
    const isAnswering = latest !== undefined && latest.request.complete && !latest.response.closed && socket.writableLength === 0;
    if (isAnswering) socket.setTimeout(STALL_MS);
    else socket.destroy();
  };
}
