import assert from 'node:assert';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../../time/clock.js';
import { committedBatches } from './aborted-filter.js';
import type { KafkaCluster } from './cluster.js';
import { KAFKA_CODE, KafkaAnswerError, logTrimmed } from './errors.js';
import { stableEnd, startOffset } from './offsets.js';
import { type FetchedBatch, inflated, openRecordBatches, recordsOf } from './record-batch.js';
import { fetch, type FetchAnswer } from './requests.js';
import { retrying } from './retry.js';
import type { LogRecord, ReadLimits, ReadResult, TopicPartition } from '../log.js';

const KIB = 1_024;
const READ_MS_MAX = 10_000;
const FETCH_BYTES_MIN = 64 * KIB;
const FETCH_BYTES_MAX = 4 * 1_024 * KIB;
/** What was fetched and not read yet, of all partitions. Some minutes of a quiet log, one fetch each of a busy one. */
const CHUNK_BYTES_MAX = 64 * 1_024 * KIB;

/** The committed records of one fetch, which may be none where it brought markers and aborted ones only. */
export interface Chunk {
  readonly from: number;
  /** Where the next fetch goes on: past control records too, which take offsets (L1). */
  readonly next: number;
  /**
   * Records are decoded when they are read: some ten thousand objects at once would outlive a tick, and be copied by
   * the garbage collector.
   */
  readonly batches: readonly FetchedBatch[];
  readonly bytes: number;
}

/** Reads by partition and offset, without a consumer group. Immutable chunks are kept until others push them out. */
export class KafkaReader {
  readonly #cluster: KafkaCluster;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  /** In the order of their last use. */
  readonly #chunks = new Map<string, Chunk>();
  #chunkBytes = 0;

  constructor(cluster: KafkaCluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
    // While a broker is away, each read waits for its next attempt with this signal. Node would call more than ten a leak.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Committed records from the offset on, to the end or to the limits. */
  async read(source: TopicPartition, offset: number, limits: ReadLimits): Promise<ReadResult> {
    assert(Number.isSafeInteger(offset) && offset >= 0);
    const wanted = new LimitedRecords(offset, limits);
    while (!wanted.full) {
      const chunk = this.#kept(source, wanted.nextOffset) ?? (await this.#fetch(source, wanted.nextOffset, limits.bytesMax));
      if (chunk.next === wanted.nextOffset) break;
      wanted.take(chunk);
    }
    return wanted.result;
  }

  /** One past the last record that is decided (L1). */
  endOffset(source: TopicPartition): Promise<number> {
    return this.retry(source, () => stableEnd(this.#cluster, source));
  }

  /** Rejects if there is no such partition. */
  async checkPartition(source: TopicPartition): Promise<void> {
    await this.retry(source, () => this.#cluster.leader(source));
  }

  /** Keeps what somebody else has fetched, for whoever reads there next. */
  keep(source: TopicPartition, chunk: Chunk): void {
    const key = keyOf(source);
    this.#drop(key);
    this.#chunks.set(key, chunk);
    this.#chunkBytes += chunk.bytes;
    for (const oldest of this.#chunks.keys()) {
      if (this.#chunkBytes <= CHUNK_BYTES_MAX) return;
      this.#drop(oldest);
    }
  }

  retry<T>(source: TopicPartition, attempt: () => Promise<T>): Promise<T> {
    return retrying(attempt, {
      clock: this.#clock,
      msMax: READ_MS_MAX,
      retriable: ['stale', 'busy', 'connection'],
      signal: this.#closing.signal,
      onFailure: (failure) => {
        if (failure === 'connection') this.#cluster.forgetConnections();
        else if (failure === 'stale') this.#cluster.forget(source.topic);
      },
    });
  }

  close(): void {
    this.#closing.abort();
    this.#chunks.clear();
  }

  #kept(source: TopicPartition, offset: number): Chunk | undefined {
    const chunk = this.#chunks.get(keyOf(source));
    return chunk !== undefined && chunk.from <= offset && offset < chunk.next ? chunk : undefined;
  }

  async #fetch(source: TopicPartition, offset: number, wantedBytes: number): Promise<Chunk> {
    const bytesMax = Math.min(FETCH_BYTES_MAX, Math.max(FETCH_BYTES_MIN, wantedBytes));
    const chunk = await this.retry(source, async () => {
      const [answer] = await fetch(await this.#cluster.leader(source), {
        positions: [{ ...source, offset, bytesMax }],
        waitMs: 0,
        bytesMax,
      });
      if (answer === undefined) throw new KafkaAnswerError(KAFKA_CODE.unknownTopic, `reading '${source.topic}'`);
      if (answer.errorCode === KAFKA_CODE.offsetOutOfRange) return this.#outside(source, offset);
      return openChunk(answer, offset);
    });
    if (chunk.next > offset) this.keep(source, chunk);
    return chunk;
  }

  /** Past the end there is nothing yet; before the start there is nothing any more, which must not pass for nothing. */
  async #outside(source: TopicPartition, offset: number): Promise<Chunk> {
    const start = await startOffset(this.#cluster, source);
    if (offset < start) throw logTrimmed(source.topic, source.partition, offset, start);
    return { from: offset, next: offset, batches: [], bytes: 0 };
  }

  #drop(key: string): void {
    this.#chunkBytes -= this.#chunks.get(key)?.bytes ?? 0;
    this.#chunks.delete(key);
  }
}

/** What a fetch from the offset brought; an answer with an error code is thrown. */
export function openChunk({ errorCode, topic, partition, recordSet, aborted }: FetchAnswer, offset: number): Chunk {
  if (errorCode !== 0) throw new KafkaAnswerError(errorCode, `reading partition ${partition} of '${topic}'`);
  const batches = openRecordBatches(recordSet);
  const committed = committedBatches(batches, aborted)
    .filter(({ count }) => count > 0)
    .map(inflated);
  return { from: offset, next: Math.max(offset, (batches.at(-1)?.lastOffset ?? -1) + 1), batches: committed, bytes: recordSet.length };
}

/** The result of one read while it is gathered; at least one record, if there is any. */
class LimitedRecords {
  readonly #records: LogRecord[] = [];
  readonly #recordsMax: number;
  #bytesLeft: number;
  #nextOffset: number;
  #full = false;

  constructor(offset: number, limits: ReadLimits) {
    this.#nextOffset = offset;
    this.#recordsMax = Math.max(1, limits.recordsMax);
    this.#bytesLeft = limits.bytesMax;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }

  get full(): boolean {
    return this.#full;
  }

  get result(): ReadResult {
    return { records: this.#records, nextOffset: this.#nextOffset };
  }

  take({ batches, next }: Chunk): void {
    for (const batch of batches) {
      if (batch.lastOffset >= this.#nextOffset) this.#takeBatch(batch);
      if (this.#full) return;
    }
    this.#nextOffset = next;
  }

  #takeBatch(batch: FetchedBatch): void {
    for (const record of recordsOf(batch, this.#nextOffset, this.#recordsMax - this.#records.length)) {
      const { size } = record;
      if (this.#records.length > 0 && size > this.#bytesLeft) {
        this.#full = true;
        return;
      }
      this.#records.push(record);
      this.#bytesLeft -= size;
      this.#nextOffset = record.offset + 1;
      this.#full = this.#bytesLeft <= 0 || this.#records.length >= this.#recordsMax;
      if (this.#full) return;
    }
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
