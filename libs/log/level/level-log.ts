// The embedded log: all topics in one store, which one process owns (DESIGN 4).
//
//   log-limits.ts    - what an append may hold
//   record-batch.ts  - its records as one value of the store, and back
//   group-commit.ts  - appends, commits and fencing in one order, several to a synced write
//   log-overlay.ts   - one such group: staged, written, published
//   log-state.ts     - topics, end offsets and epochs, recovered at open; log-keys.ts draws the bytes
//   tail-cache.ts    - the newest batches, for readers that keep up; older ones come from the store
//   log-store.ts     - the store, opened again where a write has failed: a disk that was full has room again
import assert from 'node:assert';
import { invalidArgument, notFound } from '../../errors/errors.js';
import type { Store } from '../../store/store.js';
import { LogStore, type Reopening } from './log-store.js';
import { GroupCommit } from './group-commit.js';
import type {
  CommitResult,
  LogRecord,
  NewRecord,
  ReadLimits,
  ReadResult,
  RewritableLog,
  TopicPartition,
  TransactionalWriter,
  TransactionRecords,
} from '../log.js';
import { logClosed, logCorrupt, unreadable, writerFenced, wrongPartitionCount } from '../log-errors.js';
import { baseOffsetOfKey, batchKey } from './log-keys.js';
import { APPEND_BYTES_MAX, checkRecords, checkTopic, checkTransactionalId } from '../log-limits.js';
import { LogOverlay } from './log-overlay.js';
import { loadLogState, takeOver } from './log-state.js';
import type { LogState, Partition } from './log-state.js';
import { LogWriter } from '../log-writer.js';
import { encodeRecords, openBatch, RecordCollector, rewriteBatch } from './record-batch.js';
import type { RecordBatch } from './record-batch.js';
import { TailCache } from './tail-cache.js';

const MIB = 1_024 * 1_024;
/** Seconds of the newest records at full load; minutes at the usual one. */
const TAIL_BYTES_MAX = 64 * MIB;
/** Appends that wait for the disk. At 1 ms a synced write this is far below a client's deadline. */
const QUEUE_LENGTH_MAX = 10_000;
const QUEUE_BYTES_MAX = 64 * MIB;
/** A few milliseconds of copying into the batch. */
const GROUP_BYTES_MAX = 4 * MIB;
assert(QUEUE_BYTES_MAX >= APPEND_BYTES_MAX);

export interface LevelLogOptions {
  readonly tailBytesMax?: number;
  readonly queueLengthMax?: number;
  readonly queueBytesMax?: number;
  /** How the store is opened again after a write has failed; without it the log takes no more writes then. */
  readonly reopening?: Reopening;
}

export interface LevelLog extends RewritableLog {
  /** Why nothing can be appended at the moment, or ever again; undefined while it can. */
  readonly failure: Error | undefined;
}

/** Opens the log in this store, which must hold nothing else. Close the log before the store. */
export async function openLevelLog(store: Store, options: LevelLogOptions = {}): Promise<LevelLog> {
  try {
    return new StoredLog(store, await loadLogState(store), options);
  } catch (cause) {
    throw unreadable(cause);
  }
}

class StoredLog implements LevelLog {
  readonly #store: LogStore;
  readonly #state: LogState;
  readonly #writes: GroupCommit;
  #closed = false;

  constructor(store: Store, state: LogState, options: LevelLogOptions) {
    let tailCache = new TailCache(options.tailBytesMax ?? TAIL_BYTES_MAX);
    this.#store = new LogStore(store, options.reopening, (found) => {
      takeOver(state, found);
      tailCache = new TailCache(options.tailBytesMax ?? TAIL_BYTES_MAX);
    });
    this.#state = state;
    this.#writes = new GroupCommit({
      newOverlay: () => new LogOverlay(state, this.#store.current),
      publish: (overlay) => overlay.publish(tailCache),
      refusal: () => this.#store.failure,
      onWriteFailed: () => this.#store.writeFailed(),
      queueLengthMax: options.queueLengthMax ?? QUEUE_LENGTH_MAX,
      queueBytesMax: options.queueBytesMax ?? QUEUE_BYTES_MAX,
      groupBytesMax: GROUP_BYTES_MAX,
    });
  }

  get failure(): Error | undefined {
    return this.#store.failure;
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    checkTopic(topic, partitions);
    await this.#writes.submit(0, (overlay) => {
      const existing = overlay.topic(topic);
      if (existing === undefined) overlay.stageTopic(topic, partitions);
      else if (existing.partitions.length !== partitions) throw wrongPartitionCount(topic, partitions, existing.partitions.length);
    });
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    this.#assertOpen();
    return this.#state.topics.get(topic)?.partitions.length;
  }

  async append(target: TopicPartition, records: readonly NewRecord[]): Promise<number> {
    const { bytes, stage } = this.#encode([{ target, records }]);
    // Only here: a transaction is never refused for the load, since that would cost its writer.
    // It need not be, as each writer has one in flight at most.
    this.#writes.checkRoom(bytes);
    const [offset] = await this.#writes.submit(bytes, stage);
    assert(offset !== undefined);
    return offset;
  }

  async read(source: TopicPartition, offset: number, limits: ReadLimits): Promise<ReadResult> {
    assert(Number.isSafeInteger(offset) && offset >= 0);
    const partition = this.#partition(source);
    const { endOffset } = partition;
    const collector = new RecordCollector(offset, limits);
    if (offset >= endOffset) return collector.result;
    if (partition.tail.find(offset) !== undefined) readTail(partition, endOffset, collector);
    else {
      await this.#readStore(partition, endOffset, collector).catch((cause: unknown) => {
        throw unreadable(cause);
      });
    }
    return collector.result;
  }

  async rewrite(source: TopicPartition, beforeOffset: number, replace: (record: LogRecord) => NewRecord | undefined): Promise<number> {
    const partition = this.#partition(source);
    const range = { from: batchKey(partition.id, 0), to: batchKey(partition.id, Math.min(beforeOffset, partition.endOffset)) };
    let replaced = 0;
    for await (const [key, value] of this.#store.current.entries(range)) {
      const batch = openBatch(baseOffsetOfKey(key), value);
      const rewritten = rewriteBatch(batch, beforeOffset, replace);
      if (rewritten === undefined) continue;
      await this.#writes.submit(rewritten.batch.bytes.length, (overlay) => overlay.stageRewrite(partition, rewritten.batch));
      replaced += rewritten.replaced;
    }
    return replaced;
  }

  async compact(): Promise<void> {
    this.#assertOpen();
    await this.#store.current.compact?.();
  }

  async endOffset(source: TopicPartition): Promise<number> {
    return this.#partition(source).endOffset;
  }

  async waitFor(source: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    const { endOffset, waiters } = this.#partition(source);
    if (endOffset <= offset) await waiters.wait(offset, signal);
  }

  async writer(transactionalId: string): Promise<TransactionalWriter> {
    checkTransactionalId(transactionalId);
    const epoch = await this.#writes.submit(0, (overlay) => overlay.stageEpoch(transactionalId));
    return new LogWriter(epoch, (parts) => this.#commit(transactionalId, epoch, parts));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writes.close();
    await this.#store.stop();
    for (const { partitions } of this.#state.topics.values()) {
      for (const { waiters } of partitions) waiters.wakeAll();
    }
  }

  async #commit(transactionalId: string, epoch: number, parts: readonly TransactionRecords[]): Promise<CommitResult> {
    const { bytes, stage } = this.#encode(parts);
    return this.#writes.submit(bytes, (overlay) => {
      const newest = overlay.epoch(transactionalId);
      if (newest !== epoch) throw writerFenced(transactionalId, epoch, newest);
      return { offsets: stage(overlay) };
    });
  }

  /** Encoded at once and not when its turn comes: the caller may reuse its buffers. */
  #encode(parts: readonly TransactionRecords[]): { readonly bytes: number; readonly stage: (overlay: LogOverlay) => number[] } {
    checkRecords(parts);
    const encoded = parts.map(({ target, records }) => ({
      partition: this.#partition(target),
      count: records.length,
      bytes: records.length === 0 ? undefined : encodeRecords(records),
    }));
    return {
      bytes: encoded.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0),
      stage: (overlay) =>
        encoded.map(({ partition, count, bytes }) =>
          bytes === undefined ? overlay.endOffset(partition) : overlay.stageRecords(partition, count, bytes),
        ),
    };
  }

  /**
   * Reads batches from the store on the thread pool: what is not in the tail may be on the disk.
   * The batch that holds the offset is the last one that starts at or before it.
   */
  async #readStore(partition: Partition, endOffset: number, collector: RecordCollector): Promise<void> {
    const { id } = partition;
    const newestFirst = { from: batchKey(id, 0), to: batchKey(id, collector.nextOffset + 1), reverse: true, limit: 1 };
    for await (const [key, value] of this.#store.current.entries(newestFirst)) takeStored(key, value, collector);
    if (collector.full || collector.nextOffset === endOffset) return;
    const range = { from: batchKey(id, collector.nextOffset), to: batchKey(id, endOffset) };
    for await (const [key, value] of this.#store.current.entries(range)) {
      takeStored(key, value, collector);
      if (collector.full) return;
    }
    if (collector.nextOffset !== endOffset) throw logCorrupt(`no batch has offset ${collector.nextOffset}`);
  }

  #partition(source: TopicPartition): Partition {
    this.#assertOpen();
    const topic = this.#state.topics.get(source.topic);
    if (topic === undefined) throw notFound('topic', source.topic, this.#state.topics.keys());
    const partition = topic.partitions[source.partition];
    if (partition === undefined) {
      throw invalidArgument('partition', `topic '${source.topic}' has ${topic.partitions.length} partitions, and no ${source.partition}`);
    }
    return partition;
  }

  #assertOpen(): void {
    if (this.#closed) throw logClosed();
  }
}

function readTail({ tail }: Partition, endOffset: number, collector: RecordCollector): void {
  while (!collector.full && collector.nextOffset < endOffset) {
    const batch = tail.find(collector.nextOffset);
    assert(batch !== undefined, 'a tail has no gaps up to its end');
    collector.take(batch);
  }
}

/** Takes a batch, or says that the next offset is in none: a gap is never skipped in silence (L1). */
function takeStored(key: Uint8Array, value: Uint8Array, collector: RecordCollector): void {
  const batch: RecordBatch = openBatch(baseOffsetOfKey(key), value);
  const { nextOffset } = collector;
  if (nextOffset < batch.baseOffset || nextOffset >= batch.baseOffset + batch.count) {
    throw logCorrupt(`no batch has offset ${nextOffset}; the nearest has ${batch.baseOffset} to ${batch.baseOffset + batch.count - 1}`);
  }
  collector.take(batch);
}
