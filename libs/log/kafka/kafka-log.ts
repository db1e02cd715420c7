// The log on Kafka, for a platform of several processes (DESIGN 4).
//
//   driver.ts          - what is used of kafkajs: connections, TLS, SASL, small requests; sasl.ts
//   options.ts         - how the brokers are reached, from the environment
//   cluster.ts         - who leads what; retry.ts, errors.ts
//   topics.ts          - creates topics, and refuses those that would lose records
//   appends.ts         - appends by an idempotent producer; outbox.ts, producer-id.ts
//   writer.ts          - transactions with fencing by epoch; transaction.ts
//   hanging.ts         - ends what a broker that died has left undecided
//   reader.ts          - reads by offset; aborted-filter.ts drops what was aborted
//   followers.ts       - waiting, by one long poll; trim.ts - deletes the beginning of a partition
//   record-batch.ts    - the bytes of records; requests.ts
//
// How it keeps the invariants of log.ts:
//   L1: a transaction's end takes an offset of its own in each partition; a read goes on past it.
//   L2: acks=all, with two of three replicas in sync; an append is one batch.
//   L3: readers see committed records only. Partitions show a transaction within milliseconds of each
//       other, not at one instant; `commit` resolves when all do.
//   L4: a writer is an epoch of a transactional id, which the broker compares at every step.
import { systemClock, type Clock } from '../../time/clock.js';
import { KafkaAppends } from './appends.js';
import { KafkaCluster } from './cluster.js';
import type { KafkaConnectOptions } from './driver.js';
import { toThymeError } from './errors.js';
import { KafkaFollowers } from './followers.js';
import { KafkaReader } from './reader.js';
import { createKafkaTopic } from './topics.js';
import { trimPartition } from './trim.js';
import { KafkaTransactions } from './transaction.js';
import { KafkaWriter } from './writer.js';
import type { NewRecord, ReadLimits, ReadResult, TopicPartition, TransactionalWriter, TrimmableLog } from '../log.js';
import { logClosed } from '../log-errors.js';
import { checkRecords, checkTopic, checkTransactionalId } from '../log-limits.js';

export interface KafkaLogOptions extends KafkaConnectOptions {
  readonly clock?: Clock;
}

/** Connects; UNAVAILABLE, PERMISSION_DENIED or FAILED_PRECONDITION if Kafka is absent, refuses us, or is too old. */
export async function openKafkaLog({ clock = systemClock, ...connect }: KafkaLogOptions): Promise<TrimmableLog> {
  const cluster = new KafkaCluster(connect, clock);
  try {
    await cluster.brokerCount(); // Which brokers answer only to whom they let in; they tell their versions to anybody.
  } catch (error) {
    await cluster.close();
    throw toThymeError(error, connect.brokers);
  }
  return new KafkaLog(cluster, connect, clock);
}

class KafkaLog implements TrimmableLog {
  readonly #connect: KafkaConnectOptions;
  readonly #clock: Clock;
  /** One for each that must not wait for the others. */
  readonly #clusters: { readonly reads: KafkaCluster; readonly appends: KafkaCluster; readonly polls: KafkaCluster };
  readonly #reader: KafkaReader;
  readonly #appends: KafkaAppends;
  readonly #followers: KafkaFollowers;
  readonly #writers = new Set<KafkaWriter>();
  #topicQueue: Promise<unknown> = Promise.resolve();
  /** By topic that is as wanted, its partitions: each partition that is taken over would have the same ones verified again. */
  readonly #verified = new Map<string, number>();
  #closing: Promise<void> | undefined;

  constructor(reads: KafkaCluster, connect: KafkaConnectOptions, clock: Clock) {
    this.#connect = connect;
    this.#clock = clock;
    this.#clusters = { reads, appends: new KafkaCluster(connect, clock), polls: new KafkaCluster(connect, clock) };
    this.#reader = new KafkaReader(reads, clock);
    this.#appends = new KafkaAppends({
      cluster: this.#clusters.appends,
      clock,
      endOffset: (target) => this.#reader.endOffset(target),
      toThymeError: this.#toThymeError,
    });
    this.#followers = new KafkaFollowers(this.#clusters.polls, this.#reader, clock);
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    checkTopic(topic, partitions);
    this.#assertOpen();
    if (this.#verified.get(topic) === partitions) return;
    // One after another: of those who ask at the same time for different counts, the first one wins.
    const creating = this.#topicQueue.then(() =>
      this.#reader.retry({ topic, partition: 0 }, () => createKafkaTopic(this.#clusters.reads, topic, partitions, this.#clock)),
    );
    this.#topicQueue = creating.catch(() => undefined);
    await this.#said(creating);
    this.#verified.set(topic, partitions);
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    this.#assertOpen();
    const found = await this.#said(this.#reader.retry({ topic, partition: 0 }, () => this.#clusters.reads.describe(topic)));
    return found?.leaders.length;
  }

  async append(target: TopicPartition, records: readonly NewRecord[]): Promise<number> {
    checkRecords([{ records }]);
    this.#assertOpen();
    return this.#appends.append(target, records);
  }

  async read(source: TopicPartition, offset: number, limits: ReadLimits): Promise<ReadResult> {
    this.#assertOpen();
    return this.#said(this.#reader.read(source, offset, limits));
  }

  async endOffset(source: TopicPartition): Promise<number> {
    this.#assertOpen();
    return this.#said(this.#reader.endOffset(source));
  }

  async waitFor(source: TopicPartition, offset: number, signal: AbortSignal): Promise<void> {
    this.#assertOpen();
    await this.#said(this.#followers.waitFor(source, offset, signal));
  }

  async writer(transactionalId: string): Promise<TransactionalWriter> {
    checkTransactionalId(transactionalId);
    this.#assertOpen();
    const cluster = new KafkaCluster(this.#connect, this.#clock);
    try {
      const transactions = await KafkaTransactions.open(cluster, transactionalId, this.#clock);
      const writer = new KafkaWriter({
        transactions,
        assertOpen: () => this.#assertOpen(),
        checkPartition: (target) => this.#reader.checkPartition(target),
        endOffset: (target) => this.#reader.endOffset(target),
        toThymeError: this.#toThymeError,
        onClosed: (closed) => this.#writers.delete(closed),
      });
      this.#writers.add(writer);
      return writer;
    } catch (error) {
      await cluster.close();
      throw this.#toThymeError(error);
    }
  }

  async trim(source: TopicPartition, beforeOffset: number): Promise<void> {
    this.#assertOpen();
    await this.#said(this.#reader.retry(source, () => trimPartition(this.#clusters.reads, source, beforeOffset)));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#appends.close();
    await Promise.all([...this.#writers].map((writer) => writer.disconnect()));
    await this.#followers.close();
    this.#reader.close();
    await Promise.all(Object.values(this.#clusters).map((cluster) => cluster.close()));
  }

  readonly #toThymeError = (error: unknown): unknown => toThymeError(error, this.#connect.brokers);

  async #said<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#toThymeError(error);
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw logClosed();
  }
}
