import type { KafkaCluster } from '../../log/kafka/cluster.js';
import type { DriverBroker } from '../../log/kafka/driver.js';
import { fetch, type FetchAnswer } from '../../log/kafka/requests.js';

/** How long a broker may hold a request while there is nothing: a pause, or the end, waits for no more. */
const WAIT_MS = 500;
/** Of one answer, as it is sent; and of one partition in it. A single batch beyond that is sent all the same. */
const ANSWER_BYTES_MAX = 4 * 1_024 * 1_024;
const PARTITION_BYTES_MAX = 1_024 * 1_024;

interface Answered {
  readonly broker: DriverBroker;
  readonly answers: readonly FetchAnswer[];
}

/**
 * Asks each broker for the partitions that it leads, all of them at the same time: one that has nothing, and holds its answer
 * back, keeps no other waiting. Each has one request under way at most, which is what is read ahead (Y3).
 */
export class FetchPump {
  readonly #cluster: KafkaCluster;
  readonly #topic: string;
  readonly #next = new Map<number, number>();
  readonly #underWay = new Map<DriverBroker, Promise<Answered>>();

  constructor(cluster: KafkaCluster, topic: string) {
    this.#cluster = cluster;
    this.#topic = topic;
  }

  /** The partition is read from here on. What is under way for it may come from elsewhere, and is told by its offsets. */
  set(partition: number, next: number): void {
    this.#next.set(partition, next);
  }

  nextOf(partition: number): number {
    return this.#next.get(partition) ?? 0;
  }

  /** Asks those who are not being asked, with the offsets as they are now. */
  async ask(): Promise<void> {
    const led = new Map<DriverBroker, number[]>();
    for (const partition of this.#next.keys()) {
      const leader = await this.#cluster.leader({ topic: this.#topic, partition });
      if (!this.#underWay.has(leader)) led.set(leader, [...(led.get(leader) ?? []), partition]);
    }
    for (const [broker, partitions] of led) {
      // Those first that were not heard last: an answer may be full before it comes to the others.
      const positions = partitions.map((partition) => ({
        topic: this.#topic,
        partition,
        offset: this.nextOf(partition),
        bytesMax: PARTITION_BYTES_MAX,
      }));
      const asked = fetch(broker, { positions, waitMs: WAIT_MS, bytesMax: ANSWER_BYTES_MAX }).then((answers) => ({ broker, answers }));
      asked.catch(() => undefined); // told to who waits for it next, or to nobody
      this.#underWay.set(broker, asked);
    }
  }

  /** The first answer that comes. What was answered goes to the end of its broker's next question. */
  async answer(): Promise<readonly FetchAnswer[]> {
    await this.ask();
    const { broker, answers } = await Promise.race(this.#underWay.values());
    this.#underWay.delete(broker);
    for (const { partition, recordSet } of answers) {
      const next = this.#next.get(partition);
      if (recordSet.length === 0 || next === undefined) continue;
      this.#next.delete(partition);
      this.#next.set(partition, next);
    }
    return answers;
  }

  /** After a failure: what was under way is of connections that may be gone. */
  forget(): void {
    this.#underWay.clear();
  }
}
