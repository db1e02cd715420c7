import { systemClock } from '../../time/clock.js';
import { KafkaCluster, type TopicCopies } from './cluster.js';
import { callBroker, type DriverBroker, type KafkaConnectOptions } from './driver.js';
import { throwOnCode, toThymeError } from './errors.js';
import { REQUIRED, TOPIC_RESOURCE, type ConfigAnswer } from './topics.js';

// What a deployment's topics and the brokers are set to: for whoever looks whether it is as the log needs it. It changes nothing.

export interface KafkaSettings {
  readonly brokerCount: number;
  readonly topics: readonly TopicSettings[];
  /** Of each broker, in the order of their ids. */
  readonly brokers: readonly { readonly id: number; readonly config: ReadonlyMap<string, string> }[];
}

export interface TopicSettings extends TopicCopies {
  readonly config: ReadonlyMap<string, string>;
}

const BROKER_RESOURCE = 4;
/** In one request: a broker answers for so many within milliseconds. */
const TOPICS_PER_REQUEST = 100;
const TOPIC_CONFIGS = [...Object.keys(REQUIRED), 'min.insync.replicas'];
const BROKER_CONFIGS = [
  'transaction.max.timeout.ms',
  'group.min.session.timeout.ms',
  'group.max.session.timeout.ms',
  'transaction.state.log.replication.factor',
  'offsets.topic.replication.factor',
];

/** UNAVAILABLE or PERMISSION_DENIED where Kafka is away or refuses us. */
export async function readKafkaSettings(connect: KafkaConnectOptions, deployment: string): Promise<KafkaSettings> {
  const cluster = new KafkaCluster(connect, systemClock);
  try {
    const brokers = [...(await cluster.brokers())].sort(([one], [other]) => one - other);
    const own = (await cluster.copies()).filter(({ topic }) => topic.startsWith(`${deployment}.`));
    const configs = await topicConfigs(await cluster.any(), own);
    return {
      brokerCount: brokers.length,
      topics: own.map((of) => ({ ...of, config: configs.get(of.topic) ?? new Map<string, string>() })),
      brokers: await Promise.all(brokers.map(async ([id, connected]) => ({ id, config: await brokerConfig(id, await connected()) }))),
    };
  } catch (error) {
    throw toThymeError(error, connect.brokers);
  } finally {
    await cluster.close();
  }
}

type Configs = ReadonlyMap<string, ReadonlyMap<string, string>>;

async function topicConfigs(broker: DriverBroker, topics: readonly TopicCopies[]): Promise<Configs> {
  const found = new Map<string, ReadonlyMap<string, string>>();
  for (let start = 0; start < topics.length; start += TOPICS_PER_REQUEST) {
    const part = topics.slice(start, start + TOPICS_PER_REQUEST);
    const asked = part.map(({ topic: name }) => ({ type: TOPIC_RESOURCE, name, configNames: TOPIC_CONFIGS }));
    for (const [name, config] of await configsOf(broker, asked)) found.set(name, config);
  }
  return found;
}

/** A broker tells its own only. */
async function brokerConfig(id: number, broker: DriverBroker): Promise<ReadonlyMap<string, string>> {
  const asked = [{ type: BROKER_RESOURCE, name: String(id), configNames: BROKER_CONFIGS }];
  return (await configsOf(broker, asked)).get(String(id)) ?? new Map<string, string>();
}

async function configsOf(
  broker: DriverBroker,
  resources: readonly { readonly type: number; readonly name: string; readonly configNames: readonly string[] }[],
): Promise<Configs> {
  const answer = (await callBroker(broker, 'DescribeConfigs', { resources, includeSynonyms: false })) as ConfigAnswer; // As kafkajs decodes it.
  return new Map(
    answer.resources.map(({ errorCode, resourceName, configEntries }) => {
      throwOnCode(errorCode, `the configuration of '${resourceName}'`);
      return [resourceName, new Map(configEntries.map(({ configName, configValue }) => [configName, configValue ?? '']))];
    }),
  );
}
