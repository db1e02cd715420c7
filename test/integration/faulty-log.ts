import type {
  CommitResult,
  Log,
  NewRecord,
  ReadResult,
  TopicPartition,
  TransactionalWriter,
  TransactionRecords,
} from '../../libs/log/log.js';

export type Fault = 'none' | 'beforeCommit' | 'afterCommit' | 'read';

/** A log whose next commit or read fails as told: before it has happened, or after, with nobody told. */
export class FaultyLog implements Log {
  next: Fault = 'none';
  struck = 0;
  readonly #inner: Log;

  constructor(inner: Log) {
    this.#inner = inner;
  }

  createTopic(topic: string, partitions: number): Promise<void> {
    return this.#inner.createTopic(topic, partitions);
  }

  partitionCount(topic: string): Promise<number | undefined> {
    return this.#inner.partitionCount(topic);
  }

  append(target: TopicPartition, records: readonly NewRecord[]): Promise<number> {
    return this.#inner.append(target, records);
  }

  async read(
    source: TopicPartition,
    offset: number,
    limits: { readonly recordsMax: number; readonly bytesMax: number },
  ): Promise<ReadResult> {
    this.#strike('read');
    return this.#inner.read(source, offset, limits);
  }

  endOffset(source: TopicPartition): Promise<number> {
    return this.#inner.endOffset(source);
  }

  waitFor(source: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    return this.#inner.waitFor(source, offset, signal);
  }

  async writer(transactionalId: string): Promise<TransactionalWriter> {
    const writer = await this.#inner.writer(transactionalId);
    return {
      epoch: writer.epoch,
      commit: async (records: readonly TransactionRecords[]): Promise<CommitResult> => {
        this.#strike('beforeCommit');
        const result = await writer.commit(records);
        this.#strike('afterCommit');
        return result;
      },
      close: () => writer.close(),
    };
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #strike(fault: Fault): void {
    if (this.next !== fault) return;
    this.next = 'none';
    this.struck++;
    throw new Error(`the log failed: ${fault}`);
  }
}
