import { expect } from 'chai';
import { encodeBatch } from '../../libs/change/batch-codec.js';
import { Decimal } from '../../libs/definition/decimal.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { remoteSource } from '../../libs/replica/remote-source.js';
import { FolderReplicaStores } from '../../libs/replica/replica-stores.js';
import type { ReplicationSource, StreamMessage } from '../../libs/replica/replication-source.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Store } from '../../libs/store/store.js';
import { systemClock } from '../../libs/time/clock.js';
import { Aggregator, type AggregatorOptions } from '../../services/aggregator/aggregator.js';
import { replicationHandlers } from '../../services/aggregator/replication.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { DEPLOYMENT } from './aggregator-harness.js';
import { PARTITIONS, Running, T } from './replica-fixture.js';

describe('replica', () => {
  let running: Running;
  async function start(options: Partial<AggregatorOptions> = {}): Promise<Running> {
    running = new Running(options);
    await running.start();
    return running;
  }

  afterEach(() => running.stop());

  it('has the same bytes as its owner at the same seq (C2), and reads whole ticks (S15)', async () => {
    const { harness } = await start();
    const replicas = [running.replica(0), running.replica(1)];
    for (let round = 0; round < 20; round++) await running.send(50);
    await running.applied();
    for (const [partition, replica] of replicas.entries()) await running.expectEqual(replica, partition);
    const view = (partition: number) => replicas[partition]?.view ?? running.aggregator.views.view(partition);
    const asked = [0, 1, 2, 3, 4, 5, 6].map((user) => harness.ask('ByUser.build', [`u${user}`], 2 * T, { view }));
    expect(asked.reduce((sum, { n }) => sum + Number(n), 0)).to.equal(1_000);
    expect(view(0).isReady(1)).to.equal(true);
    expect(
      view(0)
        .revisions()
        .map(({ number }) => number),
    ).to.deep.equal([1]);
    expect(view(0).lagUs()).to.be.within(0, 1e6);
  });

  it('follows over the messages of ReplicationService as it does in the process', async () => {
    await start();
    const replica = running.replica(0, { source: remoteSource(replicationHandlers(running.aggregator.replication)) });
    await running.send(100);
    await running.applied();
    await running.expectEqual(replica, 0);
  });

  it('comes back from its own store, and asks only for what it lacks', async () => {
    await start();
    const folder = temporaryFolder();
    const asked: number[] = [];
    const { replication } = running.aggregator;
    const source: ReplicationSource = {
      ...replication,
      subscribe: (partition, position, signal) => {
        asked.push(position.fromSeq);
        return replication.subscribe(partition, position, signal);
      },
    };
    const first = running.replica(0, { stores: new FolderReplicaStores(folder), source });
    await running.send(100);
    await running.applied();
    await running.expectEqual(first, 0);
    await running.stopReplicas();
    const seq = running.seq(0);
    await running.send(100);
    await running.applied();
    const second = running.replica(0, { stores: new FolderReplicaStores(folder), source });
    await running.expectEqual(second, 0);
    expect(asked).to.deep.equal([1, seq]);
  });

  it('drops repeats, and asks again for what a gap left out (C4)', async () => {
    await start();
    const { replication } = running.aggregator;
    let subscriptions = 0;
    async function* unreliable(messages: AsyncIterable<StreamMessage>, nth: number): AsyncGenerator<StreamMessage> {
      let batches = 0;
      for await (const message of messages) {
        if (message.kind === 'batch' && nth === 1 && ++batches === 4) continue; // lost
        yield message;
        if (message.kind === 'batch') yield message; // twice
      }
    }
    const source: ReplicationSource = {
      ...replication,
      subscribe: (partition, position, signal) => unreliable(replication.subscribe(partition, position, signal), ++subscriptions),
    };
    for (let round = 0; round < 10; round++) {
      await running.send(10);
      await running.applied();
    }
    const replica = running.replica(0, { source });
    await running.expectEqual(replica, 0);
    expect(subscriptions).to.equal(2);
  });

  it('does not apply what an owner of a lower epoch sends', async () => {
    await start();
    await running.send(10);
    await running.applied();
    const { replication } = running.aggregator;
    let forged = 0;
    async function* zombie(messages: AsyncIterable<StreamMessage>): AsyncGenerator<StreamMessage> {
      for await (const message of messages) {
        yield message;
        if (message.kind !== 'heartbeat' || forged > 0) continue;
        forged++;
        const { headSeq } = message;
        yield {
          kind: 'batch',
          batch: encodeBatch([], {
            epoch: 0,
            seq: headSeq + 1,
            prevSeq: headSeq,
            revision: 1,
            clockUs: 0,
            positions: [],
            cursors: [],
            hops: [],
            counters: [],
          }),
        };
      }
    }
    const source: ReplicationSource = {
      ...replication,
      subscribe: (partition, position, signal) => zombie(replication.subscribe(partition, position, signal)),
    };
    const replica = running.replica(0, { source });
    await running.expectEqual(replica, 0);
    await running.send(30);
    await running.applied();
    await running.expectEqual(replica, 0);
    expect(forged).to.equal(1);
    expect(running.failures.some((cause) => cause instanceof ThymeError && cause.code === 'THYME_STALE_OWNER')).to.equal(true);
  });

  it('an owner refuses a replica that knows a later one', async () => {
    await start();
    const messages = running.aggregator.replication.subscribe(0, { epoch: 99, fromSeq: 1 }, AbortSignal.timeout(1_000));
    const error = await collect(messages).catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(ThymeError).with.property('code', 'THYME_STALE_OWNER');
  });

  it('a slow subscriber falls back to the changelog, and slows nobody', async () => {
    await start({ recentBytesMax: 1 });
    const messages = running.aggregator.replication
      .subscribe(0, { epoch: 0, fromSeq: 1 }, AbortSignal.timeout(5_000))
      [Symbol.asyncIterator]();
    const first = await messages.next();
    for (let round = 0; round < 10; round++) {
      await running.send(10);
      await running.applied();
    }
    const seqs: number[] = [seqOf(first.value)];
    while ((seqs.at(-1) ?? 0) < running.seq(0)) {
      const { value } = await messages.next();
      if (isBatch(value)) seqs.push(seqOf(value));
    }
    await messages.return?.();
    expect(seqs).to.deep.equal(Array.from({ length: running.seq(0) }, (_, i) => i + 1));
  });

  it('goes on with the next owner, whose epoch is higher', async () => {
    const stores: Store[] = await Promise.all([0, 1].map(() => openLevelStore(temporaryFolder())));
    const keep = (store: Store | undefined): Store => {
      if (store === undefined) throw new Error('no such store');
      return {
        get: (key) => store.get(key),
        snapshot: () => store.snapshot(),
        batch: () => store.batch(),
        entries: (range) => store.entries(range),
        close: async () => undefined,
      };
    };
    await start({ openStore: async (partition) => keep(stores[partition]) });
    await running.send(50);
    await running.applied();
    const { log, feed } = running.harness;
    const current = { source: running.aggregator.replication };
    const source: ReplicationSource = {
      subscribe: (...given) => current.source.subscribe(...given),
      snapshot: (...given) => current.source.snapshot(...given),
    };
    const replica = running.replica(0, { source });
    await running.expectEqual(replica, 0);
    const next = new Aggregator({
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
    });
    await next.start();
    await running.send(50);
    await expectRejection(running.aggregator.done, 'THYME_FENCED');
    current.source = next.replication;
    await replica.view.waitFor(
      (commit) => commit.epoch === 2 && commit.positions.some(({ nextOffset }) => nextOffset > 0),
      AbortSignal.timeout(5_000),
    );
    const owner = next.owners[0]?.view;
    await replica.view.waitFor((commit) => commit.seq >= (owner?.applied()?.seq ?? 0), AbortSignal.timeout(5_000));
    expect(replica.view.applied()).to.deep.equal(owner?.applied());
    await next.stop({ graceMs: 1_000 });
    await Promise.all(stores.map((store) => store.close()));
  });
});

async function collect(messages: AsyncIterable<StreamMessage>): Promise<StreamMessage[]> {
  const all: StreamMessage[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

async function expectRejection(promise: Promise<void>, code: string): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).to.be.instanceOf(ThymeError).with.property('code', code);
}

function isBatch(message: StreamMessage | undefined): boolean {
  return message?.kind === 'batch';
}

function seqOf(message: StreamMessage | undefined): number {
  return message?.kind === 'batch' ? message.batch.seq : 0;
}
