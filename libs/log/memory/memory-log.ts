import assert from 'node:assert';
import { invalidArgument, notFound } from '../../errors/errors.js';
import type { Log, LogRecord, NewRecord, ReadLimits, ReadResult, TopicPartition, TransactionalWriter, TransactionRecords } from '../log.js';
import { logClosed, writerFenced, wrongPartitionCount } from '../log-errors.js';
import { checkRecords, checkTopic, checkTransactionalId } from '../log-limits.js';
import { LogWaiters } from '../log-waiters.js';
import { LogWriter } from '../log-writer.js';

interface Partition {
  readonly records: LogRecord[];
  readonly waiters: LogWaiters;
}

/** A log for tests: arrays, and every operation done in the turn of its call. Nothing survives. */
export class MemoryLog implements Log {
  readonly #topics = new Map<string, readonly Partition[]>();
  readonly #epochs = new Map<string, number>();
  #closed = false;

  async createTopic(topic: string, partitions: number): Promise<void> {
    this.#assertOpen();
    checkTopic(topic, partitions);
    const existing = this.#topics.get(topic);
    if (existing === undefined) {
      this.#topics.set(
        topic,
        Array.from({ length: partitions }, () => ({ records: [], waiters: new LogWaiters() })),
      );
    } else if (existing.length !== partitions) {
      throw wrongPartitionCount(topic, partitions, existing.length);
    }
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    this.#assertOpen();
    return this.#topics.get(topic)?.length;
  }

  async append(target: TopicPartition, records: readonly NewRecord[]): Promise<number> {
    const [offset] = this.#appendAll([{ target, records }]);
    assert(offset !== undefined);
    return offset;
  }

  async read(source: TopicPartition, offset: number, limits: ReadLimits): Promise<ReadResult> {
    assert(Number.isSafeInteger(offset) && offset >= 0);
    const found: LogRecord[] = [];
    let bytes = 0;
    for (const record of this.#partition(source).records.slice(offset, offset + Math.max(1, limits.recordsMax))) {
      bytes += record.key.length + record.value.length;
      if (found.length > 0 && bytes > limits.bytesMax) break;
      found.push(record);
    }
    return { records: found, nextOffset: offset + found.length };
  }

  async endOffset(source: TopicPartition): Promise<number> {
    return this.#partition(source).records.length;
  }

  async waitFor(source: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    const { records, waiters } = this.#partition(source);
    if (records.length <= offset) await waiters.wait(offset, signal);
  }

  async writer(transactionalId: string): Promise<TransactionalWriter> {
    this.#assertOpen();
    checkTransactionalId(transactionalId);
    const epoch = (this.#epochs.get(transactionalId) ?? 0) + 1;
    this.#epochs.set(transactionalId, epoch);
    return new LogWriter(epoch, async (records) => {
      const newest = this.#epochs.get(transactionalId) ?? epoch;
      if (newest !== epoch) throw writerFenced(transactionalId, epoch, newest);
      return { offsets: this.#appendAll(records) };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { waiters } of [...this.#topics.values()].flat()) waiters.wakeAll();
  }

  /** All or nothing (L3): whatever can be refused is refused before the first record is appended. */
  #appendAll(parts: readonly TransactionRecords[]): number[] {
    this.#assertOpen();
    checkRecords(parts);
    const partitions = parts.map(({ target }) => this.#partition(target));
    const offsets = parts.map(({ records }, index) => appendTo(partitions[index], records));
    for (const { records, waiters } of partitions) waiters.wake(records.length);
    return offsets;
  }

  #partition(source: TopicPartition): Partition {
    this.#assertOpen();
    const partitions = this.#topics.get(source.topic);
    if (partitions === undefined) throw notFound('topic', source.topic, this.#topics.keys());
    const partition = partitions[source.partition];
    if (partition === undefined)
      throw invalidArgument('partition', `topic '${source.topic}' has ${partitions.length} partitions, and no ${source.partition}`);
    return partition;
  }

  #assertOpen(): void {
    if (this.#closed) throw logClosed();
  }
}

function appendTo(partition: Partition | undefined, records: readonly NewRecord[]): number {
  assert(partition !== undefined);
  const first = partition.records.length;
  for (const { key, value } of records) {
    partition.records.push({ offset: partition.records.length, key: Uint8Array.from(key), value: Uint8Array.from(value) });
  }
  return first;
}
