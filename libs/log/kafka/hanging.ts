// Transactions that a broker has ended in its books and not in the partitions. A broker that dies between the two, and
// comes back as the only one, can forget the markers: no reader gets past such records, and the next transaction of
// the same producer would end them together with its own, after its writer has read what is there without them.
//
//   describe request   = | tags 0 | count + 1 | id length + 1 | id | tags 0 |
//   producers request  = | tags 0 | count + 1 | topic ... | tags 0 |
//   topic              = | length + 1 | name | count + 1 | partition i32 ... | tags 0 |
//
// Both are of the kind of flexible-message.ts; none is encoded by kafkajs.
import { API_KEYS, type DriverBroker } from './driver.js';
import type { KafkaCluster } from './cluster.js';
import { failureOf, KafkaAnswerError } from './errors.js';
import { type FlexibleBytes, flexibleRequest as requestOf, i32, NO_TAGS, text, varint } from './flexible-message.js';
import type { TopicPartition } from '../log.js';

/** How the coordinator says that an id's last transaction stands; `Empty` before the first. */
export interface LastTransaction {
  readonly state:
    'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'PrepareEpochFence' | 'CompleteCommit' | 'CompleteAbort' | 'Dead';
  readonly producerId: number;
}

const UNKNOWN_ID = 105;
const NONE = -1;

/** Undefined where the id has none, and where the broker is too old to say. */
export async function lastTransaction(coordinator: DriverBroker, transactionalId: string): Promise<LastTransaction | undefined> {
  if (!knows(coordinator, 'DescribeTransactions')) return undefined;
  const body = Buffer.concat([NO_TAGS, varint(2), text(transactionalId), NO_TAGS]);
  return (await coordinator.connectionPool.send(
    requestOf('DescribeTransactions', body, (from) => {
      from.skip(4); // throttle time
      from.varint();
      const errorCode = from.i16();
      if (errorCode === UNKNOWN_ID) return undefined;
      if (errorCode !== 0) throw new KafkaAnswerError(errorCode, `the last transaction of '${transactionalId}'`);
      from.text();
      const state = from.text();
      from.skip(12); // timeout, start
      return { state, producerId: from.i64() };
    }),
  )) as LastTransaction | undefined; // As decoded here.
}

/**
 * The partitions in which this producer has records that no marker has ended. Looked at are topics of the writer's own
 * deployment, by which all of their names begin (libs/pipeline/topics.ts): a leader that another's topic lacks is no
 * reason to wait.
 */
export async function openPartitions(
  cluster: KafkaCluster,
  transactionalId: string,
  producerId: number,
): Promise<readonly TopicPartition[]> {
  const ofBroker = new Map<DriverBroker, Map<string, number[]>>();
  for (const { topic, leaders } of await cluster.describeAll()) {
    if (deploymentOf(topic) !== deploymentOf(transactionalId)) continue;
    for (const partition of leaders.keys()) {
      const leader = await cluster.leader({ topic, partition });
      const topics = ofBroker.get(leader) ?? new Map<string, number[]>();
      topics.set(topic, [...(topics.get(topic) ?? []), partition]);
      ofBroker.set(leader, topics);
    }
  }
  const open = await Promise.all([...ofBroker].map(([broker, topics]) => openOn(broker, topics, producerId)));
  return open.flat();
}

function deploymentOf(name: string): string {
  return name.split('.', 1)[0]!;
}

async function openOn(
  broker: DriverBroker,
  topics: ReadonlyMap<string, readonly number[]>,
  producerId: number,
): Promise<readonly TopicPartition[]> {
  if (!knows(broker, 'DescribeProducers')) return [];
  const parts = [...topics].map(([topic, partitions]) =>
    Buffer.concat([text(topic), varint(partitions.length + 1), ...partitions.map(i32), NO_TAGS]),
  );
  const body = Buffer.concat([NO_TAGS, varint(parts.length + 1), ...parts, NO_TAGS]);
  return (await broker.connectionPool.send(
    requestOf('DescribeProducers', body, (from) => {
      from.skip(4); // throttle time
      return from
        .list(() => {
          const topic = from.text();
          const open = from.list(() => readPartition(topic, producerId, from));
          from.tags();
          return open.flat();
        })
        .flat();
    }),
  )) as readonly TopicPartition[]; // As decoded here.
}

/** A topic that we may not read is not ours. */
function readPartition(topic: string, producerId: number, from: FlexibleBytes): readonly TopicPartition[] {
  const [partition, errorCode] = [from.i32(), from.i16()];
  from.text();
  const open = from.list(() => {
    const id = from.i64();
    from.skip(20); // epoch, last sequence, last time, coordinator's epoch
    const startOffset = from.i64();
    from.tags();
    return id === producerId && startOffset !== NONE;
  });
  from.tags();
  const failure = errorCode === 0 ? undefined : new KafkaAnswerError(errorCode, `the producers of partition ${partition} of '${topic}'`);
  if (failure !== undefined && failureOf(failure) !== 'refused') throw failure;
  return open.includes(true) ? [{ topic, partition }] : [];
}

function knows(broker: DriverBroker, api: 'DescribeProducers' | 'DescribeTransactions'): boolean {
  return broker.versions?.[API_KEYS[api]] !== undefined;
}
