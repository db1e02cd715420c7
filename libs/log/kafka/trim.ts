import type { TopicPartition } from '../log.js';
import type { KafkaCluster } from './cluster.js';
import { callBroker } from './driver.js';
import { KAFKA_CODE, throwOnCode } from './errors.js';

const TRIM_MS_MAX = 10_000;

/** Moves the beginning of the partition up to the offset; one that is there already, or beyond, stays. */
export async function trimPartition(cluster: KafkaCluster, { topic, partition }: TopicPartition, beforeOffset: number): Promise<void> {
  const values = { topics: [{ topic, partitions: [{ partition, offset: String(beforeOffset) }] }], timeout: TRIM_MS_MAX };
  const { topics } = (await callBroker(await cluster.leader({ topic, partition }), 'DeleteRecords', values)) as {
    readonly topics: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[];
  }; // As kafkajs decodes it.
  throwOnCode(topics[0]?.partitions[0]?.errorCode ?? KAFKA_CODE.unknownTopic, `trimming partition ${partition} of '${topic}'`);
}
