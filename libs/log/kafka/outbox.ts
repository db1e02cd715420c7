import type { DriverBroker } from './driver.js';
import { KAFKA_CODE, KafkaAnswerError } from './errors.js';
import { produce, type PartitionBatch, type ProduceAnswer } from './requests.js';

interface Waiting {
  readonly batch: PartitionBatch;
  readonly resolve: (answer: ProduceAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Bytes of one request: the broker takes 100 MiB, and holds it in memory. */
const REQUEST_BYTES_MAX = 8 * 1_024 * 1_024;

/**
 * Batches on their way to one broker: while a request is in flight, those who come share the next one, so
 * that forty partitions cost one round trip and not forty. Of a partition, one batch at a time.
 */
export class KafkaOutbox {
  readonly #broker: DriverBroker;
  #queue: Waiting[] = [];
  #running = false;

  constructor(broker: DriverBroker) {
    this.#broker = broker;
  }

  /** Resolves to the broker's answer, which may be an error code; rejects when there is none. */
  send(batch: PartitionBatch): Promise<ProduceAnswer> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    await Promise.resolve(); // What other partitions append in the same turn shares the first request already.
    while (this.#queue.length > 0) await this.#sendGroup(this.#takeGroup());
    this.#running = false;
  }

  #takeGroup(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { batch } of this.#queue) {
      if (count > 0 && bytes + batch.batch.length > REQUEST_BYTES_MAX) break;
      bytes += batch.batch.length;
      count++;
    }
    const group = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    return group;
  }

  async #sendGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const answers = await produce(
        this.#broker,
        group.map(({ batch }) => batch),
        null,
      );
      for (const { batch, resolve, reject } of group) {
        const answer = answers.find(({ topic, partition }) => topic === batch.topic && partition === batch.partition);
        if (answer !== undefined) resolve(answer);
        else reject(new KafkaAnswerError(KAFKA_CODE.unknownTopic, `no answer for partition ${batch.partition} of '${batch.topic}'`));
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
