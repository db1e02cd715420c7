import { expect } from 'chai';
import { Applier } from '../../libs/change/applier.js';
import type { Position } from '../../libs/change/change.js';
import { createReplicaViews } from '../../libs/replica/replica-views.js';
import { PartitionView } from '../../libs/replica/partition-view.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { awaitToken } from '../../services/query/await-token.js';

const READER = 1;
const TOPIC = 'd.Order.v1';

/** One partition of a replica, whose positions are set tick by tick. */
async function openPartition(partition: number) {
  const view = new PartitionView(partition, () => 0);
  const applier = await Applier.open(new MemoryStore());
  view.attach(applier);
  const reach = async (
    ...positions: readonly (readonly [source: number, nextOffset: number, more?: Partial<Position>])[]
  ): Promise<void> => {
    const { seq } = applier;
    await applier.commit({
      epoch: 1,
      seq: seq + 1,
      prevSeq: seq,
      revision: 0,
      clockUs: 0,
      cursors: [],
      hops: [],
      counters: [],
      positions: positions.map(([source, nextOffset, more]) => ({
        readerId: READER,
        topic: TOPIC,
        partition: source,
        nextOffset,
        caughtUp: true,
        ...more,
      })),
    });
    view.committed();
  };
  return { view, reach };
}

async function openReplica() {
  const [first, second] = [await openPartition(0), await openPartition(1)];
  const views = createReplicaViews(2, [first.view, second.view]);
  const wait = (...marks: readonly (readonly [partition: number, nextOffset: number])[]) => {
    const token = { marks: marks.map(([partition, nextOffset]) => ({ topic: TOPIC, partition, nextOffset })), eventTimeUs: 0 };
    let ended = false;
    const done = awaitToken(views, token, new Set([READER]), AbortSignal.timeout(5_000)).then(() => {
      ended = true;
    });
    return {
      done,
      hasEnded: async (): Promise<boolean> => {
        await new Promise((resolve) => setImmediate(resolve));
        return ended;
      },
    };
  };
  return { first, second, wait };
}

describe('awaiting a token (S21)', () => {
  it('waits for each of its marks', async () => {
    const { first, second, wait } = await openReplica();
    await first.reach([0, 5]);
    await second.reach([1, 3]);
    const waiting = wait([0, 5], [1, 4]);
    expect(await waiting.hasEnded()).to.equal(false);
    await second.reach([1, 4]);
    await waiting.done;
  });

  it('waits in each partition that the records may reach: all of them where they are re-keyed', async () => {
    const { first, second, wait } = await openReplica();
    await first.reach([0, 5], [1, 0]);
    await second.reach([0, 4], [1, 0]);
    const waiting = wait([0, 5]);
    expect(await waiting.hasEnded()).to.equal(false);
    await second.reach([0, 5], [1, 0]);
    await waiting.done;
  });

  it('compares a mark with the positions of its own partition, topic and readers, and with no other', async () => {
    const { first, second, wait } = await openReplica();
    await first.reach([0, 5], [1, 2], [0, 1, { topic: 'd.Visit.v1' }], [0, 1, { readerId: 9 }]);
    await second.reach([0, 5], [1, 2]);
    await wait([0, 5]).done;
  });
});
