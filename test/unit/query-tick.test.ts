import { expect } from 'chai';
import { Applier } from '../../libs/change/applier.js';
import type { Change, ReaderCounters } from '../../libs/change/change.js';
import { headKey, laneKey } from '../../libs/change/state-keys.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { PartitionView } from '../../libs/replica/partition-view.js';
import { createReplicaViews } from '../../libs/replica/replica-views.js';
import { TimelinePages } from '../../libs/timeline/timeline-pages.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { QueryTick } from '../../services/query/query-tick.js';

const [KNOWN, LOOKED_UP] = [7, 8];
const NO_COUNTS: Omit<ReaderCounters, 'readerId' | 'watermarkUs'> = {
  read: 0,
  received: 0,
  sent: 0,
  applied: 0,
  filtered: 0,
  late: 0,
  duplicate: 0,
  dead: 0,
  failed: 0,
  ended: 0,
  unpublished: 0,
  erased: 0,
  outdated: 0,
  lateRight: 0,
  joinedUs: Number.NEGATIVE_INFINITY,
};

/** One partition, whose commits, horizon, readiness and lag the test decides. */
async function partition() {
  const store = new MemoryStore();
  const applier = await Applier.open(store);
  const lag = { us: 5 };
  const view = new PartitionView(0, () => lag.us);
  view.attach(applier);
  const commit = async (watermarkUs: number, ...changes: Change[]): Promise<void> => {
    for (const change of [...changes, { kind: 'lane', readerId: KNOWN, partition: 0, lane: 'push', watermarkUs } as const])
      applier.fold(change);
    await applier.commit({
      epoch: 1,
      seq: applier.seq + 1,
      prevSeq: applier.seq,
      revision: 0,
      clockUs: 0,
      positions: [],
      cursors: [],
      hops: [],
      counters: [{ ...NO_COUNTS, readerId: KNOWN, watermarkUs }],
    });
  };
  const views = createReplicaViews(1, [view]);
  const tick = new QueryTick(views, new Set([KNOWN]), (id) => view.isReady(id));
  return { lag, commit, tick, view, store, applier };
}

describe('the tick of a query (S15)', () => {
  it('is one for what is read, for horizons, readiness and freshness, whatever is committed meanwhile', async () => {
    const { lag, commit, tick, view } = await partition();
    await commit(100, { kind: 'ready', timelineId: KNOWN }, { kind: 'trimmed', timelineId: KNOWN, horizonUs: 50 });
    const state = tick.partitionOf(0);
    tick.hold();
    await commit(200, { kind: 'ready', timelineId: LOOKED_UP }, { kind: 'trimmed', timelineId: KNOWN, horizonUs: 90 });
    lag.us = 9;

    expect(Buffer.from(state.get(laneKey(KNOWN, 0, 'push')) ?? []).toString()).to.equal('100');
    expect(state.horizonUs(KNOWN)).to.equal(50);
    expect(tick.freshness()).to.deep.equal({ watermarkUs: 100, lagUs: 5 });
    expect(view.isReady(LOOKED_UP)).to.equal(true);
    expect(() => tick.requireReady(LOOKED_UP)).to.throw('still being built from history'); // in this tick it has half of it (S18)
    expect(tick.foundUnready).to.equal(true);
    tick.close();
  });

  it('is that of the first read: what is ready then may be looked up', async () => {
    const { commit, tick } = await partition();
    await commit(100, { kind: 'ready', timelineId: LOOKED_UP });
    tick.requireReady(LOOKED_UP);
    expect(tick.partitionOf(0).horizonUs(KNOWN)).to.equal(Number.NEGATIVE_INFINITY);
    await commit(200);
    expect(tick.freshness()).to.deep.equal({ watermarkUs: 100, lagUs: 5 });
    tick.close();
    expect(() => tick.partitionOf(0)).to.throw('the query has been answered');
  });

  it('tells whoever keeps the store of a page that cannot be one: the query only fails', async () => {
    const { commit, tick, store, applier } = await partition();
    await commit(100);
    const batch = store.batch();
    batch.put(headKey(0, KNOWN, Uint8Array.of(1)), new Uint8Array(100)); // no page has version 0
    await batch.write({ sync: false });
    expect(applier.damage).to.equal(undefined);
    const read = (): unknown => new TimelinePages({ columns: [] }, tick.partitionOf(0), headKey(0, KNOWN, Uint8Array.of(1)));
    expect(read).to.throw(ThymeError).with.property('disposition', 'rebuild');
    expect(applier.damage).to.be.instanceOf(ThymeError).and.to.include({ code: 'THYME_PAGE_DAMAGED' });
    tick.close();
  });
});
