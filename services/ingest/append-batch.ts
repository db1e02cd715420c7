import type { TokenMark } from '../../libs/feature/token.js';
import type { Log, NewRecord, TopicPartition } from '../../libs/log/log.js';
import { APPEND_CHUNK_BYTES, APPEND_CHUNK_RECORDS } from './ingest-limits.js';

/**
 * Appends each partition's records, the partitions side by side. Resolves when all of them are durable
 * (S13), to where each partition stands after them (S21). Where it rejects, some may have been appended.
 */
export async function appendToTopic(
  log: Log,
  topic: string,
  recordsOf: ReadonlyMap<number, readonly NewRecord[]>,
): Promise<readonly TokenMark[]> {
  const appends = [...recordsOf].map(async ([partition, records]) => ({
    topic,
    partition,
    nextOffset: await appendChunked(log, { topic, partition }, records),
  }));
  // All are waited for also when one fails: nothing goes on behind the answer.
  await Promise.allSettled(appends);
  return Promise.all(appends);
}

async function appendChunked(log: Log, target: TopicPartition, records: readonly NewRecord[]): Promise<number> {
  let nextOffset = 0;
  for (const chunk of chunksOf(records)) nextOffset = (await log.append(target, chunk)) + chunk.length;
  return nextOffset;
}

/** Pieces that one append may hold; most often all of it. */
function* chunksOf(records: readonly NewRecord[]): Generator<readonly NewRecord[]> {
  let start = 0;
  let bytes = 0;
  for (let i = 0; i < records.length; i++) {
    const recordBytes = (records[i]?.key.length ?? 0) + (records[i]?.value.length ?? 0);
    if (i > start && (bytes + recordBytes > APPEND_CHUNK_BYTES || i - start >= APPEND_CHUNK_RECORDS)) {
      yield records.slice(start, i);
      [start, bytes] = [i, 0];
    }
    bytes += recordBytes;
  }
  yield start === 0 ? records : records.slice(start);
}
