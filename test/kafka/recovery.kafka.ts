// Takeovers and losses that a fleet on Kafka lives through, one at a time; with kills, see test/crash.
import { expect } from 'chai';
import { applyBatch } from '../../libs/change/apply-batch.js';
import { readBatches } from '../../libs/change/changelog.js';
import { digestStore } from '../../libs/change/digest.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { Applier } from '../../libs/change/applier.js';
import { acquire } from '../../services/aggregator/acquire.js';
import type { Aggregator } from '../../services/aggregator/aggregator.js';
import { useKafka } from './kafka-fixture.js';
import { KeptStores, RecoveryFleet } from './recovery-fleet.js';

describe('recovery on a real Kafka', function () {
  this.timeout(180_000);
  const kafka = useKafka();
  let fleet: RecoveryFleet;
  beforeEach(async () => {
    fleet = await RecoveryFleet.open(kafka().brokers);
  });
  afterEach(() => fleet.close());

  /** Sends in several ticks, and waits until they are applied. */
  async function work(owner: Aggregator, ticks: number): Promise<number> {
    for (let tick = 0; tick < ticks; tick++) {
      await fleet.send(3);
      await fleet.applied(owner);
    }
    return owner.views.view(0).applied()?.seq ?? 0;
  }

  const sameBytes = async (owner: Aggregator, replica: { digest(): Promise<unknown> }): Promise<void> => {
    const store = owner.owners[0]?.store;
    if (store === undefined) throw new Error('the owner has no store');
    expect(await replica.digest()).to.deep.equal(await digestStore(store));
  };

  for (const [where, recentBytesMax] of [
    ['its last batches', undefined],
    ['the changelog', 1],
  ] as const) {
    it(`serves a replica that is a few ticks behind at a takeover from ${where}, and takes no snapshot (R1)`, async () => {
      const first = await fleet.start('one');
      const stores = new KeptStores();
      const before = fleet.follow(stores);
      await before.reach(await work(first, 3));
      await before.stop();
      await work(first, 3);
      const starting = fleet.start('two', recentBytesMax === undefined ? {} : { recentBytesMax });
      await fleet.stop('one');
      const second = await starting;
      await second.owners[0]?.acquired;
      const seq = await work(second, 2);
      const after = fleet.follow(stores);
      await after.reach(seq);
      await sameBytes(second, after.replica);
      expect(fleet.countOf(second)).to.equal(fleet.sent);
      expect(fleet.snapshots).to.equal(0);
      await after.stop();
    });
  }

  it('follows a new owner when the stream of the old one ends, without being told who it is', async () => {
    const first = await fleet.start('one');
    const following = fleet.follow(new KeptStores());
    await following.reach(await work(first, 2));
    const starting = fleet.start('two');
    await fleet.stop('one');
    const second = await starting;
    await second.owners[0]?.acquired;
    await following.reach(await work(second, 2));
    await sameBytes(second, following.replica);
    expect(fleet.snapshots).to.equal(0);
    await following.stop();
  });

  for (const [what, isWhole] of [
    ['up to what is newer than it', false],
    ['to its end', true],
  ] as const) {
    it(`gives a replica a snapshot whose changelog was trimmed ${what}, and reads go on meanwhile (R4)`, async () => {
      const owner = await fleet.start('one', { recentBytesMax: 1 });
      const stores = new KeptStores();
      const before = fleet.follow(stores);
      await before.reach(await work(owner, 2));
      await before.stop();
      await work(owner, 3);
      const trimmed = await fleet.log.endOffset(fleet.changelog);
      const seq = isWhole ? (owner.views.view(0).applied()?.seq ?? 0) : await work(owner, 2);
      await fleet.trimChangelog(trimmed);
      const after = fleet.follow(stores);
      await after.reach(seq);
      await after.reach(await work(owner, 1));
      await sameBytes(owner, after.replica);
      expect(fleet.snapshots).to.equal(1);
      await after.stop();
    });
  }

  it('loses nothing when the group is deleted: where to go on is in the changelog (S13)', async () => {
    const store = new MemoryStore();
    await work(await fleet.start('one', { store }), 2);
    await fleet.stop('one');
    await fleet.deleteGroup();
    await fleet.send(2);
    const owner = await fleet.start('one', { store });
    await work(owner, 2);
    expect(fleet.countOf(owner)).to.equal(fleet.sent);
    await fleet.stop('one');
    await fleet.deleteGroup();
    const fresh = await fleet.start('two');
    await fleet.applied(fresh);
    expect(fleet.countOf(fresh)).to.equal(fleet.sent);
  });

  it('reads after it has fenced, so that what the old owner committed last is not done twice (L4, A3)', async () => {
    const { harness, log } = fleet;
    await fleet.send(3);
    const zombie = await harness.task(0);
    await harness.settle();
    await fleet.send(4);
    let applier: Applier | undefined;
    // The old owner is at its tick when the new one begins to fence.
    const store = new MemoryStore();
    const racing = { ...log, writer: async (id: string) => (await zombie.tick(), log.writer(id)) };
    const task = await acquire({ ...harness.environment(0), log: racing }, store, {
      onApplier: (opened) => (applier = opened),
      onBatch: () => undefined,
    });
    while ((await task.tick()) !== 'idle');
    await fleet.send(1);
    const fenced = await zombie.tick().catch((error: unknown) => error);
    expect(fenced).to.include({ code: 'THYME_FENCED' });
    while ((await task.tick()) !== 'idle');
    const count = applier?.state.commit?.counters.reduce((sum, { applied }) => sum + applied, 0);
    expect(count).to.equal(fleet.sent);
    // A replay takes the first of two batches with one seq, which the new owner would not have seen.
    const copy = await Applier.open(new MemoryStore());
    for await (const batch of readBatches(log, fleet.changelog, 1)) await applyBatch(copy, batch);
    expect(await digestStore(copy.store)).to.deep.equal(await digestStore(store));
    await task.close();
  });

  it('refuses a store that is ahead of its changelog, as after a topic was made anew, and says so', async () => {
    const store = new MemoryStore();
    await work(await fleet.start('one', { store }), 2);
    await fleet.stop('one');
    const other = await RecoveryFleet.open(kafka().brokers);
    try {
      const failure = await other.start('one', { store }).then(
        () => 'it started',
        (error: unknown) => error,
      );
      expect(failure).to.include({ code: 'THYME_STORE_AHEAD', status: 'FAILED_PRECONDITION' });
      expect(String(failure)).to.contain('which its changelog does not reach');
    } finally {
      await other.close();
    }
  });

  it('refuses a dataset topic that was made anew: what is pushed there now would never be read (S13)', async () => {
    const store = new MemoryStore();
    await work(await fleet.start('one', { store }), 2);
    await fleet.stop('one');
    await fleet.remakeOrders();
    await fleet.send(1);
    const failure = await fleet.start('two', { store }).then(
      () => 'it started',
      (error: unknown) => error,
    );
    expect(failure).to.include({ code: 'THYME_STORE_AHEAD' });
    expect(String(failure)).to.contain(`Order.v1' ends at offset 1, and its records were read up to 6`);
  });

  it('refuses to start on topics that have another partition count', async () => {
    await fleet.log.createTopic(fleet.changelog.topic, 2);
    const failure = await fleet.start('one').then(
      () => 'it started',
      (error: unknown) => error,
    );
    expect(failure).to.include({ code: 'THYME_PARTITION_COUNT' });
    expect(String(failure)).to.contain(`${fleet.deployment}.changes`);
  });
});
