import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { encodeBatch } from '../../libs/change/batch-codec.js';
import { changesTrimmed } from '../../libs/change/changelog.js';
import { Applier } from '../../libs/change/applier.js';
import { applyBatch } from '../../libs/change/apply-batch.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { FolderReplicaStores, MemoryReplicaStores } from '../../libs/replica/replica-stores.js';
import type { ReplicationSource } from '../../libs/replica/replication-source.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Store } from '../../libs/store/store.js';
import { type AggregatorOptions } from '../../services/aggregator/aggregator.js';
import { damageFiles } from '../support/damage-files.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { Running, until } from './replica-fixture.js';

describe('replica that is built anew', () => {
  let running: Running;
  async function start(options: Partial<AggregatorOptions> = {}): Promise<Running> {
    running = new Running(options);
    await running.start();
    return running;
  }

  afterEach(() => running.stop());

  it('is built anew when it contradicts the stream, and reads go on meanwhile', async () => {
    await start();
    await running.send(100);
    await running.applied();
    const folder = temporaryFolder();
    const stores = new FolderReplicaStores(folder);
    const wrong = await Applier.open(await stores.openCurrent());
    for (let seq = 1; seq <= running.seq(0); seq++) {
      await applyBatch(
        wrong,
        encodeBatch([], { epoch: 1, seq, prevSeq: seq - 1, revision: 0, clockUs: 77, positions: [], cursors: [], hops: [], counters: [] }),
      );
    }
    await wrong.store.close();
    const replica = running.replica(0, { stores: new FolderReplicaStores(folder) });
    await replica.view.waitFor((commit) => commit.clockUs !== 77, AbortSignal.timeout(5_000));
    await running.expectEqual(replica, 0);
    expect(running.failures.some((cause) => cause instanceof ThymeError && cause.code === 'THYME_REPLICA_DIVERGED')).to.equal(true);
  });

  for (const [what, files] of [
    ['a table', /\.ldb$/],
    ['the manifest', /^MANIFEST-/],
  ] as const) {
    it(`is built anew when the disk has damaged ${what} of its store (R3)`, async () => {
      await start();
      await running.send(500, 100);
      await running.applied();
      const folder = temporaryFolder();
      await running.expectEqual(running.replica(0, { stores: new FolderReplicaStores(folder) }), 0);
      await running.stopReplicas();
      await (await new FolderReplicaStores(folder).openCurrent()).close(); // what was in LevelDB's log is a table now
      damageFiles(join(folder, 'store-1'), files);
      await running.expectEqual(running.replica(0, { stores: new FolderReplicaStores(folder) }), 0);
      expect(running.failures.map((cause) => cause instanceof ThymeError && cause.code)).to.deep.equal(['THYME_STORE_DAMAGED']);
      await until(() => readdirSync(folder).sort().join() === 'current,damaged,store-2'); // the damaged one is aside
    });
  }

  it('is built anew when a read has found damage, once the owner is heard again (R3)', async () => {
    await start();
    await running.send(100);
    await running.applied();
    const damaged: { damage: Error | undefined } = { damage: undefined };
    const inner = new MemoryStore();
    const store: Store = {
      get: (key) => inner.get(key),
      snapshot: () => inner.snapshot(),
      batch: () => inner.batch(),
      entries: (range) => inner.entries(range),
      close: () => inner.close(),
      get damage() {
        return damaged.damage;
      },
    };
    const stores = new MemoryReplicaStores();
    stores.openCurrent = () => Promise.resolve(store);
    const replica = running.replica(0, { stores });
    await running.expectEqual(replica, 0);
    let snapshots = 0;
    const { openFresh } = stores;
    stores.openFresh = () => {
      snapshots++;
      return openFresh.call(stores);
    };
    damaged.damage = new ThymeError('THYME_STORE_DAMAGED', 'UNAVAILABLE', 'bits have flipped');
    await until(() => running.failures.length > 0);
    await running.send(100);
    await running.applied();
    await running.expectEqual(replica, 0);
    expect(running.failures).to.deep.equal([damaged.damage]);
    expect(snapshots).to.equal(1);
  });

  it('takes a snapshot where changes were trimmed, while writes go on (S14)', async () => {
    await start();
    await running.send(500);
    await running.applied();
    const { replication } = running.aggregator;
    let refused = 0;
    const source: ReplicationSource = {
      ...replication,
      subscribe(partition, position, signal) {
        if (position.fromSeq > 1) return replication.subscribe(partition, position, signal);
        refused++;
        throw changesTrimmed(position.fromSeq, 100);
      },
      async *snapshot(partition, signal) {
        for await (const chunk of replication.snapshot(partition, signal)) {
          for (const entry of chunk) yield [entry];
          await running.send(20);
        }
      },
    };
    const replica = running.replica(0, { source, stores: new FolderReplicaStores(temporaryFolder()) });
    await replica.view.waitFor(() => true, AbortSignal.timeout(5_000));
    await running.send(100);
    await running.applied();
    await running.expectEqual(replica, 0);
    expect(refused).to.equal(1);
  });
});
