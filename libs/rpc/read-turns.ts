/** Calls that all connections together may open in one turn of the event loop; each costs Node some 20 µs before anybody is asked. */
export const STREAMS_A_TURN = 256;
/** Connections that are read again in one turn, of those that were left aside. */
export const CONNECTIONS_A_TURN = 8;

/** A connection whose bytes can be left in the kernel for a while. */
export interface Reading {
  stopReading(): void;
  startReading(): void;
}

/**
 * Spreads over turns of the event loop what connections open: libuv reads every socket that has something in the same turn, and
 * Node makes all calls of what it reads. Once they have opened as many as a turn should have, no connection is read any more in this
 * turn; they go on in the next ones, a few at a time.
 */
export class ReadTurns {
  readonly #all = new Set<Reading>();
  /** Those that are not read, in the order in which they will be. */
  #waiting = new Set<Reading>();
  /** Those that may go on in this turn and have not yet opened anything. */
  readonly #resumed = new Set<Reading>();
  /** How many of those that wait go on in the next turn. */
  #next = CONNECTIONS_A_TURN;
  #opened = 0;
  #isAwaitingTurn = false;

  /** While others wait a new one stands behind them. */
  add(connection: Reading): void {
    this.#all.add(connection);
    if (this.#waiting.size === 0) return;
    this.#waiting.add(connection);
    connection.stopReading();
  }

  delete(connection: Reading): void {
    for (const set of [this.#all, this.#waiting, this.#resumed]) set.delete(connection);
  }

  /** The connection has opened a call. */
  opened(connection: Reading): void {
    this.#resumed.delete(connection);
    this.#opened += 1;
    this.#awaitTurn();
    if (this.#opened === STREAMS_A_TURN) this.#stopAll(connection);
  }

  #stopAll(last: Reading): void {
    const before = this.#waiting;
    this.#waiting = new Set([...this.#resumed, ...before, ...this.#all]);
    this.#waiting.delete(last);
    this.#waiting.add(last);
    // Alone, until each was read: among others the kernel's order might keep one back for ever.
    this.#next = this.#resumed.size > 0 ? this.#resumed.size : CONNECTIONS_A_TURN;
    this.#resumed.clear();
    for (const connection of this.#waiting) if (!before.has(connection)) connection.stopReading();
  }

  #awaitTurn(): void {
    if (this.#isAwaitingTurn) return;
    this.#isAwaitingTurn = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isAwaitingTurn = false;
    this.#opened = 0;
    this.#resumed.clear();
    for (const connection of this.#waiting) {
      if (this.#resumed.size === this.#next) break;
      this.#resumed.add(connection);
    }
    this.#next = CONNECTIONS_A_TURN;
    for (const connection of this.#resumed) {
      this.#waiting.delete(connection);
      connection.startReading();
    }
    if (this.#resumed.size > 0) this.#awaitTurn();
  }
}

/**
 * Of a socket that an http2 session reads by itself: Node refuses `pause` there, and keeps private what this takes. A test holds that
 * it is there; without it nothing is left aside.
 */
export function readingOf(socket: unknown): Reading {
  // The cast: what is private is in no type.
  const { _handle: handle } = socket as { readonly _handle?: { readStop(): number; readStart(): number } | null };
  return { stopReading: () => handle?.readStop(), startReading: () => handle?.readStart() };
}
