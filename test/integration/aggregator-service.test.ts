// The whole service on the embedded log and store, through restarts and failures.

import { join } from 'node:path';
import { expect } from 'chai';
import { Decimal } from '../../libs/definition/decimal.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { openLevelLog } from '../../libs/log/level/level-log.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import type { Log } from '../../libs/log/log.js';
import { FolderReplicaStores, MemoryReplicaStores } from '../../libs/replica/replica-stores.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Store } from '../../libs/store/store.js';
import { systemClock } from '../../libs/time/clock.js';
import { Aggregator, type AggregatorOptions } from '../../services/aggregator/aggregator.js';
import { PartitionOwner } from '../../services/aggregator/partition-owner.js';
import { jobHandlers } from '../../services/aggregator/job-handlers.js';
import { restoreSnapshot } from '../../services/store-replica/snapshot-folder.js';
import { stateHandlers } from '../../services/store-replica/state-handlers.js';
import { StoreReplica } from '../../services/store-replica/store-replica.js';
import { COMMIT_KEY } from '../../libs/change/state-keys.js';
import { decodeCommit } from '../../libs/change/commit-codec.js';
import { unclosed } from '../support/unclosed-store.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from './aggregator-harness.js';
import { FaultyLog } from './faulty-log.js';

const T = 1_700_000_000_000_000;
const PARTITIONS = 2;
const NO_ONE = { signal: new AbortController().signal };

const orders = dataset('Order', [field('user_id', 'string'), field('amount', 'float'), field('at', 'timestamp')], ['user_id']);
const byUser = dataset('ByUser', [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id']);
const build = pipeline('ByUser', ['Order'], {
  aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'n', operator: 'count', windowUs: null }] },
});

function aggregatorOf({ log, feed }: Harness, options: Partial<AggregatorOptions>): Aggregator {
  return new Aggregator({
    deployment: DEPLOYMENT,
    partitionCount: PARTITIONS,
    log,
    clock: systemClock,
    feed,
    functionsOf: () => ({ transform: () => undefined, decimal: Decimal }),
    openStore: async () => new MemoryStore(),
    onFailure: () => undefined,
    tickMs: 1,
    heartbeatMs: 5,
    ...options,
  });
}

async function applied({ log }: Harness, aggregator: Aggregator): Promise<void> {
  for (const { view } of aggregator.owners) {
    const end = await log.endOffset({ topic: `${DEPLOYMENT}.Order.v1`, partition: view.partition });
    await view.waitFor((commit) => commit.positions.some(({ nextOffset }) => nextOffset >= end), AbortSignal.timeout(5_000));
  }
}

async function sendOne(harness: Harness, user: string): Promise<void> {
  await harness.send('Order', [[{ user_id: user, amount: 1 }, { eventTimeUs: T }]]);
}

function countsOf(harness: Harness, aggregator: Aggregator): unknown[] {
  return ['a', 'b', 'c', 'd'].map(
    (user) => harness.ask('ByUser.build', [user], T, { view: (partition) => aggregator.views.view(partition) }).n,
  );
}

describe('aggregator service', () => {
  it('goes on where it was, after a restart of log and store on disk (S13, S14)', async () => {
    const folder = temporaryFolder();
    let logStore = await openLevelStore(join(folder, 'log'));
    let log: Log = await openLevelLog(logStore);
    let harness = new Harness({ partitionCount: PARTITIONS, log });
    const openStore = (partition: number): Promise<Store> => openLevelStore(join(folder, `state-${partition}`));
    let aggregator = aggregatorOf(harness, { openStore });
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    await aggregator.start();
    for (const user of ['a', 'b', 'c', 'd', 'a']) await sendOne(harness, user);
    await applied(harness, aggregator);
    const { revision } = harness;
    await aggregator.stop({ graceMs: 5_000 });
    await log.close();
    await logStore.close();

    logStore = await openLevelStore(join(folder, 'log'));
    log = await openLevelLog(logStore);
    harness = new Harness({ partitionCount: PARTITIONS, log });
    harness.revision = revision; // adopted long ago: the state itself knows it
    aggregator = aggregatorOf(harness, { openStore });
    await aggregator.start();
    expect(countsOf(harness, aggregator)).to.deep.equal([2, 1, 1, 1]);
    await sendOne(harness, 'b');
    await applied(harness, aggregator);
    expect(countsOf(harness, aggregator)).to.deep.equal([2, 2, 1, 1]);
    expect(aggregator.owners.map((owner) => owner.view.applied()?.epoch)).to.deep.equal([2, 2]);
    await aggregator.stop({ graceMs: 5_000 });
    await log.close();
    await logStore.close();
  });

  it('acquires again after every kind of failure of the log, and loses nothing', async () => {
    const log = new FaultyLog(new MemoryLog());
    const harness = new Harness({ partitionCount: PARTITIONS, log });
    const failures: unknown[] = [];
    const aggregator = aggregatorOf(harness, {
      openStore: async () => new MemoryStore(), // one that was closed is gone: the changelog has it
      onFailure: (_partition, cause) => failures.push(cause),
    });
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    await aggregator.start();
    for (const fault of ['beforeCommit', 'afterCommit', 'read'] as const) {
      log.next = fault;
      for (const user of ['a', 'b', 'c', 'd']) await sendOne(harness, user);
      await applied(harness, aggregator);
    }
    expect(countsOf(harness, aggregator)).to.deep.equal([3, 3, 3, 3]);
    expect(failures).to.have.length(3);
    expect(log.struck).to.equal(3);
    await aggregator.stop({ graceMs: 5_000 });
  });

  it('does not wait for a replay when it is stopped; what was replayed is whole, and the next one goes on from it', async () => {
    const harness = new Harness({ partitionCount: 1 });
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    for (const user of ['a', 'b', 'c']) {
      await sendOne(harness, user);
      await harness.settle();
    }
    const store = new MemoryStore();
    const stopping = new AbortController();
    const failures: unknown[] = [];
    const replaying = (): PartitionOwner =>
      new PartitionOwner({
        environment: harness.environment(0),
        openStore: async () => unclosed(store),
        tickMs: 1,
        heartbeatMs: 5,
        recentBytesMax: 1_000_000,
        onFailure: (_, cause) => failures.push(cause),
      });
    const owner = replaying();
    const push = owner.stream.push.bind(owner.stream);
    owner.stream.push = (batch) => {
      push(batch);
      stopping.abort();
    };
    await owner.run(stopping.signal);
    expect(decodeCommit(store.get(COMMIT_KEY) ?? new Uint8Array()).seq).to.equal(1);
    const [next, ending] = [replaying(), new AbortController()];
    const running = next.run(ending.signal);
    await next.acquired;
    expect(harness.ask('ByUser.build', ['c'], T, { view: () => next.view }).n).to.equal(1);
    ending.abort();
    await running;
    expect(failures).to.deep.equal([]);
  });

  it('opens the store again when the store itself has failed', async () => {
    const harness = new Harness({ partitionCount: PARTITIONS });
    let opened = 0;
    let fails = false;
    const openStore = async (): Promise<Store> => {
      opened++;
      const store = new MemoryStore();
      return {
        get: (key) => store.get(key),
        snapshot: () => store.snapshot(),
        entries: (range) => store.entries(range),
        close: () => store.close(),
        batch: () => {
          if (fails) {
            fails = false;
            throw new ThymeError('THYME_STORE_FAILED', 'UNAVAILABLE', 'the disk is gone');
          }
          return store.batch();
        },
      };
    };
    const aggregator = aggregatorOf(harness, { openStore });
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    await aggregator.start();
    for (const user of ['a', 'b', 'c', 'd']) await sendOne(harness, user);
    await applied(harness, aggregator);
    fails = true;
    for (const user of ['a', 'b', 'c', 'd']) await sendOne(harness, user);
    await applied(harness, aggregator);
    expect(countsOf(harness, aggregator)).to.deep.equal([2, 2, 2, 2]);
    expect(opened).to.equal(PARTITIONS + 1);
    await aggregator.stop({ graceMs: 5_000 });
  });

  it('ends when another has taken a partition over (A3)', async () => {
    const harness = new Harness({ partitionCount: PARTITIONS });
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    const first = aggregatorOf(harness, {});
    await first.start();
    const second = aggregatorOf(harness, {});
    await second.start();
    for (const user of ['a', 'b', 'c', 'd']) await sendOne(harness, user);
    const error = await first.done.then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(error).to.be.instanceOf(ThymeError).with.property('code', 'THYME_FENCED');
    await applied(harness, second);
    expect(countsOf(harness, second)).to.deep.equal([1, 1, 1, 1]);
    await second.stop({ graceMs: 5_000 });
  });

  it('lists its jobs, whose books close', async () => {
    const harness = new Harness({ partitionCount: PARTITIONS });
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    const aggregator = aggregatorOf(harness, {});
    await aggregator.start();
    for (const user of ['a', 'b', 'c', 'd', 'e']) await sendOne(harness, user);
    await applied(harness, aggregator);
    const { tasks } = await jobHandlers(aggregator, harness.log).listJobs({ $typeName: 'thyme.v1.ListJobsRequest' }, NO_ONE);
    const jobs = tasks.flatMap((task) => task.jobs);
    expect(jobs.map(({ name, lag, caughtUp, paused }) => ({ name, lag, caughtUp, paused }))).to.deep.equal(
      [0, 1].map(() => ({ name: 'ByUser.build', lag: 0n, caughtUp: true, paused: false })),
    );
    expect(jobs.reduce((sum, { applied: count }) => sum + count, 0n)).to.equal(5n);
    for (const job of jobs) expect(job.read).to.equal(job.applied + job.filtered + job.lateDropped + job.duplicate + job.dead);
    await aggregator.stop({ graceMs: 5_000 });
  });
});

describe('store replica', () => {
  it('answers raw reads, scans and digests; a snapshot folder restores to the same digest', async () => {
    const harness = new Harness({ partitionCount: PARTITIONS });
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    const aggregator = aggregatorOf(harness, {});
    await aggregator.start();
    for (const user of ['a', 'b', 'c', 'd', 'e']) await sendOne(harness, user);
    await applied(harness, aggregator);
    const standby = new StoreReplica({
      partitionCount: PARTITIONS,
      source: aggregator.replication,
      storesOf: () => new MemoryReplicaStores(),
      clock: systemClock,
      onFailure: () => undefined,
    });
    await standby.start();
    expect(countsOf(harness, aggregator)).to.deep.equal(
      ['a', 'b', 'c', 'd'].map((user) => harness.ask('ByUser.build', [user], T, { view: (partition) => standby.views.view(partition) }).n),
    );

    const handlers = stateHandlers(standby.replicas);
    const { value } = await handlers.get({ $typeName: 'thyme.v1.StateServiceGetRequest', partition: 0, key: COMMIT_KEY }, NO_ONE);
    expect(decodeCommit(value ?? new Uint8Array()).seq).to.equal(standby.views.view(0).applied()?.seq);
    const keys: Uint8Array[] = [];
    for await (const { key } of handlers.scan(
      { $typeName: 'thyme.v1.ScanRequest', partition: 0, from: new Uint8Array(), limit: 3 },
      NO_ONE,
    ))
      keys.push(key);
    expect(keys).to.have.length(3);
    const digest = await handlers.digest({ $typeName: 'thyme.v1.DigestRequest', partition: 0 }, NO_ONE);

    const folder = temporaryFolder();
    const manifest = await standby.backUp(0, join(folder, 'backup'), NO_ONE.signal);
    expect(manifest).to.include({ partition: 0, seq: Number(digest.seq), sha256: Buffer.from(digest.sha256).toString('hex') });
    const stores = new FolderReplicaStores(join(folder, 'restored'));
    await (await stores.openCurrent()).close();
    await restoreSnapshot(join(folder, 'backup'), stores, NO_ONE.signal);
    const restored = await stores.openCurrent();
    expect(restored.get(COMMIT_KEY)).to.deep.equal(value);
    await restored.close();
    await standby.stop({ graceMs: 5_000 });
    await aggregator.stop({ graceMs: 5_000 });
  });
});
