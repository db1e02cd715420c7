import { ThymeError } from '../../errors/errors.js';
import type { Clock } from '../../time/clock.js';
import { callBroker } from './driver.js';
import type { KafkaCluster } from './cluster.js';
import { KAFKA_CODE, KafkaAnswerError, throwOnCode, wrongTopicConfig } from './errors.js';
import { RECORD_OVERHEAD_BYTES_MAX } from './record-batch.js';
import { wrongPartitionCount } from '../log-errors.js';
import { APPEND_BYTES_MAX, APPEND_RECORDS_MAX } from '../log-limits.js';

/** An append is one batch, so that it is there as a whole or not at all (L2): the topic must take the largest. */
const BATCH_BYTES_MAX = APPEND_BYTES_MAX + APPEND_RECORDS_MAX * RECORD_OVERHEAD_BYTES_MAX + 1_024;
export const REPLICAS_MAX = 3;
export const TOPIC_RESOURCE = 2;
const CREATE_MS_MAX = 10_000;
const READY_POLL_MS = 20;

/** What every topic of the log must have: nothing vanishes from it but by our own hand. */
export const REQUIRED: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'unclean.leader.election.enable': 'false',
};

export interface ConfigAnswer {
  readonly resources: readonly {
    readonly errorCode: number;
    readonly resourceName: string;
    readonly configEntries: readonly { readonly configName: string; readonly configValue: string | null }[];
  }[];
}

/** Creates the topic, or verifies that it is as we would have created it. */
export async function createKafkaTopic(cluster: KafkaCluster, topic: string, partitions: number, clock: Clock): Promise<void> {
  if ((await cluster.describe(topic)) === undefined) await create(cluster, topic, partitions);
  await verify(cluster, topic, partitions, clock);
}

/** Three copies where there are three brokers; one that is lost then neither stops writes nor loses any. */
async function create(cluster: KafkaCluster, topic: string, partitions: number): Promise<void> {
  const replicas = Math.min(REPLICAS_MAX, await cluster.brokerCount());
  const config = {
    ...REQUIRED,
    'max.message.bytes': String(BATCH_BYTES_MAX),
    'min.insync.replicas': replicas === REPLICAS_MAX ? '2' : '1',
    'message.timestamp.type': 'LogAppendTime',
  };
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  const answer = (await callBroker(await cluster.controller(), 'CreateTopics', {
    topics: [{ topic, numPartitions: partitions, replicationFactor: replicas, configEntries }],
    validateOnly: false,
    timeout: CREATE_MS_MAX,
  })) as { readonly topicErrors: readonly { readonly errorCode: number; readonly errorMessage?: string | null }[] }; // As kafkajs decodes it.
  const [result] = answer.topicErrors;
  if (result === undefined || result.errorCode === 0 || result.errorCode === KAFKA_CODE.topicExists) return; // another was faster
  throw new KafkaAnswerError(result.errorCode, `creating topic '${topic}' (${result.errorMessage ?? 'no reason given'})`);
}

/** Count and configuration. The count first: a topic of another deployment has many differences, and that is the one to tell. */
async function verify(cluster: KafkaCluster, topic: string, partitions: number, clock: Clock): Promise<void> {
  const found = await leaders(cluster, topic, clock);
  if (found !== partitions) throw wrongPartitionCount(topic, partitions, found);
  const resources = [{ type: TOPIC_RESOURCE, name: topic, configNames: [...Object.keys(REQUIRED), 'max.message.bytes'] }];
  const {
    resources: [answer],
  } = (await callBroker(await cluster.any(), 'DescribeConfigs', { resources, includeSynonyms: false })) as ConfigAnswer; // As kafkajs decodes it.
  throwOnCode(answer?.errorCode ?? KAFKA_CODE.unknownTopic, `the configuration of topic '${topic}'`);
  const config = new Map(answer?.configEntries.map(({ configName, configValue }) => [configName, configValue ?? '']));
  for (const [name, wanted] of Object.entries(REQUIRED)) {
    const value = config.get(name) ?? wanted;
    if (value !== wanted) throw wrongTopicConfig(topic, name, value, wanted);
  }
  const bytesMax = config.get('max.message.bytes') ?? '0';
  if (Number(bytesMax) < BATCH_BYTES_MAX) throw wrongTopicConfig(topic, 'max.message.bytes', bytesMax, String(BATCH_BYTES_MAX));
}

/** Waits until each partition has a leader, which a new one gets a moment after its creation. */
async function leaders(cluster: KafkaCluster, topic: string, clock: Clock): Promise<number> {
  const deadlineUs = clock.nowUs() + CREATE_MS_MAX * 1_000;
  for (;;) {
    const found = await cluster.describe(topic);
    if (found !== undefined && found.leaders.every((leader) => leader >= 0)) return found.leaders.length;
    if (clock.nowUs() > deadlineUs)
      throw new ThymeError('THYME_KAFKA_FAILED', 'UNAVAILABLE', `topic '${topic}' has partitions without a leader: is a broker down?`);
    await clock.sleep(READY_POLL_MS, new AbortController().signal);
  }
}
