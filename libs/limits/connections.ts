import type { Server, Socket } from 'node:net';

/** New connections that are served in one turn of the event loop: what each sends first may be a hundred calls. */
const ADMITTED_A_TURN = 4;

interface Connection {
  readonly socket: Socket;
  readonly place: string;
  calls: number;
}

/**
 * The connections of a process, on all its ports. When there are as many as may be, a new one takes the place of one that has no
 * call: of those that never had one the oldest, else of the one that has been idle longest. So silence cannot keep others out.
 */
export class Connections {
  readonly #connectionsMax: number;
  readonly #open = new Map<string, Connection>();
  /** In the order of their arrival. */
  readonly #silent = new Set<Connection>();
  /** In the order of their last calls. */
  readonly #idle = new Set<Connection>();

  constructor(connectionsMax: number) {
    this.#connectionsMax = connectionsMax;
  }

  /** For metrics. */
  get count(): number {
    return this.#open.size;
  }

  /** Puts a gate before the server: what it would do with a connection it does when the connection is admitted. */
  guard(server: Server): void {
    const listeners = server.listeners('connection');
    server.removeAllListeners('connection');
    const queue: Socket[] = [];
    let admitted = 0;
    const serve = (socket: Socket): void => {
      for (const listener of listeners) listener.call(server, socket);
    };
    const nextTurn = (): void => {
      admitted = Math.min(queue.length, ADMITTED_A_TURN);
      for (const socket of queue.splice(0, admitted)) if (!socket.destroyed) serve(socket);
      if (admitted > 0) setImmediate(nextTurn);
    };
    server.on('connection', (socket: Socket) => {
      if (!this.#admit(socket)) return;
      if (admitted === 0) setImmediate(nextTurn);
      if (++admitted <= ADMITTED_A_TURN) serve(socket);
      else queue.push(socket);
    });
  }

  /** A call begins on the connection at this place. */
  begin(place: string): void {
    const connection = this.#open.get(place);
    if (connection !== undefined && connection.calls++ === 0) {
      this.#silent.delete(connection);
      this.#idle.delete(connection);
    }
  }

  end(place: string): void {
    const connection = this.#open.get(place);
    if (connection !== undefined && --connection.calls === 0) this.#idle.add(connection);
  }

  #admit(socket: Socket): boolean {
    const [spare] = this.#open.size < this.#connectionsMax ? [] : [...firstOf(this.#silent), ...firstOf(this.#idle)];
    if (this.#open.size >= this.#connectionsMax && spare === undefined) {
      socket.destroy();
      return false;
    }
    if (spare !== undefined) this.#drop(spare);
    const connection = { socket, place: placeOf(socket), calls: 0 };
    this.#open.set(connection.place, connection);
    this.#silent.add(connection);
    socket.once('close', () => this.#forget(connection));
    return true;
  }

  #drop(connection: Connection): void {
    this.#forget(connection); // at once: its 'close' comes later
    connection.socket.destroy();
  }

  #forget(connection: Connection): void {
    this.#silent.delete(connection);
    this.#idle.delete(connection);
    if (this.#open.get(connection.place) === connection) this.#open.delete(connection.place);
  }
}

function firstOf(connections: ReadonlySet<Connection>): readonly Connection[] {
  for (const connection of connections) return [connection];
  return [];
}

/** A connection's name: its two ends, since TLS hides the socket that was admitted. */
export function placeOf({ remoteAddress, remotePort, localPort }: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localPort'>): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0} ${localPort ?? 0}`;
}
