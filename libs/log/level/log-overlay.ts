import assert from 'node:assert';
import type { Store, StoreBatch } from '../../store/store.js';
import { batchKey, endKey, endValue, epochKey, epochValue, topicKey, topicValue } from './log-keys.js';
import { newTopic } from './log-state.js';
import type { LogState, Partition, Topic } from './log-state.js';
import type { RecordBatch } from './record-batch.js';
import type { TailCache } from './tail-cache.js';

/**
 * One group of changes over the state: staged, written in one synced batch, then published. If the
 * write fails the overlay is dropped, and nothing has happened (L2).
 */
export class LogOverlay {
  readonly #state: LogState;
  readonly #store: Store;
  readonly #topics = new Map<string, Topic>();
  readonly #epochs = new Map<string, number>();
  readonly #endOffsets = new Map<Partition, number>();
  readonly #appended: { readonly partition: Partition; readonly batch: RecordBatch }[] = [];
  readonly #rewritten: { readonly partition: Partition; readonly batch: RecordBatch }[] = [];
  #writes: StoreBatch | undefined;

  constructor(state: LogState, store: Store) {
    this.#state = state;
    this.#store = store;
  }

  topic(name: string): Topic | undefined {
    return this.#topics.get(name) ?? this.#state.topics.get(name);
  }

  /** 0 if there was never a writer with this id. */
  epoch(transactionalId: string): number {
    return this.#epochs.get(transactionalId) ?? this.#state.epochs.get(transactionalId) ?? 0;
  }

  endOffset(partition: Partition): number {
    return this.#endOffsets.get(partition) ?? partition.endOffset;
  }

  stageTopic(name: string, partitions: number): void {
    assert(this.topic(name) === undefined);
    const ids = [...this.#state.topics.values(), ...this.#topics.values()].map(({ topicId }) => topicId);
    const topicId = ids.reduce((highest, id) => Math.max(highest, id), 0) + 1;
    this.#batch().put(topicKey(name), topicValue(topicId, partitions));
    this.#topics.set(name, newTopic(topicId, partitions));
  }

  /** The next epoch of this id; those before it are fenced once this is written (L4). */
  stageEpoch(transactionalId: string): number {
    const epoch = this.epoch(transactionalId) + 1;
    this.#batch().put(epochKey(transactionalId), epochValue(epoch));
    this.#epochs.set(transactionalId, epoch);
    return epoch;
  }

  /** Places the encoded records at the end of the partition; gives the offset of the first. */
  stageRecords(partition: Partition, count: number, bytes: Uint8Array): number {
    const baseOffset = this.endOffset(partition);
    this.#batch().put(batchKey(partition.id, baseOffset), bytes);
    this.#endOffsets.set(partition, baseOffset + count);
    this.#appended.push({ partition, batch: { baseOffset, count, bytes } });
    return baseOffset;
  }

  /** Takes other records for those of a batch that is there, one for one. */
  stageRewrite(partition: Partition, batch: RecordBatch): void {
    this.#batch().put(batchKey(partition.id, batch.baseOffset), batch.bytes);
    this.#rewritten.push({ partition, batch });
  }

  async write(): Promise<void> {
    if (this.#writes === undefined) return;
    for (const [{ id }, endOffset] of this.#endOffsets) this.#writes.put(endKey(id), endValue(endOffset));
    await this.#writes.write({ sync: true });
  }

  /** Makes all of it readable in one turn, in every partition (L3). */
  publish(tailCache: TailCache): void {
    for (const [name, topic] of this.#topics) this.#state.topics.set(name, topic);
    for (const [transactionalId, epoch] of this.#epochs) this.#state.epochs.set(transactionalId, epoch);
    for (const { partition, batch } of this.#appended) tailCache.add(partition.tail, batch);
    for (const { partition, batch } of this.#rewritten) tailCache.replace(partition.tail, batch);
    for (const [partition, endOffset] of this.#endOffsets) partition.endOffset = endOffset;
    for (const [partition, endOffset] of this.#endOffsets) partition.waiters.wake(endOffset);
  }

  #batch(): StoreBatch {
    return (this.#writes ??= this.#store.batch());
  }
}
