// What the processes of this folder are killed for, in one process and at every single write (S14, S15, C1, R4).
import { expect } from 'chai';
import { Applier } from '../../libs/change/applier.js';
import { applyBatch } from '../../libs/change/apply-batch.js';
import { readBatches } from '../../libs/change/changelog.js';
import { digestStore } from '../../libs/change/digest.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { changesTopic } from '../../libs/pipeline/topics.js';
import { bootstrap } from '../../libs/replica/bootstrap.js';
import { FolderReplicaStores } from '../../libs/replica/replica-stores.js';
import { snapshotChunks } from '../../libs/replica/snapshot-chunks.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Store, StoreBatch } from '../../libs/store/store.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from '../integration/aggregator-harness.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const T = 1_700_000_000_000_000;
const USERS = ['a', 'b', 'c', 'd', 'e'];

const orders = dataset('Order', [field('user_id', 'string'), field('at', 'timestamp')], ['user_id']);
const byUser = dataset('ByUser', [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id']);
const build = pipeline('ByUser', ['Order'], {
  aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'n', operator: 'count', windowUs: null }] },
});

/** A store that stands above another; what a test does at each write is its own. */
class WatchedStore implements Store {
  writes = 0;
  readonly inner = new MemoryStore();
  readonly #onWrite: (write: () => Promise<void>, nth: number) => Promise<void>;

  constructor(onWrite: (write: () => Promise<void>, nth: number) => Promise<void>) {
    this.#onWrite = onWrite;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.inner.get(key);
  }

  snapshot() {
    return this.inner.snapshot();
  }

  batch(): StoreBatch {
    const batch = this.inner.batch();
    return {
      put: (key, value) => batch.put(key, value),
      delete: (key) => batch.delete(key),
      write: (options) => this.#onWrite(() => batch.write(options), ++this.writes),
    };
  }

  entries(range: Parameters<Store['entries']>[0]) {
    return this.inner.entries(range);
  }

  async close(): Promise<void> {
    // The memory outlives its process, as a disk does.
  }
}

async function sendRound(harness: Harness): Promise<void> {
  await harness.send(
    'Order',
    USERS.map((user_id, i) => [{ user_id }, { eventTimeUs: T + i }]),
  );
}

function counts(harness: Harness, users: readonly string[] = USERS): number[] {
  return users.map((user) => Number(harness.ask('ByUser.build', [user], T + 1_000)['n']));
}

/** What the changelog says the store must be. */
async function folded(harness: Harness): Promise<Store> {
  const applier = await Applier.open(new MemoryStore());
  for await (const batch of readBatches(harness.log, { topic: changesTopic(DEPLOYMENT), partition: 0 }, 1))
    await applyBatch(applier, batch);
  return applier.store;
}

describe('a tick is all there or not at all', () => {
  it('whichever write of the store is the last one of the process (C1, S14)', async () => {
    const rounds = 4;
    for (let last = 1; last <= 8; last++) {
      let isDead = false;
      const store = new WatchedStore(async (write, nth) => {
        if (isDead || nth === last + 1) {
          isDead = true;
          throw new Error('the process has died');
        }
        await write();
      });
      const harness = new Harness({ log: new MemoryLog(), openStore: () => store });
      await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
      for (let round = 0; round < rounds; round++) {
        await sendRound(harness);
        await harness.settle().catch((error: unknown) => {
          if (!isDead) throw error;
          harness.restart(0); // another process, the same disk
          isDead = false;
        });
      }
      await harness.settle();
      expect(counts(harness), `dead after write ${last}`).to.deep.equal(USERS.map(() => rounds));
      expect(await digestStore(store.inner)).to.deep.equal(await digestStore(await folded(harness)));
    }
  });

  it('for whoever reads while it is being written (S15)', async () => {
    let during: (() => void) | undefined;
    const store = new WatchedStore(async (write) => {
      during?.(); // handed to LevelDB's thread
      await write();
      during?.(); // done there, and nobody told yet
      await Promise.resolve();
      during?.();
    });
    const harness = new Harness({ openStore: () => store });
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    await sendRound(harness);
    await harness.settle();
    for (let round = 1; round <= 3; round++) {
      await sendRound(harness);
      harness.restart(0); // what an applier remembers of its own writes would hide what the store shows
      const task = await harness.task(0);
      const seq = harness.view(0).applied()?.seq ?? 0;
      let reads = 0;
      const unread = [...USERS];
      during = () => {
        // Others each time: of those that were read before, decoded pages are kept, which would hide it as well.
        const users = unread.splice(0, 2);
        reads++;
        expect(harness.view(0).applied()?.seq).to.equal(seq);
        expect(counts(harness, users)).to.deep.equal(users.map(() => round));
        const held = harness.view(0).tick();
        held.hold();
        expect(counts(harness, users)).to.deep.equal(users.map(() => round));
        held.close();
      };
      await task.tick();
      during = undefined;
      expect(reads).to.be.at.least(3);
      expect(counts(harness)).to.deep.equal(USERS.map(() => round + 1));
      await harness.settle();
    }
  });
});

describe('a replica that is built anew', () => {
  /** A replica's folder that holds what the harness's owner has, in store-1. */
  async function replicaFolder(harness: Harness): Promise<string> {
    const folder = temporaryFolder();
    const store = await new FolderReplicaStores(folder).openCurrent();
    const applier = await Applier.open(store);
    for await (const batch of readBatches(harness.log, { topic: changesTopic(DEPLOYMENT), partition: 0 }, 1))
      await applyBatch(applier, batch);
    await store.close();
    return folder;
  }

  async function digestIn(folder: string): Promise<Awaited<ReturnType<typeof digestStore>>> {
    const store = await new FolderReplicaStores(folder).openCurrent();
    const digest = await digestStore(store);
    await store.close();
    return digest;
  }

  it('is the old one until the snapshot is complete, whatever the process does (R4)', async () => {
    const harness = new Harness();
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    await sendRound(harness);
    await harness.settle();
    const folder = await replicaFolder(harness);
    const before = await digestIn(folder);
    await sendRound(harness);
    await harness.settle();
    const owner = harness.partitions[0]?.store ?? new MemoryStore();
    const signal = new AbortController().signal;
    const source = (entries: number) => ({
      subscribe: () => {
        throw new Error('not asked for');
      },
      async *snapshot() {
        let left = entries;
        for await (const chunk of snapshotChunks(owner, signal)) {
          for (const entry of chunk) {
            if (left-- === 0) throw new Error('the owner has died');
            yield [entry];
          }
        }
      },
    });
    for (const entries of [0, 1, 3]) {
      const failure = await bootstrap(0, source(entries), new FolderReplicaStores(folder), signal).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).to.be.instanceOf(Error).with.property('message', 'the owner has died');
      expect(await digestIn(folder)).to.deep.equal(before);
    }
    const stores = new FolderReplicaStores(folder);
    const applier = await bootstrap(0, source(Number.POSITIVE_INFINITY), stores, signal);
    await applier.store.close();
    expect(await digestIn(folder)).to.deep.equal(await digestStore(owner));
  });
});
