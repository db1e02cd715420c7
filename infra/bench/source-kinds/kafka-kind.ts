import { Kafka, logLevel, type Message } from 'kafkajs';
import { kafkaConnector } from '../../../libs/source/kafka/kafka-connector.js';
import { startBenchKafka } from '../bench-kafka.js';
import { orderRows } from '../source-rows.js';
import type { SourceKind } from './source-kind.js';

const TOPIC = 'orders';
const PARTITIONS = 3;
const SEND_MAX = 2_000;

/** JSON messages of a topic, on a broker that is a process of its own; kafkajs alone beside it. */
export const kafkaKind: SourceKind = {
  goalRowsPerS: 40_000,
  rowsDefault: 1_000_000,
  connector: kafkaConnector,
  async prepare(folder, rows) {
    const broker = await startBenchKafka(folder, undefined);
    const kafka = new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING });
    const [admin, producer] = [kafka.admin(), kafka.producer()];
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }], waitForLeaders: true });
    await producer.connect();
    const append = async (from: number, to: number): Promise<void> => {
      for (let start = from; start < to; start += SEND_MAX) {
        const messages: Message[] = [];
        for (const row of orderRows(start, Math.min(to, start + SEND_MAX))) messages.push({ key: row.user_id, value: JSON.stringify(row) });
        await producer.send({ topic: TOPIC, messages });
      }
    };
    await append(0, rows);
    return {
      source: { config: { topic: TOPIC, brokers: broker.brokers.join(',') } },
      variables: {},
      bareReader: 'a consumer of kafkajs, its messages counted',
      readBare: () => consumeAll(kafka, rows),
      append,
      async close() {
        await Promise.all([admin.disconnect(), producer.disconnect()]);
        await broker.stop();
      },
    };
  },
};

async function consumeAll(kafka: Kafka, rows: number): Promise<number> {
  const consumer = kafka.consumer({ groupId: 'bare', maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  let messages = 0;
  await new Promise<void>((resolve, reject) => {
    const eachBatch = ({ batch }: { readonly batch: { readonly messages: readonly unknown[] } }): Promise<void> => {
      messages += batch.messages.length;
      if (messages >= rows) resolve();
      return Promise.resolve();
    };
    consumer.run({ eachBatch }).catch(reject);
  });
  await consumer.disconnect();
  return messages;
}
