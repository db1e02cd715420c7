import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Store, StoreBatch } from '../../libs/store/store.js';
import { ManualClock } from '../../libs/time/clock.js';
import type { QueryCaller } from '../../services/query/answers.js';
import type { QueryRun } from '../../services/query/query-run.js';
import { QueryRuns } from '../../services/query/query-runs.js';
import type { RunFilter } from '../../services/query/run-lists.js';
import { replayRun } from '../../services/query/replay-run.js';
import { caller, dataset, feature, featureset, NOON_US, QueryWorld, types } from '../support/query-world.js';

const order = dataset('Order', { user_id: types.string, amount: types.int, at: types.timestamp });
const spend = feature('spent', types.int, { ref: { dataset: 'Order', field: 'amount' }, default: 0 });
const definitions = {
  datasets: [order],
  sources: [],
  pipelines: [],
  featuresets: [
    featureset('F', [feature('user_id', types.string), spend]),
    featureset('G', [feature('user_id', types.string), feature('cart', types.int, { input: true, default: 0 })]),
  ],
};

/** Ids of equal times in the order in which they were made. */
function counting(): (length: number) => Uint8Array {
  let next = 0n;
  return (length) => {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at += 8) bytes.writeBigUInt64BE(next++, at);
    return bytes;
  };
}

function runOf(id: string, featureset = 'F'): QueryRun {
  return { id, kind: 'online', featureset, entities: [['u1']], rowCount: 1, hitCount: 1, latencyMs: 0.1, createdUs: 1, hadInputs: false };
}

async function world(store: Store = new MemoryStore()): Promise<{ world: QueryWorld; runs: QueryRuns }> {
  const runs = await QueryRuns.open({ store, randomBytes: counting() });
  return { runs, world: await QueryWorld.create({ definitions }, runs) };
}

describe('query runs', () => {
  it('are filtered by all that is asked, in pages that look at a bounded number and lead on', async () => {
    const { runs } = await world();
    const kinds = ['online', 'batch', 'offline', 'lookup'] as const;
    const all = Array.from({ length: 12_500 }, (_, i): QueryRun => {
      const failed = i % 3 === 0 ? { error: 'THYME_INVALID_ARGUMENT' } : {};
      const key = i % 5 === 0 ? { apiKeyFingerprint: 'ab12cd34' } : {};
      return { ...runOf(runs.newId(i * 10)), kind: kinds[i % 4] ?? 'online', latencyMs: i % 100, ...failed, ...key };
    });
    for (let from = 0; from < all.length; from += 5_000) {
      for (const run of all.slice(from, from + 5_000)) runs.record({ entityCount: 1, toRun: () => run });
      await runs.stop();
    }
    const filters: readonly (RunFilter & { readonly isTrue: (run: QueryRun) => boolean })[] = [
      { kind: 'offline', isTrue: ({ kind }) => kind === 'offline' },
      { failed: true, isTrue: ({ error }) => error !== undefined },
      { failed: false, latencyMsMin: 98, isTrue: ({ error, latencyMs }) => error === undefined && latencyMs >= 98 },
      { apiKeyFingerprint: 'ab12cd34', isTrue: ({ apiKeyFingerprint }) => apiKeyFingerprint !== undefined },
      { featureset: 'F', kind: 'lookup', latencyMsMin: 1_000, isTrue: () => false },
    ];
    for (const { isTrue, ...filter } of filters) {
      const found: QueryRun[] = [];
      let pages = 0;
      for (let cursor: string | undefined; ; pages++) {
        const page = await runs.list({ ...filter, limit: 500, ...(cursor === undefined ? {} : { cursor }) });
        found.push(...page.runs);
        cursor = page.nextCursor;
        if (cursor === undefined) break;
      }
      expect(found.map(({ id }) => id)).to.deep.equal(
        all
          .filter(isTrue)
          .reverse()
          .map(({ id }) => id),
      );
      expect(pages, 'a page that finds nothing ends all the same').to.be.at.least(1);
    }
  });

  it('record what was asked, never what was answered', async () => {
    const {
      world: { engine },
      runs,
    } = await world();
    const asked: QueryCaller = { ...caller, apiKeyFingerprint: 'ab12cd34' };
    const { queryRunId } = await engine.query({ featureset: 'F', entity: 'u1', timestampUs: NOON_US - 5 }, asked);
    await engine.lookup({ dataset: 'Order', entity: 'u2' }, asked);
    await engine.queryBatch({ featureset: 'F', entities: ['a', 'b'] }, asked);
    await engine.query({ featureset: 'F', entity: '' }, asked).catch(() => undefined);
    await engine.query({ featureset: 'G', entity: 'u1', inputs: new Map([['cart', 42]]) }, asked);
    await runs.stop();
    expect(await runs.get(queryRunId)).to.deep.equal({
      id: queryRunId,
      kind: 'online',
      featureset: 'F',
      entities: [['u1']],
      requestedTimestampUs: NOON_US - 5,
      asOfUs: NOON_US - 5,
      rowCount: 1,
      hitCount: 0,
      latencyMs: 0,
      apiKeyFingerprint: 'ab12cd34',
      createdUs: NOON_US,
      hadInputs: false,
    });
    const { runs: all } = await runs.list({});
    expect(all.map(({ kind, entities, rowCount, error, hadInputs }) => [kind, entities.length, rowCount, error, hadInputs])).to.deep.equal([
      ['online', 1, 1, undefined, true],
      ['online', 0, 0, 'THYME_INVALID_ARGUMENT: entity_id', false],
      ['batch', 2, 2, undefined, false],
      ['lookup', 1, 0, undefined, false],
      ['online', 1, 1, undefined, false],
    ]);
    expect(JSON.stringify(all)).to.not.contain('42');
  });

  it('are told their id before anything is answered, and count hits', async () => {
    const { world: made, runs } = await world();
    await made.feed('Order', [{ row: ['u1', 5, NOON_US - 1] }]);
    const ids: string[] = [];
    const answer = await made.engine.queryBatch(
      { featureset: 'F', entities: ['u1', 'u2'] },
      { ...caller, onQueryRunId: (id) => ids.push(id) },
    );
    await runs.stop();
    expect(ids).to.deep.equal([answer.queryRunId]);
    expect(await runs.get(answer.queryRunId)).to.include({ rowCount: 2, hitCount: 1 });
  });

  it('are listed newest first, page by page, and by featureset', async () => {
    const runs = await QueryRuns.open({ store: new MemoryStore(), randomBytes: counting() });
    const ids = Array.from({ length: 7 }, (_, i) => runs.newId(1_000 + i));
    ids.forEach((id, i) => runs.record({ entityCount: 1, toRun: () => runOf(id, i % 2 === 0 ? 'F' : 'FG') }));
    await runs.stop();
    const first = await runs.list({ limit: 3 });
    expect(first.runs.map(({ id }) => id)).to.deep.equal(ids.slice(4).reverse());
    const rest = await runs.list({ limit: 4, cursor: first.nextCursor ?? '' });
    expect(rest.runs.map(({ id }) => id)).to.deep.equal(ids.slice(0, 4).reverse());
    expect(rest.nextCursor).to.equal(undefined);
    const even = await runs.list({ featureset: 'F', limit: 2 });
    expect(even.runs.map(({ id }) => id)).to.deep.equal([ids[6], ids[4]]);
    expect((await runs.list({ featureset: 'F', cursor: even.nextCursor ?? '' })).runs.map(({ id }) => id)).to.deep.equal([ids[2], ids[0]]);
    for (const id of ['nothing', runs.newId(1_000), runs.newId(9e15)])
      expect(String(await runs.get(id).catch((error: unknown) => error))).to.contain('no query run');
  });

  it('are forgotten oldest first and by whole chunks, also after a restart', async () => {
    const store = new MemoryStore();
    for (const from of [0, 5]) {
      const runs = await QueryRuns.open({ store, randomBytes: counting(), runsKeptMax: 4 });
      for (let i = from; i < from + 5; i++) {
        const id = runs.newId(i);
        runs.record({ entityCount: 1, toRun: () => runOf(id) });
      }
      await runs.stop();
      const { runs: kept } = await runs.list({ featureset: 'F' });
      expect(kept.map(({ id }) => Number.parseInt(id.slice(0, 14), 16))).to.deep.equal([4, 3, 2, 1, 0].map((i) => from + i));
      expect((await runs.list({})).runs).to.deep.equal(kept);
    }
  });

  it('of the format before are dropped', async () => {
    const store = new MemoryStore();
    const batch = store.batch();
    for (let i = 0; i < 2_500; i++) batch.put(Buffer.from([0x20 + (i % 2), i >> 8, i & 255]), Buffer.from('{}'));
    await batch.write({ sync: false });
    const runs = await QueryRuns.open({ store, randomBytes: counting() });
    expect((await runs.list({})).runs).to.deep.equal([]);
    for await (const [key] of store.entries({})) expect.fail(`left: ${Buffer.from(key).toString('hex')}`);
  });

  it('wait for others to be written with, and for nobody who reads', async () => {
    const clock = new ManualClock();
    const store = new MemoryStore();
    const runs = await QueryRuns.open({ store, randomBytes: counting(), clock });
    const chunks = async (): Promise<number> => {
      let keys = 0;
      for await (const [key] of store.entries({})) keys += key[0] === 0x23 ? 1 : 0;
      return keys;
    };
    const record = (): string => {
      const id = runs.newId(1_000);
      runs.record({ entityCount: 1, toRun: () => runOf(id) });
      return id;
    };
    record();
    while (clock.sleeping === 0) await setImmediate();
    const second = record();
    expect([await chunks(), (await runs.get(second)).id, await chunks()]).to.deep.equal([0, second, 1]);
    record();
    while (clock.sleeping === 0) await setImmediate();
    clock.advance(20);
    while (runs.counters.recorded < 3) await setImmediate();
    for (let i = 0; i < 250; i++) record();
    while (runs.counters.recorded < 203) await setImmediate();
    while (clock.sleeping === 0) await setImmediate();
    expect([await chunks(), runs.counters.recorded]).to.deep.equal([4, 203]);
    expect((await runs.list({ limit: 500 })).runs).to.have.length(253);
  });

  it('that cannot be written, or are too many, are counted and fail no query', async () => {
    class Broken extends MemoryStore {
      override batch(): StoreBatch {
        return {
          ...super.batch(),
          write: async () => Promise.reject(new Error('disk full')),
          put: () => undefined,
          delete: () => undefined,
        };
      }
    }
    const { world: made, runs } = await world(new Broken());
    expect((await made.engine.query({ featureset: 'F', entity: 'u1' }, caller)).row).to.deep.equal(['u1', 0]);
    await runs.stop();
    expect(runs.counters).to.deep.equal({ recorded: 0, dropped: 0, failed: 1 });
    for (let i = 0; i < 10_003; i++) runs.record({ entityCount: 1, toRun: () => runOf(String(i)) });
    expect(runs.counters.dropped).to.equal(3);
  });

  it('are replayed at the instant that was answered for, and leave no run (S4)', async () => {
    const { world: made, runs } = await world();
    await made.feed('Order', [{ row: ['u1', 5, NOON_US - 1] }]);
    const { queryRunId } = await made.engine.query({ featureset: 'F', entity: 'u1' }, caller);
    const inputs = await made.engine.query({ featureset: 'G', entity: 'u1', inputs: new Map([['cart', 1]]) }, caller);
    made.clock.advance(1_000);
    await made.feed('Order', [{ row: ['u1', 6, NOON_US + 1] }]);
    await runs.stop();
    const replayed = await replayRun(made.engine, await runs.get(queryRunId), caller);
    expect(replayed).to.deep.include({ kind: 'online', rows: [['u1', 5]], asOfUs: NOON_US });
    const refused: unknown = await replayRun(made.engine, await runs.get(inputs.queryRunId), caller).catch((error: unknown) => error);
    expect(String(refused)).to.contain('request-time inputs');
    await runs.stop();
    expect((await runs.list({})).runs).to.have.length(2);
  });
});
