import type { Clock } from '../../time/clock.js';
import { callBroker, type DriverBroker } from './driver.js';
import type { KafkaCluster } from './cluster.js';
import {
  commitUnknown,
  failureOf,
  fencedByBroker,
  hangingTransaction,
  KAFKA_CODE,
  KafkaAnswerError,
  throwOnCode,
  type KafkaFailure,
} from './errors.js';
import { lastTransaction, openPartitions, type LastTransaction } from './hanging.js';
import { stableEnd } from './offsets.js';
import { newTransactionalProducer, type ProducerSession } from './producer-id.js';
import { encodeRecordBatch } from './record-batch.js';
import { produce, type PartitionBatch } from './requests.js';
import { retrying } from './retry.js';
import type { NewRecord, TopicPartition } from '../log.js';

/** Below the transaction's own time, so that a writer gives up before the broker does. */
const STEP_MS_MAX = 10_000;
const FENCE_MS_MAX = 30_000;
/** What is committed is readable within milliseconds; what is not by then has lost its markers, and the next writer ends it. */
const VISIBLE_MS_MAX = 10_000;
const VISIBLE_POLL_MS = 1;

/** Records of one partition that go out in one batch. */
export interface TransactionBatch {
  readonly target: TopicPartition;
  readonly records: readonly NewRecord[];
}

/**
 * The transactions of one id, one after another, over connections of their own. Answers that say "later"
 * are waited for; a lost connection is not: the writer dies, and the next one's epoch decides (L4).
 */
export class KafkaTransactions {
  readonly #cluster: KafkaCluster;
  readonly #transactionalId: string;
  readonly #session: ProducerSession;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #coordinator: DriverBroker | undefined;

  private constructor(cluster: KafkaCluster, transactionalId: string, session: ProducerSession, clock: Clock) {
    this.#cluster = cluster;
    this.#transactionalId = transactionalId;
    this.#session = session;
    this.#clock = clock;
  }

  /** Fences earlier writers of the id. */
  static async open(cluster: KafkaCluster, transactionalId: string, clock: Clock): Promise<KafkaTransactions> {
    let last: LastTransaction | undefined;
    const fence = async (): Promise<KafkaTransactions> => {
      const found = await lastTransaction(await cluster.coordinator(transactionalId), transactionalId);
      // A fence makes it empty: an attempt after one whose answer was lost knows more by what it had found before.
      if (found?.state !== 'Empty') last = found;
      const transactions = new KafkaTransactions(cluster, transactionalId, await newTransactionalProducer(cluster, transactionalId), clock);
      if (found !== undefined) await transactions.#endHanging(last ?? found);
      return transactions;
    };
    return retrying(fence, {
      clock,
      msMax: FENCE_MS_MAX,
      retriable: ['stale', 'busy', 'connection'],
      signal: new AbortController().signal,
      onFailure: (failure) => {
        if (failure === 'connection') cluster.forgetConnections();
      },
    });
  }

  get epoch(): number {
    return this.#session.combinedEpoch;
  }

  /** The first step: the coordinator must know each partition before anything is sent to it. */
  async addPartitions(targets: readonly TopicPartition[]): Promise<void> {
    const topics = new Map<string, Set<number>>();
    for (const { topic, partition } of targets) topics.set(topic, (topics.get(topic) ?? new Set()).add(partition));
    const values = { ...this.#identity, topics: [...topics].map(([topic, partitions]) => ({ topic, partitions: [...partitions] })) };
    await this.#step(['stale', 'busy'], async () => {
      const { errors } = (await callBroker(await this.#findCoordinator(), 'AddPartitionsToTxn', values)) as {
        readonly errors: readonly { readonly topic: string; readonly partitionErrors: readonly { readonly errorCode: number }[] }[];
      }; // As kafkajs decodes it.
      for (const { topic, partitionErrors } of errors) {
        for (const { errorCode } of partitionErrors)
          throwOnCode(errorCode, `adding '${topic}' to a transaction of '${this.#transactionalId}'`);
      }
    });
  }

  /** Sends batches of different partitions side by side; resolves to where each begins. */
  async send(batches: readonly TransactionBatch[]): Promise<readonly number[]> {
    const encoded = batches.map(({ target: { topic, partition }, records }) => {
      const baseSequence = this.#session.takeSequences(topic, partition, records.length);
      const { producerId, producerEpoch } = this.#session;
      return {
        topic,
        partition,
        batch: encodeRecordBatch(records, {
          producerId,
          producerEpoch,
          baseSequence,
          transactional: true,
          timestampMs: Math.round(this.#clock.nowUs() / 1_000),
        }),
      };
    });
    const offsets = new Map<PartitionBatch, number>();
    // Retried until all are in: the same bytes under the same sequences, so none is stored twice.
    await this.#step(['stale', 'busy'], () => this.#sendRest(encoded, offsets));
    return encoded.map((batch) => offsets.get(batch) ?? 0);
  }

  /** The decision. Whatever fails here without a clear answer is unknown, and is not tried again. */
  async commit(): Promise<void> {
    try {
      throwOnCode(await this.#endTransaction(), `the commit of '${this.#transactionalId}'`);
    } catch (error) {
      if (failureOf(error) === 'fenced') throw error;
      throw commitUnknown(this.#transactionalId, error);
    }
  }

  /** For a transaction of nothing, which is never begun: whether this writer could still commit (L4). */
  async checkEpoch(): Promise<void> {
    const code = await this.#endTransaction();
    // The coordinator compares the epoch before it says that there is nothing to end.
    if (code !== KAFKA_CODE.invalidTransactionState) throwOnCode(code, `the epoch of '${this.#transactionalId}'`);
  }

  /**
   * Ends, as it was decided, what the last transaction has left without a marker: together, in a transaction of nothing
   * else, and before anybody reads what is there. Where its decision is not known any more, none of it is to be there:
   * nobody has seen it, and its writer was never told that it was committed.
   */
  async #endHanging({ state, producerId }: LastTransaction): Promise<void> {
    const hanging = await openPartitions(this.#cluster, this.#transactionalId, producerId);
    if (hanging.length === 0) return;
    // What was still under way when we asked has been decided since: ask again.
    if (state === 'Ongoing' || state.startsWith('Prepare'))
      throw new KafkaAnswerError(KAFKA_CODE.concurrentTransactions, `the last transaction of '${this.#transactionalId}'`);
    if (producerId !== this.#session.producerId) throw hangingTransaction(this.#transactionalId, hanging);
    await this.addPartitions(hanging);
    throwOnCode(await this.#endTransaction(state === 'CompleteCommit'), `ending the last transaction of '${this.#transactionalId}'`);
    await this.#step(['stale', 'busy'], async () => {
      if ((await openPartitions(this.#cluster, this.#transactionalId, producerId)).length > 0)
        throw new KafkaAnswerError(KAFKA_CODE.concurrentTransactions, `the markers of '${this.#transactionalId}'`);
    });
  }

  /** Resolves when readers see what was committed: the coordinator answers before it has written the markers. */
  async visible(ends: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    const deadlineUs = this.#clock.nowUs() + VISIBLE_MS_MAX * 1_000;
    await Promise.all(
      ends.map(async (end) => {
        while ((await stableEnd(this.#cluster, end).catch(() => 0)) <= end.offset) {
          if (this.#clock.nowUs() > deadlineUs || this.#closing.signal.aborted)
            throw commitUnknown(this.#transactionalId, new Error(`partition ${end.partition} of '${end.topic}' does not show it`));
          await this.#clock.sleep(VISIBLE_POLL_MS, this.#closing.signal);
        }
      }),
    );
  }

  /** What the failure means for the writer's caller. */
  failure(error: unknown): unknown {
    return failureOf(error) === 'fenced' ? fencedByBroker(this.#transactionalId, this.epoch, error) : error;
  }

  /** Resolves when the connections are closed, or at once where a broker does not answer any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#cluster.forgetConnections();
  }

  get #identity(): { readonly transactionalId: string; readonly producerId: number; readonly producerEpoch: number } {
    return { transactionalId: this.#transactionalId, producerId: this.#session.producerId, producerEpoch: this.#session.producerEpoch };
  }

  async #sendRest(batches: readonly PartitionBatch[], offsets: Map<PartitionBatch, number>): Promise<void> {
    const ofBroker = new Map<DriverBroker, PartitionBatch[]>();
    for (const batch of batches) {
      if (offsets.has(batch)) continue;
      const broker = await this.#cluster.leader(batch);
      ofBroker.set(broker, [...(ofBroker.get(broker) ?? []), batch]);
    }
    const failures: Error[] = [];
    await Promise.all(
      [...ofBroker].map(async ([broker, own]) => {
        const answers = await produce(broker, own, this.#transactionalId).catch(
          (error: unknown) => void failures.push(error instanceof Error ? error : new Error(String(error))),
        );
        for (const { topic, partition, errorCode, baseOffset } of answers ?? []) {
          const batch = own.find((sent) => sent.topic === topic && sent.partition === partition);
          if (errorCode === 0 && batch !== undefined) offsets.set(batch, baseOffset);
          else failures.push(new KafkaAnswerError(errorCode, `a transaction's records for partition ${partition} of '${topic}'`));
          if (errorCode !== 0) this.#cluster.forget(topic);
        }
      }),
    );
    // The worst of them: one that cannot be retried must not hide behind one that can.
    const [worst] = failures.toSorted((a, b) => Number(isLater(a)) - Number(isLater(b)));
    if (worst !== undefined) throw worst;
  }

  /** Resolves to the coordinator's answer, once that is not "later". */
  #endTransaction(isCommit = true): Promise<number> {
    return this.#step(['stale', 'busy'], async () => {
      const { errorCode } = (await callBroker(await this.#findCoordinator(), 'EndTxn', {
        ...this.#identity,
        transactionResult: isCommit,
      })) as { readonly errorCode: number }; // As kafkajs decodes it.
      if (isLater(new KafkaAnswerError(errorCode, '')))
        throw new KafkaAnswerError(errorCode, `ending a transaction of '${this.#transactionalId}'`);
      return errorCode;
    });
  }

  async #findCoordinator(): Promise<DriverBroker> {
    return (this.#coordinator ??= await this.#cluster.coordinator(this.#transactionalId));
  }

  #step<T>(retriable: readonly KafkaFailure[], attempt: () => Promise<T>): Promise<T> {
    return retrying(attempt, {
      clock: this.#clock,
      msMax: STEP_MS_MAX,
      retriable,
      signal: this.#closing.signal,
      onFailure: (failure) => {
        if (failure === 'stale') this.#coordinator = undefined;
      },
    });
  }
}

function isLater(error: unknown): boolean {
  return ['stale', 'busy'].includes(failureOf(error));
}
