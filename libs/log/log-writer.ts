import assert from 'node:assert';
import type { CommitResult, TransactionalWriter, TransactionRecords } from './log.js';
import { writerClosed, writerDead } from './log-errors.js';

type WriterState =
  | { readonly kind: 'ready' }
  | { readonly kind: 'committing' }
  | { readonly kind: 'dead'; readonly cause: unknown }
  | { readonly kind: 'closed' };

/** The writer of the embedded drivers: its life, around the commit that the driver gives. */
export class LogWriter implements TransactionalWriter {
  readonly epoch: number;
  readonly #commit: (records: readonly TransactionRecords[]) => Promise<CommitResult>;
  #state: WriterState = { kind: 'ready' };
  #lastCommit: Promise<unknown> = Promise.resolve();

  constructor(epoch: number, commit: (records: readonly TransactionRecords[]) => Promise<CommitResult>) {
    this.epoch = epoch;
    this.#commit = commit;
  }

  async commit(records: readonly TransactionRecords[]): Promise<CommitResult> {
    this.#assertReady();
    this.#state = { kind: 'committing' };
    const commit = this.#commit(records);
    this.#lastCommit = commit;
    try {
      const result = await commit;
      if (this.#state.kind === 'committing') this.#state = { kind: 'ready' };
      return result;
    } catch (cause) {
      if (this.#state.kind === 'committing') this.#state = { kind: 'dead', cause };
      throw cause;
    }
  }

  /** Takes no more commits; resolves when the one in flight has ended, either way. */
  async close(): Promise<void> {
    this.#state = { kind: 'closed' };
    await Promise.allSettled([this.#lastCommit]);
  }

  #assertReady(): void {
    switch (this.#state.kind) {
      case 'ready':
        return;
      case 'committing':
        // If the first failed, the second would have to fail as well: the order would be a guess.
        return assert.fail('a writer commits one transaction at a time');
      case 'dead':
        throw writerDead(this.#state.cause);
      case 'closed':
        throw writerClosed();
    }
  }
}
