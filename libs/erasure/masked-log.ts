import type { Log, NewRecord, ReadLimits, ReadResult, TopicPartition, TransactionalWriter } from '../log/log.js';
import type { ErasureBook } from './erasure-book.js';

/**
 * The log as it is read after erasures (S26): a record of an entity that was erased behind it is an erased one
 * (erasure-record.ts), as it is in the log itself once that is rewritten. So who reads a topic from its beginning, for whatever
 * reason, need not know of erasures. A topic without any costs a look into a map for each read.
 */
export class MaskedLog implements Log {
  readonly #log: Log;
  readonly #book: ErasureBook;

  constructor(log: Log, book: ErasureBook) {
    this.#log = log;
    this.#book = book;
  }

  async read(source: TopicPartition, offset: number, limits: ReadLimits): Promise<ReadResult> {
    const result = await this.#log.read(source, offset, limits);
    const mask = this.#book.maskOf(source);
    if (mask === undefined || offset >= mask.endOffset) return result;
    return { records: result.records.map((record) => mask.seen(record)), nextOffset: result.nextOffset };
  }

  createTopic(topic: string, partitions: number): Promise<void> {
    return this.#log.createTopic(topic, partitions);
  }

  partitionCount(topic: string): Promise<number | undefined> {
    return this.#log.partitionCount(topic);
  }

  append(target: TopicPartition, records: readonly NewRecord[]): Promise<number> {
    return this.#log.append(target, records);
  }

  endOffset(source: TopicPartition): Promise<number> {
    return this.#log.endOffset(source);
  }

  waitFor(source: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    return this.#log.waitFor(source, offset, signal);
  }

  writer(transactionalId: string): Promise<TransactionalWriter> {
    return this.#log.writer(transactionalId);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
