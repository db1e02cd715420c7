// A backup from before an erasure (S26): it holds the entity's rows, and what is restored from it shows none of them.
import { join } from 'node:path';
import { expect } from 'chai';
import { Applier } from '../../libs/change/applier.js';
import { digestStore } from '../../libs/change/digest.js';
import { Decimal } from '../../libs/definition/decimal.js';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import type { RewritableLog } from '../../libs/log/log.js';
import { PartitionView } from '../../libs/replica/partition-view.js';
import { FolderReplicaStores } from '../../libs/replica/replica-stores.js';
import type { ReplicaView } from '../../libs/replica/replica-view.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import type { Store } from '../../libs/store/store.js';
import { systemClock } from '../../libs/time/clock.js';
import { Aggregator } from '../../services/aggregator/aggregator.js';
import { ErasureRewriter } from '../../services/aggregator/erasure-rewriter.js';
import { eraseEntities } from '../../services/ingest/erasing.js';
import { restoreSnapshot } from '../../services/store-replica/snapshot-folder.js';
import { StoreReplica } from '../../services/store-replica/store-replica.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from './aggregator-harness.js';

const PARTITIONS = 2;
const T = 1_700_000_000_000_000;
const USERS = ['a', 'b', 'c', 'd'];
const NEVER = new AbortController().signal;
const ORDER = dataset('Order', [field('user', 'string'), field('amount', 'int'), field('at', 'timestamp')], ['user']);
const STATS = dataset('Stats', [field('user', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user']);
const BY_AMOUNT = dataset('ByAmount', [field('amount', 'int'), field('n', 'int'), field('at', 'timestamp')], ['amount']);
const COUNT = [{ field: 'n', operator: 'count', windowUs: null }] as const;
const PIPELINES = [
  pipeline('Stats', ['Order'], { aggregate: { groupBy: ['user'], aggregations: COUNT } }),
  pipeline('ByAmount', ['Order'], { aggregate: { groupBy: ['amount'], aggregations: COUNT } }),
];

type Views = (partition: number) => ReplicaView;

describe('a backup from before an erasure (S26)', () => {
  let log: RewritableLog;
  let logStore: Store;
  let harness: Harness;
  let aggregator: Aggregator;
  let folder: string;

  beforeEach(async () => {
    folder = temporaryFolder();
    logStore = await openLevelStore(join(folder, 'log'));
    log = await openLevelLog(logStore);
    harness = new Harness({ partitionCount: PARTITIONS, log });
    aggregator = new Aggregator({
      deployment: DEPLOYMENT,
      partitionCount: PARTITIONS,
      log,
      clock: systemClock,
      feed: harness.feed,
      functionsOf: () => ({ transform: () => undefined, decimal: Decimal }),
      openStore: async (partition) => openLevelStore(join(folder, `owner-${partition}`)),
      onFailure: () => undefined,
      tickMs: 1,
      heartbeatMs: 5,
    });
    await harness.commit({ datasets: [ORDER, STATS, BY_AMOUNT], pipelines: PIPELINES });
    await aggregator.start();
    for (const user of [...USERS, ...USERS]) await push(user);
  });

  afterEach(async () => {
    await aggregator.stop({ graceMs: 5_000 });
    await log.close();
    await logStore.close();
  });

  async function push(user: string): Promise<void> {
    await harness.send('Order', [[{ user, amount: 7 }, { eventTimeUs: T }]]);
  }

  /** Until everything that is in the dataset's topic is in the state, also in partitions that it was passed on to. */
  async function applied(): Promise<void> {
    for (const { view } of aggregator.owners)
      for (let source = 0; source < PARTITIONS; source++) {
        const end = await log.endOffset({ topic: `${DEPLOYMENT}.Order.v1`, partition: source });
        const isThere = (nextOffset: number, partition: number): boolean => partition !== source || nextOffset >= end;
        await view.waitFor(
          ({ positions }) => positions.every(({ nextOffset, partition }) => isThere(nextOffset, partition)),
          AbortSignal.timeout(20_000),
        );
      }
  }

  function standbyOf(name: string): StoreReplica {
    return new StoreReplica({
      partitionCount: PARTITIONS,
      source: aggregator.replication,
      storesOf: (partition) => new FolderReplicaStores(join(folder, name, `p${partition}`)),
      clock: systemClock,
      onFailure: () => undefined,
    });
  }

  function answers(view: Views): readonly unknown[] {
    const stats = USERS.map((user) => harness.ask('Stats.build', [user], T, { view }).n);
    return [...stats, harness.ask('ByAmount.build', [7], T, { view }).n];
  }

  async function restore(name: string): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const stores = new FolderReplicaStores(join(folder, name, `p${partition}`));
      await (await stores.openCurrent()).close();
      await restoreSnapshot(join(folder, `backup-${partition}`), stores, NEVER);
    }
  }

  async function erase(user: string): Promise<void> {
    const { revision } = harness;
    if (revision === undefined) throw new Error('nothing is committed');
    await eraseEntities({ log, deployment: DEPLOYMENT, nowUs: () => systemClock.nowUs() }, { dataset: ORDER, revision, entities: [user] });
    await applied();
  }

  async function rewrite(): Promise<number> {
    const rewriter = new ErasureRewriter({
      log,
      deployment: DEPLOYMENT,
      clock: systemClock,
      eraseWithinUs: 0,
      owners: () => aggregator.owners,
      revision: () => harness.revision,
      removeAside: () => Promise.resolve(),
      onFailure: () => undefined,
    });
    return rewriter.rewrite(Number.POSITIVE_INFINITY);
  }

  for (const isRewritten of [false, true]) {
    it(`brings no row back when it is restored, with the changelog ${isRewritten ? 'rewritten' : 'as it was'}`, async () => {
      await applied();
      const standby = standbyOf('standby');
      await standby.start();
      for (let partition = 0; partition < PARTITIONS; partition++)
        await standby.backUp(partition, join(folder, `backup-${partition}`), NEVER);
      await standby.stop({ graceMs: 5_000 });
      await erase('b');
      await push('b');
      await applied();
      if (isRewritten) expect(await rewrite()).to.equal(1);

      await restore('restored');
      const old = await Promise.all(
        Array.from({ length: PARTITIONS }, async (_, partition) => {
          const view = new PartitionView(partition, () => 0);
          const store = await new FolderReplicaStores(join(folder, 'restored', `p${partition}`)).openCurrent();
          view.attach(await Applier.open(store));
          return { view, store };
        }),
      );
      expect(answers((partition) => old[partition]!.view)).to.deep.equal([2, 2, 2, 2, 8]); // the backup itself has them
      for (const { store } of old) await store.close();

      const restored = standbyOf('restored');
      await restored.start();
      expect(answers((partition) => restored.views.view(partition))).to.deep.equal([2, 1, 2, 2, 7]);
      for (const { view, store } of aggregator.owners) {
        await restored.views.view(view.partition).waitFor(({ seq }) => seq >= (view.applied()?.seq ?? 0), AbortSignal.timeout(20_000));
        if (store === undefined) throw new Error('the owner has no store');
        expect(await restored.replicaOf(view.partition).digest(), `partition ${view.partition}`).to.deep.equal(await digestStore(store));
      }
      await restored.stop({ graceMs: 5_000 });
    });
  }
});
