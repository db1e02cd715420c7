import type { Store } from '../../store/store.js';
import { formatTooNew, logCorrupt } from '../log-errors.js';
import {
  endKeys,
  endOfValue,
  epochKeys,
  epochOfValue,
  formatKey,
  LOG_FORMAT,
  partitionOfEndKey,
  topicKeys,
  topicOfKey,
  topicOfValue,
  transactionalIdOfKey,
} from './log-keys.js';
import type { PartitionId } from './log-keys.js';
import { LogWaiters } from '../log-waiters.js';
import { PartitionTail } from './tail-cache.js';

/** One partition as its readers see it. */
export interface Partition {
  readonly id: PartitionId;
  tail: PartitionTail;
  readonly waiters: LogWaiters;
  /** One past the last committed record. Readers never look beyond it, whatever the store holds there. */
  endOffset: number;
}

export interface Topic {
  readonly topicId: number;
  readonly partitions: readonly Partition[];
}

/** What is known of the whole log in memory: all of it committed and durable. */
export interface LogState {
  readonly topics: Map<string, Topic>;
  /** The newest epoch of each transactional id (L4). */
  readonly epochs: Map<string, number>;
}

export function newTopic(topicId: number, partitions: number): Topic {
  return {
    topicId,
    partitions: Array.from({ length: partitions }, (_, partition) => ({
      id: { topicId, partition },
      tail: new PartitionTail(),
      waiters: new LogWaiters(),
      endOffset: 0,
    })),
  };
}

/** Reads the state from the small keys; no batch is read, so a large log opens as fast as a small one. */
export async function loadLogState(store: Store): Promise<LogState> {
  await checkFormat(store);
  const topics = new Map<string, Topic>();
  const byId = new Map<number, Topic>();
  for await (const [key, value] of store.entries(topicKeys)) {
    const { topicId, partitions } = topicOfValue(value);
    const topic = newTopic(topicId, partitions);
    topics.set(topicOfKey(key), topic);
    byId.set(topicId, topic);
  }
  for await (const [key, value] of store.entries(endKeys)) {
    const { topicId, partition: index } = partitionOfEndKey(key);
    const partition = byId.get(topicId)?.partitions[index];
    if (partition === undefined) throw logCorrupt(`there is an end of partition ${index} of topic number ${topicId}, but no such topic`);
    partition.endOffset = endOfValue(value);
  }
  const epochs = new Map<string, number>();
  for await (const [key, value] of store.entries(epochKeys)) epochs.set(transactionalIdOfKey(key), epochOfValue(value));
  return { topics, epochs };
}

/**
 * The state as a store has it that was opened again: what its readers hold stays theirs, and those who wait are told
 * what they waited for.
 */
export function takeOver(state: LogState, found: LogState): void {
  for (const [name, { topicId, partitions }] of found.topics) {
    const known = state.topics.get(name);
    if (known === undefined) state.topics.set(name, { topicId, partitions });
    known?.partitions.forEach((partition, index) => {
      partition.tail = new PartitionTail(); // a write that failed may be there after all: a tail has no gaps up to its end
      partition.endOffset = Math.max(partition.endOffset, partitions[index]?.endOffset ?? 0);
      partition.waiters.wake(partition.endOffset);
    });
  }
  for (const [transactionalId, epoch] of found.epochs) state.epochs.set(transactionalId, epoch);
}

async function checkFormat(store: Store): Promise<void> {
  const found = store.get(formatKey)?.[0];
  if (found === undefined) {
    const batch = store.batch();
    batch.put(formatKey, Uint8Array.of(LOG_FORMAT));
    await batch.write({ sync: true });
  } else if (found > LOG_FORMAT) {
    throw formatTooNew(found, LOG_FORMAT);
  }
}
