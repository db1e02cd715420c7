import { invalidArgument, notFound } from '../../errors/errors.js';
import type { Clock } from '../../time/clock.js';
import { API_KEYS, brokerFactory, callBroker, connectBroker, type DriverBroker, type KafkaConnectOptions } from './driver.js';
import { failureOf, KAFKA_CODE, KafkaAnswerError, throwOnCode, tooOld } from './errors.js';
import type { TopicPartition } from '../log.js';
import { FETCH_VERSION, PRODUCE_VERSION } from './requests.js';

/** A topic as the brokers know it; leaders by partition, -1 while there is none. */
export interface TopicLeaders {
  readonly topic: string;
  readonly leaders: readonly number[];
}

export interface TopicCopies {
  readonly topic: string;
  readonly copies: number;
  readonly inSync: number;
}

interface MetadataAnswer {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly controllerId: number;
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly topic: string;
    readonly isInternal: boolean;
    readonly partitionMetadata: readonly {
      readonly partitionId: number;
      readonly leader: number;
      readonly replicas: readonly number[];
      readonly isr: readonly number[];
    }[];
  }[];
}

interface Node {
  readonly host: string;
  readonly port: number;
  broker: DriverBroker | undefined;
  /** Shared by all who ask before it is made: each would make one, of which all but one are never closed. */
  making: Promise<DriverBroker> | undefined;
}

/** A broker may hear of a new topic a moment after the one that created it. */
const UNKNOWN_TOPIC_TRIES = 4;
const UNKNOWN_TOPIC_DELAY_MS = 50;
const GROUP_COORDINATOR = 0;
const TRANSACTION_COORDINATOR = 1;
/** kafkajs can ask for some topics or for all, not for none. */
const ALL_TOPICS: readonly string[] = [];

/**
 * Connections to the brokers of a cluster, and who leads what. A broker answers the requests of a
 * connection one after another, so whoever must not wait for others (a long poll, a transaction) has its own.
 */
export class KafkaCluster {
  readonly #options: KafkaConnectOptions;
  readonly #clock: Clock;
  readonly #makeBroker: ReturnType<typeof brokerFactory>;
  readonly #nodes = new Map<number, Node>();
  readonly #leaders = new Map<string, Promise<TopicLeaders>>();
  #seed: DriverBroker | undefined;
  #seeking: Promise<DriverBroker> | undefined;
  #controllerId = -1;

  constructor(options: KafkaConnectOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#makeBroker = brokerFactory(options);
  }

  /** The partition's leader; NOT_FOUND and INVALID_ARGUMENT where there is no such partition. */
  async leader({ topic, partition }: TopicPartition): Promise<DriverBroker> {
    const known = this.#leaders.get(topic) ?? this.#findLeaders(topic);
    const { leaders } = await known;
    const leader = leaders[partition];
    if (leader === undefined) throw invalidArgument('partition', `topic '${topic}' has ${leaders.length} partitions, and no ${partition}`);
    if (leader < 0) throw new KafkaAnswerError(KAFKA_CODE.unknownTopic, `the leader of partition ${partition} of '${topic}'`);
    return this.#node(leader);
  }

  /** The topic as it is now; undefined if there is none. */
  async describe(topic: string): Promise<TopicLeaders | undefined> {
    const { topicMetadata } = await this.#metadata([topic]);
    const found = topicMetadata.find((described) => described.topic === topic);
    if (found === undefined || found.topicErrorCode === KAFKA_CODE.unknownTopic) return undefined;
    throwOnCode(found.topicErrorCode, `topic '${topic}'`);
    return leadersOf(found);
  }

  /** Every topic that this client may know of, without the brokers' own. */
  async describeAll(): Promise<readonly TopicLeaders[]> {
    const { topicMetadata } = await this.#metadata(ALL_TOPICS);
    return topicMetadata.filter(({ isInternal, topicErrorCode }) => !isInternal && topicErrorCode === 0).map(leadersOf);
  }

  /** How many copies each topic has that this client may know of, and how many of them keep up: of its partitions the fewest. */
  async copies(): Promise<readonly TopicCopies[]> {
    const { topicMetadata } = await this.#metadata(ALL_TOPICS);
    return topicMetadata
      .filter(({ isInternal, topicErrorCode }) => !isInternal && topicErrorCode === 0)
      .map(({ topic, partitionMetadata }) => ({
        topic,
        copies: Math.min(...partitionMetadata.map(({ replicas }) => replicas.length)),
        inSync: Math.min(...partitionMetadata.map(({ isr }) => isr.length)),
      }));
  }

  /** The brokers that there are now, by their ids. */
  async brokers(): Promise<ReadonlyMap<number, () => Promise<DriverBroker>>> {
    const { brokers } = await this.#metadata(ALL_TOPICS);
    return new Map(brokers.map(({ nodeId }) => [nodeId, () => this.#node(nodeId)]));
  }

  /** How many brokers there are now. */
  async brokerCount(): Promise<number> {
    return (await this.#metadata(ALL_TOPICS)).brokers.length;
  }

  async controller(): Promise<DriverBroker> {
    await this.#metadata(ALL_TOPICS);
    return this.#nodes.has(this.#controllerId) ? this.#node(this.#controllerId) : this.#any();
  }

  /** The broker that keeps this id's transactions. */
  coordinator(transactionalId: string): Promise<DriverBroker> {
    return this.#coordinator(transactionalId, TRANSACTION_COORDINATOR);
  }

  /** The broker that keeps this consumer group's members. */
  groupCoordinator(group: string): Promise<DriverBroker> {
    return this.#coordinator(group, GROUP_COORDINATOR);
  }

  async #coordinator(key: string, coordinatorType: number): Promise<DriverBroker> {
    const answer = (await callBroker(await this.#any(), 'GroupCoordinator', { groupId: key, coordinatorType })) as {
      readonly errorCode: number;
      readonly coordinator: { readonly nodeId: number; readonly host: string; readonly port: number };
    }; // As kafkajs decodes it.
    throwOnCode(answer.errorCode, `the coordinator of '${key}'`);
    this.#learn(answer.coordinator);
    return this.#node(answer.coordinator.nodeId);
  }

  any(): Promise<DriverBroker> {
    return this.#any();
  }

  /** After an answer that says that the topic's leaders have moved. */
  forget(topic: string): void {
    this.#leaders.delete(topic);
  }

  /** After a connection failed: whoever asks next gets a new one, and what waits on the old one is not waited for. */
  forgetConnections(): void {
    this.#leaders.clear();
    void this.close();
  }

  async close(): Promise<void> {
    const brokers = [this.#seed, ...[...this.#nodes.values()].map(({ broker }) => broker)];
    this.#seed = undefined;
    for (const node of this.#nodes.values()) node.broker = undefined;
    await Promise.allSettled(brokers.map(async (broker) => broker?.disconnect()));
  }

  #findLeaders(topic: string): Promise<TopicLeaders> {
    const finding = this.#describeKnown(topic);
    this.#leaders.set(topic, finding);
    finding.catch(() => {
      if (this.#leaders.get(topic) === finding) this.#leaders.delete(topic);
    });
    return finding;
  }

  async #describeKnown(topic: string): Promise<TopicLeaders> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.describe(topic);
      if (found !== undefined) return found;
      if (attempt === UNKNOWN_TOPIC_TRIES) break;
      await this.#clock.sleep(UNKNOWN_TOPIC_DELAY_MS, NEVER);
    }
    const { topicMetadata } = await this.#metadata(ALL_TOPICS);
    throw notFound(
      'topic',
      topic,
      topicMetadata.filter(({ isInternal }) => !isInternal).map((known) => known.topic),
    );
  }

  async #metadata(topics: readonly string[]): Promise<MetadataAnswer> {
    const answer = (await callBroker(await this.#any(), 'Metadata', { topics, allowAutoTopicCreation: false })) as MetadataAnswer; // As kafkajs decodes it.
    for (const broker of answer.brokers) this.#learn(broker);
    this.#controllerId = answer.controllerId;
    return answer;
  }

  #learn({ nodeId, host, port }: { readonly nodeId: number; readonly host: string; readonly port: number }): void {
    const known = this.#nodes.get(nodeId);
    if (known?.host === host && known.port === port) return;
    void known?.broker?.disconnect().catch(() => undefined);
    this.#nodes.set(nodeId, { host, port, broker: undefined, making: undefined });
  }

  async #node(nodeId: number): Promise<DriverBroker> {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) throw new KafkaAnswerError(KAFKA_CODE.unknownTopic, `broker ${nodeId}`);
    if (node.broker !== undefined) return this.#connected(node.broker);
    const making = (node.making ??= this.#makeBroker({ host: node.host, port: node.port, nodeId }).finally(
      () => (node.making = undefined),
    ));
    return this.#connected((node.broker = await making));
  }

  /** One that answers: of those that are connected, those that are known, and those that were given. */
  async #any(): Promise<DriverBroker> {
    const ready = [this.#seed, ...[...this.#nodes.values()].map(({ broker }) => broker)].find(
      (broker) => broker !== undefined && isReady(broker),
    );
    if (ready !== undefined) return ready;
    // Shared by all who ask meanwhile: each would open a connection, of which all but one are forgotten.
    return (this.#seeking ??= this.#seek().finally(() => (this.#seeking = undefined)));
  }

  async #seek(): Promise<DriverBroker> {
    const targets = [...this.#nodes.values(), ...this.#options.brokers.map(parseAddress)];
    let last: unknown;
    for (const target of targets) {
      try {
        return (this.#seed = await this.#connected(await this.#makeBroker({ host: target.host, port: target.port, nodeId: null })));
      } catch (error) {
        if (failureOf(error) !== 'connection') throw error;
        last = error;
      }
    }
    throw last;
  }

  async #connected(broker: DriverBroker): Promise<DriverBroker> {
    if (isReady(broker)) return broker;
    await connectBroker(broker);
    for (const [api, version] of [
      ['Produce', PRODUCE_VERSION],
      ['Fetch', FETCH_VERSION],
      ['InitProducerId', 0],
    ] as const) {
      const range = broker.versions?.[API_KEYS[api]];
      if (range !== undefined && range.maxVersion >= version) continue;
      await broker.disconnect(); // nobody keeps it
      throw tooOld(this.#options.brokers.join(','), `it does not know version ${version} of ${api}`);
    }
    return broker;
  }
}

const NEVER = new AbortController().signal;

function leadersOf({ topic, partitionMetadata }: MetadataAnswer['topicMetadata'][number]): TopicLeaders {
  const leaders: number[] = [];
  for (const { partitionId, leader } of partitionMetadata) leaders[partitionId] = leader;
  return { topic, leaders };
}

/** A broker is of use once its versions are known, which is later than that its socket is open. */
function isReady(broker: DriverBroker): boolean {
  return broker.isConnected() && broker.versions !== null;
}

function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  const port = Number(address.slice(at + 1));
  if (at < 1 || !Number.isInteger(port)) throw invalidArgument('brokers', `'${address.slice(0, 256)}' is not host:port`);
  return { host: address.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port };
}
