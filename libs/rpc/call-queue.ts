/** Calls that are begun in one turn of the event loop, of all connections together. */
export const BEGUN_A_TURN = 64;

/**
 * Calls that wait to be begun, by connection: a connection with a hundred of them delays another's one by one call only. Holds no more
 * than connections may have open.
 */
export class CallQueue<Connection, Call> {
  readonly #begin: (call: Call) => boolean;
  readonly #waiting = new Map<Connection, Call[]>();
  #begun = 0;
  #isAwaitingTurn = false;

  /** `begin` says whether there was still something to begin: a call that is gone costs its turn nothing. */
  constructor(begin: (call: Call) => boolean) {
    this.#begin = begin;
  }

  /** Begins the call at once while this turn has room, and never before an earlier one of the same connection. */
  addNow(connection: Connection, call: Call): void {
    if (this.#begun >= BEGUN_A_TURN || this.#waiting.has(connection)) this.add(connection, call);
    else this.#beginOne(call);
  }

  /** Begins the call in one of the next turns. */
  add(connection: Connection, call: Call): void {
    const calls = this.#waiting.get(connection);
    if (calls === undefined) this.#waiting.set(connection, [call]);
    else calls.push(call);
    this.#awaitTurn();
  }

  #beginOne(call: Call): void {
    this.#awaitTurn();
    if (this.#begin(call)) this.#begun += 1;
  }

  #awaitTurn(): void {
    if (this.#isAwaitingTurn) return;
    this.#isAwaitingTurn = true;
    setImmediate(() => this.#turn());
  }

  /** One of each connection, and again from the first, until the turn is full. */
  #turn(): void {
    this.#isAwaitingTurn = false;
    this.#begun = 0;
    for (const [connection, calls] of this.#waiting) {
      if (this.#begun >= BEGUN_A_TURN) break;
      this.#waiting.delete(connection);
      const [call, ...others] = calls;
      if (others.length > 0) this.#waiting.set(connection, others); // at the end, where this loop comes by again
      if (call !== undefined) this.#beginOne(call);
    }
    if (this.#waiting.size > 0) this.#awaitTurn();
  }
}
