import type { Clock } from '../../time/clock.js';
import type { DriverBroker } from './driver.js';
import type { KafkaCluster } from './cluster.js';
import { failureOf, KAFKA_CODE } from './errors.js';
import { stableEnd, startOffset } from './offsets.js';
import { openChunk, type Chunk, type KafkaReader } from './reader.js';
import { fetch, type FetchAnswer } from './requests.js';
import type { TopicPartition } from '../log.js';
import { LogWaiters } from '../log-waiters.js';

/** How long a broker holds a poll in which nothing comes: what a partition that is new to it waits at most. */
const POLL_MS = 100;
const PARTITION_BYTES_MAX = 1_024 * 1_024;
const POLL_BYTES_MAX = 8 * 1_024 * 1_024;
/** A partition that nobody waits for leaves the poll after so many rounds; who waits again at once finds it there. */
const IDLE_ROUNDS_MAX = 20;
const RETRY_MS = 50;

interface Followed {
  readonly source: TopicPartition;
  readonly waiters: LogWaiters;
  /** From here to `position` all has been seen. */
  seenFrom: number;
  /** The next offset to poll. */
  position: number;
  /** The newest committed record that a poll has brought; -1 if none has. */
  lastRecord: number;
  idleRounds: number;
}

/**
 * Those who wait for records, of all partitions: one long poll to each broker, over a connection of its
 * own, for all that anybody waits for. What it brings is kept for the reads that follow.
 */
export class KafkaFollowers {
  readonly #cluster: KafkaCluster;
  readonly #reader: KafkaReader;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #followed = new Map<string, Followed>();
  #running: Promise<void> | undefined;

  constructor(cluster: KafkaCluster, reader: KafkaReader, clock: Clock) {
    this.#cluster = cluster;
    this.#reader = reader;
    this.#clock = clock;
  }

  /** Resolves when a record at or past the offset is committed, when the signal aborts, or at the close. */
  async waitFor(source: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    await this.#reader.checkPartition(source);
    if (this.#closing.signal.aborted) return;
    const followed = this.#follow(source, offset);
    if (followed.lastRecord >= offset) return;
    const waiting = followed.waiters.wait(offset, signal);
    this.#running ??= this.#run();
    await waiting;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const { waiters } of this.#followed.values()) waiters.wakeAll();
    await this.#running;
  }

  #follow(source: TopicPartition, offset: number): Followed {
    const key = `${source.topic}/${source.partition}`;
    const followed = this.#followed.get(key) ?? {
      source,
      waiters: new LogWaiters(),
      seenFrom: offset,
      position: offset,
      lastRecord: -1,
      idleRounds: 0,
    };
    // Where nobody else waits, what lies between is left out: it has been read already, or nobody wants it.
    const skips = followed.waiters.size === 0 && followed.position < offset;
    if (skips || offset < followed.seenFrom) followed.seenFrom = followed.position = offset;
    followed.idleRounds = 0;
    this.#followed.set(key, followed);
    return followed;
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // Those who wait from the same turn on share the first poll.
    while (!this.#closing.signal.aborted && this.#dropIdle()) await this.#poll();
    this.#running = undefined;
  }

  /** Whether anybody waits at all; forgets partitions that nobody has waited for in a while. */
  #dropIdle(): boolean {
    let waited = false;
    for (const [key, followed] of this.#followed) {
      if (followed.waiters.size > 0) waited = true;
      else if (++followed.idleRounds > IDLE_ROUNDS_MAX) this.#followed.delete(key);
    }
    return waited;
  }

  async #poll(): Promise<void> {
    const ofBroker = new Map<DriverBroker, Followed[]>();
    try {
      for (const followed of this.#followed.values()) {
        const broker = await this.#cluster.leader(followed.source);
        ofBroker.set(broker, [...(ofBroker.get(broker) ?? []), followed]);
      }
      // The first answer ends the round for none: a quiet broker's poll is short, and a busy one's next poll waits for it at most so long.
      await Promise.all([...ofBroker].map(([broker, own]) => this.#pollBroker(broker, own)));
    } catch (error) {
      this.#recover(error);
      await this.#clock.sleep(RETRY_MS, this.#closing.signal);
    }
  }

  async #pollBroker(broker: DriverBroker, followed: readonly Followed[]): Promise<void> {
    const positions = followed.map(({ source, position }) => ({ ...source, offset: position, bytesMax: PARTITION_BYTES_MAX }));
    const answers = await fetch(broker, { positions, waitMs: POLL_MS, bytesMax: POLL_BYTES_MAX });
    for (const answer of answers) {
      const index = positions.findIndex(({ topic, partition }) => topic === answer.topic && partition === answer.partition);
      const [own, position] = [followed[index], positions[index]];
      // One who began to wait further back meanwhile is polled for in the next round.
      if (own !== undefined && position !== undefined && own.position === position.offset) await this.#take(own, answer);
    }
  }

  async #take(followed: Followed, answer: FetchAnswer): Promise<void> {
    if (answer.errorCode === KAFKA_CODE.offsetOutOfRange) return this.#takeOutOfRange(followed);
    const chunk: Chunk = openChunk(answer, followed.position);
    if (chunk.next === followed.position) return;
    this.#reader.keep(followed.source, chunk);
    followed.position = chunk.next;
    followed.lastRecord = chunk.batches.at(-1)?.lastOffset ?? followed.lastRecord;
    followed.waiters.wake(followed.lastRecord + 1);
  }

  async #takeOutOfRange(followed: Followed): Promise<void> {
    const start = await startOffset(this.#cluster, followed.source);
    // Before the start: who waits there reads, and is told so.
    if (followed.position < start) followed.waiters.wakeAll();
    // Past the end: polled from the end on, unless the end has come by meanwhile.
    const end = await stableEnd(this.#cluster, followed.source);
    followed.seenFrom = followed.position = Math.max(start, Math.min(followed.position, end));
  }

  #recover(error: unknown): void {
    const failure = failureOf(error);
    if (failure === 'connection') return this.#cluster.forgetConnections();
    for (const { source } of this.#followed.values()) this.#cluster.forget(source.topic);
    if (failure === 'stale' || failure === 'busy') return;
    // Nothing that waiting helps with: those who wait read, and are told.
    for (const { waiters } of this.#followed.values()) waiters.wakeAll();
  }
}
