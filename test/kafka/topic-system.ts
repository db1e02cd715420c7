import { Kafka, logLevel, type Message } from 'kafkajs';
import { contractRow, type ContractSystem } from '../../services/ingest/testing/contract-system.js';
import { FaultyProxy } from '../../services/ingest/testing/faulty-proxy.js';
import type { KafkaCluster } from '../../infra/kafka/kafka.js';
import { eventually, uniqueName } from './kafka-fixture.js';

const SEND_MAX = 2_000;

/** What other people's producers do: topics, messages and transactions beside Thyme, by kafkajs. */
export class Producers {
  readonly kafka: Kafka;
  readonly admin: ReturnType<Kafka['admin']>;
  readonly producer: ReturnType<Kafka['producer']>;

  private constructor(brokers: readonly string[]) {
    this.kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20, retries: 20 } });
    this.admin = this.kafka.admin();
    // Idempotent: a broker that does not lead a new partition yet is asked again, and what others had taken came twice.
    this.producer = this.kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 });
  }

  static async connect(brokers: readonly string[]): Promise<Producers> {
    const producers = new Producers(brokers);
    await producers.admin.connect();
    await producers.producer.connect();
    return producers;
  }

  async createTopic(numPartitions = 3, config: Readonly<Record<string, string>> = {}, topic = uniqueName()): Promise<string> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await this.admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: false });
    // The library's own wait gives up where a broker has not heard of the topic yet.
    await eventually(() => this.#hasLeaders(topic, numPartitions), `topic ${topic} has leaders`);
    return topic;
  }

  async #hasLeaders(topic: string, count: number): Promise<boolean> {
    const { topics } = await this.admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }));
    return (topics[0]?.partitions ?? []).filter(({ leader }) => leader >= 0).length === count;
  }

  async send(topic: string, messages: readonly Message[]): Promise<void> {
    for (let at = 0; at < messages.length; at += SEND_MAX) await this.producer.send({ topic, messages: messages.slice(at, at + SEND_MAX) });
  }

  async disconnect(): Promise<void> {
    await this.producer.disconnect();
    await this.admin.disconnect();
  }
}

/** A topic of three partitions for the contract suite, behind a line that can misbehave. */
export async function openTopicSystem({ brokers, proxied }: KafkaCluster): Promise<ContractSystem> {
  if (proxied === undefined) throw new Error('the suite needs a broker behind a proxy');
  await proxied.proxy.close();
  const proxy = await FaultyProxy.open(proxied.brokerPort, Number(proxied.address.split(':')[1]));
  const producers = await Producers.connect(brokers);
  const topic = await producers.createTopic();
  const config = { topic, brokers: proxied.address };
  return {
    connector: { module: new URL('../../libs/source/kafka/kafka-connector.js', import.meta.url), create: 'kafkaConnector' },
    source: { connector: 'kafka', config, cdc: 'append' },
    elsewhere: { ...config, topic: `${topic}-other` },
    async add(from, to) {
      const rows = Array.from({ length: to - from }, (_, i) => contractRow(from + i));
      await producers.send(
        topic,
        rows.map((row) => ({ key: row.k, value: JSON.stringify(row) })),
      );
    },
    faults: proxy.faults(),
    heal: () => proxy.heal(),
    async close() {
      await producers.disconnect();
      await proxy.close();
    },
  };
}
