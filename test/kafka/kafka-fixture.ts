import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'mocha';
import { KAFKA_VERSIONS, whyNoKafka } from '../../infra/kafka/kafka-jars.js';
import { startKafka, type KafkaCluster } from '../../infra/kafka/kafka.js';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import type { Log, TopicPartition } from '../../libs/log/log.js';

/** `THYME_KAFKA_VERSION=3.9.1` for the older broker; `THYME_KAFKA=host:port` for one that runs already. */
const version = KAFKA_VERSIONS.find((known) => known === process.env['THYME_KAFKA_VERSION']) ?? '4.3.1';

interface FixtureOptions {
  readonly brokers?: number;
  /** The suite ends or holds brokers, so they must be its own. */
  readonly own?: boolean;
  readonly secured?: boolean;
  readonly proxied?: boolean;
}

/** A broker of its own for the suite that calls this; where there can be none, CI fails and others skip loudly. */
export function useKafka(options: FixtureOptions = {}): () => KafkaCluster {
  let kafka: KafkaCluster | undefined;
  before(async function () {
    this.timeout(400_000);
    kafka = await startOrSkip(this, options);
  });
  after(async function () {
    this.timeout(60_000);
    await kafka?.stop();
  });
  return () => {
    if (kafka === undefined) throw new Error('the broker is started in before()');
    return kafka;
  };
}

async function startOrSkip(
  context: Context,
  { brokers = 1, own = false, secured = false, proxied = false }: FixtureOptions,
): Promise<KafkaCluster> {
  const given = process.env['THYME_KAFKA'];
  if (given !== undefined && !own && !secured && !proxied) return runningCluster(given.split(','));
  const reason = await whyNoKafka(version);
  if (reason !== undefined) {
    if (process.env['CI'] === 'true') throw new Error(reason);
    process.stderr.write(`\n  SKIPPED, nothing was tested on Kafka: ${reason}\n\n`);
    return context.skip();
  }
  return startKafka({ version, brokers, secured, proxied });
}

function runningCluster(brokers: readonly string[]): KafkaCluster {
  const refuse = (): never => {
    throw new Error("this broker is not the test's own");
  };
  return { brokers, kill: refuse, restart: refuse, pause: refuse, resume: refuse, stop: async () => undefined };
}

let prefixes = 0;

/** A name that no other test has: topics and transactional ids outlive the log that made them. */
export function uniqueName(): string {
  return `t${process.pid}-${prefixes++}`;
}

/** The log with every valid topic and id under a name of its own, as a deployment has. */
export async function openPrefixedLog(brokers: readonly string[], prefix: string): Promise<Log> {
  const log = await openKafkaLog({ brokers, clientId: 'thyme-test' });
  return renamedLog(log, (plain) => (/^[A-Za-z0-9_-]{1,100}$/.test(plain) ? `${prefix}.${plain}` : plain));
}

/** The log under other names of its topics and ids. */
export function renamedLog(log: Log, name: (plain: string) => string): Log {
  const at = ({ topic, partition }: TopicPartition): TopicPartition => ({ topic: name(topic), partition });
  return {
    createTopic: (topic, partitions) => log.createTopic(name(topic), partitions),
    partitionCount: (topic) => log.partitionCount(name(topic)),
    append: (target, records) => log.append(at(target), records),
    read: (source, offset, limits) => log.read(at(source), offset, limits),
    endOffset: (source) => log.endOffset(at(source)),
    waitFor: (source, offset, signal) => log.waitFor(at(source), offset, signal),
    async writer(id) {
      const writer = await log.writer(name(id));
      return {
        epoch: writer.epoch,
        close: () => writer.close(),
        commit: (parts) => writer.commit(parts.map(({ target, records }) => ({ target: at(target), records }))),
      };
    },
    close: () => log.close(),
  };
}

/** All committed values of a partition, read in small steps. */
export async function valuesOf(log: Log, source: TopicPartition, limits = { recordsMax: 500, bytesMax: 100_000 }): Promise<string[]> {
  const end = await log.endOffset(source);
  const values: string[] = [];
  for (let offset = 0; offset < end;) {
    const { records, nextOffset } = await log.read(source, offset, limits);
    values.push(...records.map(({ value }) => Buffer.from(value).toString()));
    if (nextOffset === offset) throw new Error(`a read at ${offset}, before the end at ${end}, stands still`);
    offset = nextOffset;
  }
  return values;
}

const EVENTUALLY_MS_MAX = 60_000;
const POLL_MS = 20;

/** Resolves once the condition holds; rejects with what was waited for when it does not in time. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + EVENTUALLY_MS_MAX;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`this did not come true: ${what}`);
    await sleep(POLL_MS);
  }
}
