/** Calls that a connection may have open: a client that needs more opens another. */
export const SESSION_STREAMS_MAX = 128;
/** Calls of one connection that are begun at once; more that come in the same turn of the event loop are begun in the next. */
const STREAMS_AT_ONCE = 16;
/** Calls that a client may have cancelled in a short time: all of its open ones, whose deadline was the same, and half as many again. */
export const RESETS_MAX = 200;
const RESETS_FORGIVEN_A_SECOND = 50;

/**
 * How a connection behaves. One that opens more streams between two turns of the event loop than it may have open has reset
 * them meanwhile (rapid reset, CVE-2023-44487); so has one that cancels hundreds of calls a second. Both are to be closed.
 */
export class SessionPace {
  readonly #nowUs: () => number;
  #openedThisTurn = 0;
  #resets = 0;
  #resetUs = 0;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  /** What to do with a stream that was opened. */
  opened(): 'begin' | 'wait a turn' | 'close the session' {
    if (this.#openedThisTurn++ === 0) setImmediate(() => (this.#openedThisTurn = 0));
    if (this.#openedThisTurn > SESSION_STREAMS_MAX) return 'close the session';
    return this.#openedThisTurn > STREAMS_AT_ONCE ? 'wait a turn' : 'begin';
  }

  /** The client has cancelled a call. True when it does so too often. */
  wasReset(): boolean {
    const nowUs = this.#nowUs();
    this.#resets = Math.max(0, this.#resets - ((nowUs - this.#resetUs) / 1e6) * RESETS_FORGIVEN_A_SECOND) + 1;
    this.#resetUs = nowUs;
    return this.#resets > RESETS_MAX;
  }
}
