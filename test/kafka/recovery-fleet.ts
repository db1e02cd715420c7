// Aggregators of one process that share a deployment on a real Kafka, and replicas that follow them: quick to start, and
// each step of a takeover is the test's to choose.
import { Kafka, logLevel } from 'kafkajs';
import { Decimal } from '../../libs/definition/decimal.js';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import { openKafkaMembership } from '../../libs/log/kafka/kafka-membership.js';
import { openKafkaOwners } from '../../libs/log/kafka/owners.js';
import type { Log, TopicPartition } from '../../libs/log/log.js';
import { fleetSource, OwnerDirectory } from '../../libs/replica/owner-directory.js';
import { Replica } from '../../libs/replica/replica.js';
import { MemoryReplicaStores, type ReplicaStores } from '../../libs/replica/replica-stores.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Store } from '../../libs/store/store.js';
import { systemClock } from '../../libs/time/clock.js';
import { Aggregator, type AggregatorOptions } from '../../services/aggregator/aggregator.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from '../integration/aggregator-harness.js';
import { unclosed } from '../support/unclosed-store.js';
import { eventually, renamedLog, uniqueName } from './kafka-fixture.js';

/** The least that brokers take. */
const SESSION_MS = 6_000;
const T = 1_700_000_000_000_000;

const orders = dataset('Order', [field('user_id', 'string'), field('at', 'timestamp')], ['user_id']);
const byUser = dataset('ByUser', [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id']);
const build = pipeline('ByUser', ['Order'], {
  aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'n', operator: 'count', windowUs: null }] },
});

/** One partition, so that who owns it is one process. */
export class RecoveryFleet {
  readonly deployment = uniqueName();
  readonly harness: Harness;
  readonly log: Log;
  readonly failures: unknown[] = [];
  /** How often a replica has asked for a snapshot. */
  snapshots = 0;
  sent = 0;
  readonly #kafkaLog: Log;
  readonly #brokers: readonly string[];
  readonly #members = new Map<string, Aggregator>();
  readonly #directory: OwnerDirectory;

  private constructor(brokers: readonly string[], kafkaLog: Log) {
    this.#brokers = brokers;
    this.#kafkaLog = kafkaLog;
    // The harness names its deployment alike in every test; on one broker each needs a name of its own.
    this.log = renamedLog(kafkaLog, (name) => name.replace(new RegExp(`^${DEPLOYMENT}\\.`), `${this.deployment}.`));
    this.harness = new Harness({ log: this.log });
    this.#directory = new OwnerDirectory(openKafkaOwners({ connect: this.#connect, group: this.#group, clock: systemClock }));
  }

  static async open(brokers: readonly string[]): Promise<RecoveryFleet> {
    const fleet = new RecoveryFleet(brokers, await openKafkaLog({ brokers, clientId: 'thyme-test' }));
    await fleet.harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    return fleet;
  }

  get changelog(): TopicPartition {
    return { topic: `${DEPLOYMENT}.changes`, partition: 0 };
  }

  async send(count: number): Promise<void> {
    await this.harness.send(
      'Order',
      Array.from({ length: count }, () => [{ user_id: 'a' }, { eventTimeUs: T + this.sent++ }] as const),
    );
  }

  /** Joins the group under this name; resolves once it has what it is given. */
  async start(name: string, options: Partial<AggregatorOptions> & { readonly store?: Store } = {}): Promise<Aggregator> {
    const ownership = openKafkaMembership({ connect: this.#connect, group: this.#group, partitionCount: 1, sessionMs: SESSION_MS });
    const { store = new MemoryStore(), ...more } = options;
    const aggregator = new Aggregator({
      deployment: DEPLOYMENT,
      partitionCount: 1,
      log: this.log,
      clock: systemClock,
      feed: this.harness.feed,
      functionsOf: () => ({ transform: () => undefined, decimal: Decimal }),
      openStore: async () => unclosed(store),
      onFailure: (_partition, cause) => this.failures.push(cause),
      tickMs: 1,
      heartbeatMs: 20,
      membership: { ownership, address: () => name },
      ...more,
    });
    aggregator.done.catch((cause: unknown) => this.failures.push(cause));
    this.#members.set(name, aggregator);
    await aggregator.start();
    return aggregator;
  }

  async stop(name: string): Promise<void> {
    await this.#members.get(name)?.stop({ graceMs: 10_000 });
    this.#members.delete(name);
  }

  /** Resolves when this owner shows all that was sent. */
  async applied({ views }: Aggregator): Promise<void> {
    const end = await this.log.endOffset({ topic: `${DEPLOYMENT}.Order.v1`, partition: 0 });
    await views.view(0).waitFor(({ positions }) => positions.some(({ nextOffset }) => nextOffset >= end), AbortSignal.timeout(60_000));
  }

  /** What is counted of all that was sent. */
  countOf({ views }: Pick<Aggregator, 'views'>): unknown {
    return this.harness.ask('ByUser.build', ['a'], T + this.sent, { view: (partition) => views.view(partition) }).n;
  }

  /** A replica that finds the owners as a query service does. */
  follow(stores: ReplicaStores): FollowingReplica {
    const sourceAt = (address: string): ReplicationSource => {
      const member = this.#members.get(address);
      if (member === undefined) throw new Error(`${address} has stopped`);
      return {
        subscribe: (...asked) => member.replication.subscribe(...asked),
        snapshot: (...asked) => (this.snapshots++, member.replication.snapshot(...asked)),
      };
    };
    return new FollowingReplica(fleetSource(this.#directory, sourceAt), stores);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members.keys()].map((name) => this.stop(name)));
    await this.#directory.close();
    await this.#kafkaLog.close();
  }

  /** Everything below the offset is gone, as a retention or an operator would have it. */
  async trimChangelog(offset: number): Promise<void> {
    await this.#withAdmin(async (admin) => {
      const topic = `${this.deployment}.changes`;
      await admin.fetchTopicOffsets(topic); // kafkajs deletes from topics only that it has asked about before
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
    });
  }

  /** Without any of its records, as an operator would who takes it for a broken one. */
  async remakeOrders(): Promise<void> {
    await this.#withAdmin((admin) => admin.deleteTopics({ topics: [`${this.deployment}.Order.v1`] }));
    await eventually(async () => (await this.log.partitionCount(`${DEPLOYMENT}.Order.v1`)) === undefined, 'the topic is gone');
    const other = await openKafkaLog(this.#connect); // a log verifies a topic once
    await other.createTopic(`${this.deployment}.Order.v1`, 1);
    await other.close();
  }

  /** Once nobody is a member. */
  async deleteGroup(): Promise<void> {
    await this.#withAdmin(async (admin) => {
      await admin.deleteGroups([this.#group]);
    });
  }

  get #connect() {
    return { brokers: this.#brokers, clientId: 'thyme-test' };
  }

  get #group(): string {
    return `${this.deployment}.agg`;
  }

  async #withAdmin(act: (admin: ReturnType<Kafka['admin']>) => Promise<void>): Promise<void> {
    const admin = new Kafka({ brokers: [...this.#brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      await act(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

/** A replica at work, which can be held still by ending it: its stores stay. */
export class FollowingReplica {
  readonly replica: Replica;
  readonly failures: unknown[] = [];
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(source: ReplicationSource, stores: ReplicaStores) {
    this.replica = new Replica({
      partition: 0,
      source,
      stores,
      clock: systemClock,
      onFailure: (_partition, cause) => this.failures.push(cause),
    });
    this.#running = this.replica.run(this.#stopping.signal);
    this.#running.catch(() => undefined); // `stop` rejects with it
  }

  async reach(seq: number): Promise<void> {
    await this.replica.view.waitFor((applied) => applied.seq >= seq, AbortSignal.timeout(60_000));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }
}

/** Where a replica that has ended finds what it had. */
export class KeptStores extends MemoryReplicaStores {
  override async openCurrent(): Promise<Store> {
    return unclosed(await super.openCurrent());
  }

  override async openFresh(): Promise<Store> {
    return unclosed(await super.openFresh());
  }
}
