import { expect } from 'chai';
import fc from 'fast-check';
import { applyBatch } from '../../libs/change/apply-batch.js';
import { Applier } from '../../libs/change/applier.js';
import { decodeBatch, encodeBatch } from '../../libs/change/batch-codec.js';
import type { Change, CommitRecord } from '../../libs/change/change.js';
import { decodeCommit, encodeCommit } from '../../libs/change/commit-codec.js';
import { digestStore } from '../../libs/change/digest.js';
import { headKey, rowKeyOf } from '../../libs/change/state-keys.js';
import { slotOf } from '../../libs/codec/slot.js';
import type { Revision } from '../../libs/definition/revision.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import type { RowEnd, TimelineRow } from '../../libs/timeline/timeline.js';
import { naiveAnswer } from './timeline-oracle.js';

const GROUP = Buffer.from('g');
const [TIMELINE, INDEX, APPENDED] = [1, 2, 3];

/** Two timelines of a dataset whose records are changes, and one of another. */
const REVISION: Revision = {
  number: 1,
  createdUs: 5,
  definitions: {
    datasets: ['Order', 'Click'].map((name) => ({
      name,
      version: 1,
      fields: [],
      keys: [],
      timestamp: '',
      index: true,
      publish: false,
      maxFutureUs: 0,
      expectations: [],
      ...(name === 'Order' ? { cdc: { mode: 'upsert', rowKey: ['order_id'] } as const } : {}),
    })),
    sources: [],
    pipelines: [{ name: 'Stats.sums', version: 1, output: 'Stats', inputs: ['Order'], steps: [] }],
    featuresets: [],
  },
  bundle: { sha256: '', code: '' },
  timelines: [
    { name: 'Stats.sums', version: 1, id: TIMELINE, measures: [{ of: 'x', digest: true, type: { kind: 'float', optional: false } }] },
    { name: 'index:Order', version: 1, id: INDEX, measures: [{ digest: false, type: { kind: 'bytes', optional: false } }] },
    { name: 'index:Click', version: 1, id: APPENDED, measures: [{ digest: false, type: { kind: 'bytes', optional: false } }] },
  ],
};

const BOOKS = {
  readerId: 1,
  read: 1,
  received: 0,
  sent: 0,
  applied: 1,
  filtered: 0,
  late: 0,
  duplicate: 0,
  dead: 0,
  failed: 0,
  watermarkUs: 5,
  lateRight: 0,
  joinedUs: Number.NEGATIVE_INFINITY,
  ended: 0,
  unpublished: 0,
  erased: 0,
  outdated: 0,
};

function commit(seq: number, counters: CommitRecord['counters'] = []): CommitRecord {
  return { epoch: 1, seq, prevSeq: seq - 1, revision: 1, clockUs: 9, positions: [], cursors: [], hops: [], counters };
}

const row = (orderOffset: number, startUs?: number): TimelineRow => {
  const eventTimeUs = 1_000 + orderOffset;
  const made = { eventTimeUs, orderSource: 3, orderOffset, knownUs: eventTimeUs + 2, values: [orderOffset * 1.5] };
  return startUs === undefined ? made : { ...made, startUs };
};

const endOf = ({ eventTimeUs, orderSource, orderOffset }: TimelineRow, endUs: number): RowEnd => ({
  eventTimeUs,
  orderSource,
  orderOffset,
  endUs,
  endKnownUs: endUs + 2,
});

describe('changes of rows in the change stream (S17)', () => {
  const rows: Change = { kind: 'rows', timelineId: TIMELINE, groupKey: GROUP, rows: [row(1), row(2)] };
  const begun: Change = { kind: 'rows', timelineId: TIMELINE, groupKey: GROUP, rows: [row(3), row(4, 1_500)] };
  const ended: Change = { kind: 'ended', timelineId: TIMELINE, groupKey: GROUP, ends: [endOf(row(1), 1_500), endOf(row(2), 2_000)] };
  const current: Change = { kind: 'current', readerId: 1, rowKey: Buffer.from('o1'), value: Buffer.from('what it is') };

  it('come back as they were, in a format of their own; what takes nothing back has the one before', () => {
    expect(encodeBatch([rows], commit(1)).bytes[0]).to.equal(1);
    for (const change of [begun, ended, current]) {
      const { bytes } = encodeBatch([rows, change], commit(1));
      expect(bytes[0]).to.equal(2);
      expect(decodeBatch(bytes).changes).to.deep.equal([rows, change]);
    }
  });

  it('are counted in a format of their own', () => {
    const counted = commit(1, [BOOKS, { ...BOOKS, readerId: 2, ended: 7, unpublished: 1, lateRight: 2, joinedUs: 8 }]);
    expect(encodeCommit(commit(1, [BOOKS]))[0]).to.equal(1);
    expect(encodeCommit(counted)[0]).to.equal(3);
    expect(decodeCommit(encodeCommit(counted))).to.deep.equal(counted);
  });

  it('that are outdated are counted in a format of their own, which none needs that has none', () => {
    const erased = commit(1, [{ ...BOOKS, erased: 3 }]);
    const outdated = commit(1, [BOOKS, { ...BOOKS, readerId: 2, outdated: 4 }]);
    expect([erased, outdated].map((each) => encodeCommit(each)[0])).to.deep.equal([4, 5]);
    expect([erased, outdated].map((each) => decodeCommit(encodeCommit(each)))).to.deep.equal([erased, outdated]);
  });

  it('are applied: rows end, what a row is now is kept, and an end of what is not there is counted', async () => {
    const applier = await Applier.open(new MemoryStore());
    const all: Change[] = [{ kind: 'revision', revision: REVISION }, rows, begun, ended, current];
    await applyBatch(applier, encodeBatch(all, commit(1)));
    const at = (asOfUs: number): unknown =>
      readWindows(
        applier.shape(TIMELINE),
        applier.reader(),
        headKey(slotOf(GROUP), TIMELINE, GROUP),
        { asOfUs, knownAtUs: Number.POSITIVE_INFINITY },
        [{ kind: 'sum', column: 0, windowUs: null }],
      )[0];
    expect([1_002, 1_499, 1_500, 1_999, 2_000].map(at)).to.deep.equal([4.5, 9, 13.5, 13.5, 10.5]);
    expect(applier.reader().get(rowKeyOf(slotOf(Buffer.from('o1')), 1, Buffer.from('o1')))).to.deep.equal(Buffer.from('what it is'));
    expect(applier.missedEnds).to.equal(0);
    await applyBatch(applier, encodeBatch([ended], commit(2)));
    expect(applier.missedEnds).to.equal(2);
    expect(at(2_000)).to.equal(10.5);
  });

  it('keep rows that may be taken back, whatever the horizon (S20), and trim others', async () => {
    const applier = await Applier.open(new MemoryStore());
    const many = Array.from({ length: 400 }, (_, index) => row(index));
    const ofIndex = many.map((one) => ({ ...one, values: [Uint8Array.of(1)] }));
    const changes: Change[] = [
      { kind: 'revision', revision: REVISION },
      { kind: 'trimmed', timelineId: TIMELINE, horizonUs: 1_300 },
      { kind: 'rows', timelineId: TIMELINE, groupKey: GROUP, rows: many },
      { kind: 'rows', timelineId: INDEX, groupKey: GROUP, rows: ofIndex },
      { kind: 'ended', timelineId: TIMELINE, groupKey: GROUP, ends: [endOf(row(0), 1_000)] },
      { kind: 'ended', timelineId: INDEX, groupKey: GROUP, ends: [endOf(row(0), 1_000)] },
    ];
    await applyBatch(applier, encodeBatch(changes, commit(1)));
    expect(applier.missedEnds).to.equal(0);
    expect([TIMELINE, INDEX, APPENDED].map((id) => applier.shape(id).retractable)).to.deep.equal([true, true, undefined]);
    const misplaced: Change = { kind: 'ended', timelineId: APPENDED, groupKey: GROUP, ends: [endOf(row(0), 1_000)] };
    const refused = await applyBatch(applier, encodeBatch([misplaced], commit(2))).catch((error: unknown) => String(error));
    expect(refused).to.contain('nothing is taken back from');
  });

  it('give the same bytes in every store, also one that is opened again after each batch (C2)', async () => {
    const step = fc.record({ count: fc.nat({ max: 80 }), ends: fc.array(fc.nat(), { maxLength: 60 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const [owner, follower, restarted] = [new MemoryStore(), new MemoryStore(), new MemoryStore()];
        const [own, following] = [await Applier.open(owner), await Applier.open(follower)];
        const all: TimelineRow[] = [];
        const ends = new Map<number, RowEnd>();
        for (const [index, { count, ends: drawn }] of steps.entries()) {
          const made = Array.from({ length: count }, (_, at) =>
            row(all.length + at, at % 5 === 0 ? 1_000 + all.length + 2 * at : undefined),
          );
          all.push(...made);
          const ending = [...new Set(drawn.map((pick) => pick % Math.max(1, all.length)))].filter((at) => at < all.length && !ends.has(at));
          for (const at of ending) ends.set(at, endOf(all[at]!, (all[at]!.startUs ?? all[at]!.eventTimeUs) + (at % 50)));
          const changes: Change[] = [
            ...(index === 0 ? [{ kind: 'revision', revision: REVISION } as const] : []),
            ...(made.length === 0 ? [] : [{ kind: 'rows', timelineId: TIMELINE, groupKey: GROUP, rows: made } as const]),
            { kind: 'ended', timelineId: TIMELINE, groupKey: GROUP, ends: ending.map((at) => ends.get(at)!) },
          ];
          for (const change of changes) own.fold(change);
          await own.commit(commit(index + 1));
          const batch = encodeBatch(changes, commit(index + 1));
          await applyBatch(following, batch);
          await applyBatch(await Applier.open(restarted), batch);
        }
        const digest = await digestStore(owner);
        expect(await digestStore(follower)).to.deep.equal(digest);
        expect(await digestStore(restarted)).to.deep.equal(digest);
        const asOfUs = 1_000 + Math.floor(all.length / 2);
        const instant = { asOfUs, knownAtUs: Number.POSITIVE_INFINITY };
        const counting = all.filter(
          (one, at) => (one.startUs ?? 0) <= asOfUs && (ends.get(at)?.endUs ?? Number.POSITIVE_INFINITY) > asOfUs,
        );
        const question = { kind: 'max', column: 0, windowUs: null } as const;
        const reader = { get: (key: Uint8Array) => following.reader().get(key) };
        expect(readWindows(following.shape(TIMELINE), reader, headKey(slotOf(GROUP), TIMELINE, GROUP), instant, [question])).to.deep.equal([
          naiveAnswer(counting, instant, question),
        ]);
      }),
      { numRuns: 60 },
    );
  });
});
