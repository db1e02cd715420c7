import { dispositionOf, ThymeError } from '../../errors/errors.js';
import type { Store } from '../../store/store.js';
import { Backoff, type Random } from '../../time/backoff.js';
import type { Clock } from '../../time/clock.js';
import { unreadable } from '../log-errors.js';
import { loadLogState, type LogState } from './log-state.js';

export interface Reopening {
  /** Opens the same folder; called after the store before was closed. */
  readonly open: () => Promise<Store>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly random: Random;
  /** Told of each attempt that failed, and of the end: undefined where it can be written again. */
  readonly onAttempt: (failure: unknown) => void;
}

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;

/**
 * The store of a log. After a write that failed LevelDB's own log ends in nobody knows what, so no more is written there until it
 * was opened again, which also shows whether the failed write is there after all (L2). Until then writes are refused, and
 * reads fail; a disk that has room again is taken up without a restart.
 */
export class LogStore {
  readonly #reopening: Reopening | undefined;
  readonly #onReopened: (found: LogState) => void;
  readonly #stopping = new AbortController();
  #store: Store;
  #failure: Error | undefined;
  #mending: Promise<void> | undefined;

  /** `onReopened` takes over what the store turned out to hold. */
  constructor(store: Store, reopening: Reopening | undefined, onReopened: (found: LogState) => void) {
    this.#store = store;
    this.#reopening = reopening;
    this.#onReopened = onReopened;
  }

  get current(): Store {
    return this.#store;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Begins to open it again, where it says that it takes no more writes. */
  writeFailed(): void {
    const failure = this.#store.damage ?? this.#store.failure;
    if (failure === undefined || this.#failure !== undefined) return;
    this.#failure = asFailure(unreadable(failure));
    if (this.#reopening !== undefined && dispositionOf(this.#failure) === 'retry') this.#mending = this.#mend(this.#reopening);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#mending;
  }

  async #mend({ open, clock, random, onAttempt }: Reopening): Promise<void> {
    const pause = new Backoff({ minMs: RETRY_MS_MIN, maxMs: RETRY_MS_MAX, random });
    onAttempt(this.#failure);
    while (this.#failure !== undefined && dispositionOf(this.#failure) === 'retry') {
      await clock.sleep(pause.next(), this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      try {
        await this.#store.close();
        this.#store = await open();
        this.#onReopened(await loadLogState(this.#store));
        this.#failure = undefined;
      } catch (cause) {
        this.#failure = asFailure(unreadable(cause));
      }
      onAttempt(this.#failure);
    }
  }
}

function asFailure(cause: unknown): Error {
  if (cause instanceof Error) return cause;
  return new ThymeError('THYME_STORE_FAILED', 'UNAVAILABLE', 'the log cannot be written', [], { cause });
}
