// What must hold of the brokers at the end, whatever was killed: nothing undecided, and each owner after the other.
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { readBatches } from '../../libs/change/changelog.js';
import { KafkaCluster } from '../../libs/log/kafka/cluster.js';
import { callBroker } from '../../libs/log/kafka/driver.js';
import type { Log, TopicPartition } from '../../libs/log/log.js';
import { changesTopic } from '../../libs/pipeline/topics.js';
import { systemClock } from '../../libs/time/clock.js';
import type { Fleet } from './kafka-fleet.js';
import { report, type Findings } from './questions.js';

/** Above the time after which a broker aborts what its writer left open. */
const DECIDED_MS_MAX = 30_000;
const POLL_MS = 200;
const ISOLATION = { all: 0, committed: 1 } as const;
const LATEST = -1;

/** Reports each partition whose end readers cannot reach: a transaction hangs there. Resolves to how many were looked at. */
export async function findHanging({ brokers, deployment }: Fleet, findings: Findings): Promise<number> {
  const partitions = await partitionsOf(brokers, deployment);
  const cluster = new KafkaCluster({ brokers, clientId: 'crash-suite' }, systemClock);
  const deadline = performance.now() + DECIDED_MS_MAX;
  try {
    let hanging = partitions;
    for (;;) {
      const open: TopicPartition[] = [];
      for (const place of hanging)
        if ((await endOf(cluster, place, 'all')) !== (await endOf(cluster, place, 'committed'))) open.push(place);
      hanging = open;
      if (hanging.length === 0 || performance.now() > deadline) break;
      await sleep(POLL_MS);
    }
    for (const { topic, partition } of hanging) report(findings, `a transaction hangs in partition ${partition} of ${topic}`);
    return partitions.length;
  } finally {
    await cluster.close();
  }
}

async function partitionsOf(brokers: readonly string[], deployment: string): Promise<readonly TopicPartition[]> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const names = (await admin.listTopics()).filter((name) => name.startsWith(`${deployment}.`));
    const { topics } = await admin.fetchTopicMetadata({ topics: names });
    return topics.flatMap(({ name, partitions }) => partitions.map(({ partitionId }) => ({ topic: name, partition: partitionId })));
  } finally {
    await admin.disconnect();
  }
}

async function endOf(
  cluster: KafkaCluster,
  { topic, partition }: TopicPartition,
  isolation: keyof typeof ISOLATION,
): Promise<string | undefined> {
  const values = {
    replicaId: -1,
    isolationLevel: ISOLATION[isolation],
    topics: [{ topic, partitions: [{ partition, timestamp: LATEST }] }],
  };
  const { responses } = (await callBroker(await cluster.leader({ topic, partition }), 'ListOffsets', values)) as {
    readonly responses: readonly { readonly partitions: readonly { readonly offset: string }[] }[];
  }; // As kafkajs decodes it.
  return responses[0]?.partitions[0]?.offset;
}

/** Owners of a partition one after another: an epoch never falls, each seq comes once. By partition, the last epoch and seq. */
export async function readHistory(
  log: Log,
  { deployment, partitions }: Pick<Fleet, 'deployment' | 'partitions'>,
  findings: Findings,
): Promise<readonly History[]> {
  const histories: History[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    let last: History = { epoch: 0, seq: 0 };
    for await (const { epoch, seq, prevSeq } of readBatches(log, { topic: changesTopic(deployment), partition }, 1)) {
      if (epoch < last.epoch)
        report(
          findings,
          `partition ${partition}: the owner of epoch ${epoch} has written seq ${seq} after epoch ${last.epoch} had begun (L4)`,
        );
      if (prevSeq !== last.seq || seq !== last.seq + 1)
        report(findings, `partition ${partition}: seq ${seq} follows ${last.seq}, and says that it follows ${prevSeq} (C4)`);
      last = { epoch, seq };
    }
    histories.push(last);
  }
  return histories;
}

/** Where a partition's changelog ends. */
export interface History {
  readonly epoch: number;
  readonly seq: number;
}
