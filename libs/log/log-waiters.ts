import { setMaxListeners } from 'node:events';

interface Waiter {
  readonly offset: number;
  readonly wake: () => void;
}

/** Those who wait for records of one partition (`Log.waitFor`). A waiter leaves nothing behind, however it ends. */
export class LogWaiters {
  readonly #waiters = new Set<Waiter>();

  get size(): number {
    return this.#waiters.size;
  }

  /** Resolves at `wake` with an end beyond `offset`, at `wakeAll`, or when the signal aborts. */
  wait(offset: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    // One task waits for many partitions with one signal. Node would call more than ten a leak.
    setMaxListeners(0, signal);
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(waiter);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const waiter = { offset, wake };
      this.#waiters.add(waiter);
      signal.addEventListener('abort', wake);
    });
  }

  wake(endOffset: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.offset < endOffset) waiter.wake();
    }
  }

  wakeAll(): void {
    this.wake(Number.POSITIVE_INFINITY);
  }
}
