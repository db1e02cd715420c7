import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { digestStore } from '../../libs/change/digest.js';
import { Decimal } from '../../libs/definition/decimal.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { Replica } from '../../libs/replica/replica.js';
import { MemoryReplicaStores, type ReplicaStores } from '../../libs/replica/replica-stores.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { systemClock } from '../../libs/time/clock.js';
import { Aggregator, type AggregatorOptions } from '../../services/aggregator/aggregator.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from './aggregator-harness.js';

export const T = 1_700_000_000_000_000;
export const PARTITIONS = 2;

const orders = dataset('Order', [field('user_id', 'string'), field('amount', 'float'), field('at', 'timestamp')], ['user_id']);
const byUser = dataset(
  'ByUser',
  [field('user_id', 'string'), field('n', 'int'), field('total', 'float'), field('at', 'timestamp')],
  ['user_id'],
);
const build = pipeline('ByUser', ['Order'], {
  aggregate: {
    groupBy: ['user_id'],
    aggregations: [
      { field: 'n', operator: 'count', windowUs: null },
      { field: 'total', operator: 'sum', of: 'amount', windowUs: null },
    ],
  },
});

/** An aggregator at work, and the means to send to it; the harness's own tasks stay unused. */
export class Running {
  readonly harness = new Harness({ partitionCount: PARTITIONS, log: new MemoryLog() });
  readonly aggregator: Aggregator;
  readonly #replicas: { readonly stop: AbortController; readonly ended: Promise<void> }[] = [];
  readonly failures: unknown[] = [];
  sent = 0;

  constructor(options: Partial<AggregatorOptions> = {}) {
    const { log, feed } = this.harness;
    this.aggregator = new Aggregator({
      deployment: DEPLOYMENT,
      partitionCount: PARTITIONS,
      log,
      clock: systemClock,
      feed,
      functionsOf: () => ({ transform: () => undefined, decimal: Decimal }),
      openStore: async () => new MemoryStore(),
      onFailure: (_partition, cause) => this.failures.push(cause),
      tickMs: 1,
      heartbeatMs: 5,
      ...options,
    });
  }

  async start(): Promise<void> {
    await this.harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    await this.aggregator.start();
  }

  async send(count: number, users = 7): Promise<void> {
    const records = Array.from(
      { length: count },
      (_, i) => [{ user_id: `u${(this.sent + i) % users}`, amount: 1 }, { eventTimeUs: T + this.sent + i }] as const,
    );
    await this.harness.send('Order', records);
    this.sent += count;
  }

  /** Until the owner has applied everything that was sent. */
  async applied(): Promise<void> {
    for (const { view } of this.aggregator.owners) {
      const end = await this.harness.log.endOffset({ topic: `${DEPLOYMENT}.Order.v1`, partition: view.partition });
      await view.waitFor((commit) => commit.positions.some(({ nextOffset }) => nextOffset >= end), AbortSignal.timeout(5_000));
    }
  }

  replica(
    partition: number,
    {
      source = this.aggregator.replication,
      stores = new MemoryReplicaStores(),
    }: { readonly source?: ReplicationSource; readonly stores?: ReplicaStores } = {},
  ): Replica {
    const replica = new Replica({
      partition,
      source,
      stores,
      clock: systemClock,
      onFailure: (_partition, cause) => this.failures.push(cause),
    });
    const stop = new AbortController();
    this.#replicas.push({ stop, ended: replica.run(stop.signal) });
    return replica;
  }

  seq(partition: number): number {
    return this.aggregator.owners[partition]?.view.applied()?.seq ?? 0;
  }

  async expectEqual(replica: Replica, partition: number): Promise<void> {
    await replica.view.waitFor((commit) => commit.seq >= this.seq(partition), AbortSignal.timeout(5_000));
    const owner = this.aggregator.owners[partition];
    const store = owner?.store;
    if (store === undefined) throw new Error('the owner has no store');
    expect(await replica.digest()).to.deep.equal(await digestStore(store));
  }

  async stopReplicas(): Promise<void> {
    for (const { stop, ended } of this.#replicas.splice(0)) {
      stop.abort();
      await ended;
    }
  }

  async stop(): Promise<void> {
    await this.stopReplicas();
    await this.aggregator.stop({ graceMs: 5_000 });
  }
}

/** Waits, turn by turn of the event loop, for at most five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(5_000);
  while (!condition()) await setImmediate(undefined, { signal: deadline });
}
