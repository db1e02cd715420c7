import assert from 'node:assert';
import { callBroker } from './driver.js';
import type { KafkaCluster } from './cluster.js';
import { throwOnCode } from './errors.js';
import type { ProducerIdentity } from './record-batch.js';

/** An open transaction holds up every reader of its partitions, for so long at most if its owner dies. */
export const TRANSACTION_MS_MAX = 15_000;
const SEQUENCES = 2 ** 31;
const EPOCHS = 2 ** 15;

/**
 * A producer id, its epoch, and how far it has numbered the records of each partition. The broker drops
 * what it has seen and refuses what leaves a gap, so a batch sent again is stored once.
 */
export class ProducerSession implements ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly #sequences = new Map<string, number>();
  readonly #firstSequence: number;

  /** `firstSequence` is where a partition's numbers begin; a broker takes any from a producer that is new to it. */
  constructor({ producerId, producerEpoch }: ProducerIdentity, firstSequence = 0) {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
    this.#firstSequence = firstSequence;
  }

  /** The producer's id and epoch as one number that grows: a new id is given when epochs run out. */
  get combinedEpoch(): number {
    const combined = this.producerId * EPOCHS + this.producerEpoch;
    assert(Number.isSafeInteger(combined));
    return combined;
  }

  /** The first sequence for so many records of this partition; what is taken must be sent. After 2^31 - 1 comes 0. */
  takeSequences(topic: string, partition: number, count: number): number {
    const key = `${topic}/${partition}`;
    const base = this.#sequences.get(key) ?? this.#firstSequence;
    this.#sequences.set(key, (base + count) % SEQUENCES);
    return base;
  }
}

/** Without transactions: an id that nobody fences. */
export async function newIdempotentProducer(cluster: KafkaCluster): Promise<ProducerSession> {
  const answer = await callBroker(await cluster.any(), 'InitProducerId', { transactionalId: null, transactionTimeout: TRANSACTION_MS_MAX });
  return sessionOf(answer, 'a producer id');
}

/** Fences every earlier producer of this id and ends its transaction, one way or the other, before it resolves (L4). */
export async function newTransactionalProducer(cluster: KafkaCluster, transactionalId: string): Promise<ProducerSession> {
  const answer = await callBroker(await cluster.coordinator(transactionalId), 'InitProducerId', {
    transactionalId,
    transactionTimeout: TRANSACTION_MS_MAX,
  });
  return sessionOf(answer, `a new epoch of '${transactionalId}'`);
}

function sessionOf(answer: unknown, what: string): ProducerSession {
  const { errorCode, producerId, producerEpoch } = answer as {
    readonly errorCode: number;
    readonly producerId: string;
    readonly producerEpoch: number;
  }; // As kafkajs decodes it.
  throwOnCode(errorCode, what);
  return new ProducerSession({ producerId: Number(producerId), producerEpoch });
}
