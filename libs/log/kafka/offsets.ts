import { callBroker } from './driver.js';
import type { KafkaCluster } from './cluster.js';
import { KAFKA_CODE, throwOnCode } from './errors.js';
import type { TopicPartition } from '../log.js';

const READ_COMMITTED = 1;
const LATEST = -1;
const EARLIEST = -2;

interface OffsetsAnswer {
  readonly responses: readonly { readonly partitions: readonly { readonly errorCode: number; readonly offset: string }[] }[];
}

/** The last stable offset: everything before it is decided, so it is where a reader of committed records ends. */
export function stableEnd(cluster: KafkaCluster, source: TopicPartition): Promise<number> {
  return listOffset(cluster, source, LATEST);
}

/** Where the partition begins: 0 unless it was trimmed. */
export function startOffset(cluster: KafkaCluster, source: TopicPartition): Promise<number> {
  return listOffset(cluster, source, EARLIEST);
}

async function listOffset(cluster: KafkaCluster, { topic, partition }: TopicPartition, timestamp: number): Promise<number> {
  const broker = await cluster.leader({ topic, partition });
  const topics = [{ topic, partitions: [{ partition, timestamp }] }];
  const { responses } = (await callBroker(broker, 'ListOffsets', {
    replicaId: -1,
    isolationLevel: READ_COMMITTED,
    topics,
  })) as OffsetsAnswer; // As kafkajs decodes it.
  const answer = responses[0]?.partitions[0];
  throwOnCode(answer?.errorCode ?? KAFKA_CODE.unknownTopic, `the end of partition ${partition} of '${topic}'`);
  return Number(answer?.offset);
}
