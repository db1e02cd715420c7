import { expect } from 'chai';
import { lcg } from '../../infra/bench/orders.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { QueryRun } from '../../services/query/query-run.js';
import { CHUNK_SPAN_US, runIds } from '../../services/query/query-run-keys.js';
import { QueryRuns } from '../../services/query/query-runs.js';
import { chunksOf } from '../../services/query/run-chunks.js';

const FEATURESETS = ['F', 'FG', 'Ünï'];
const RUNS_KEPT_MAX = 150;
const CHUNK_RUNS_MAX = 100;
const TURNS = 25;

function runOf(id: string, featureset = 'F', entity = 'u1'): QueryRun {
  return {
    id,
    kind: 'online',
    featureset,
    entities: [[entity]],
    rowCount: 1,
    hitCount: 1,
    latencyMs: 0.1,
    createdUs: timeOf(id),
    hadInputs: false,
  };
}

function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 14), 16);
}

function newestFirst(runs: readonly QueryRun[]): readonly QueryRun[] {
  return [...runs].sort((a, b) => (a.id < b.id ? 1 : -1));
}

function randomBytesOf(random: () => number): (length: number) => Uint8Array {
  return (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

/** Queries that end in one turn: several began at once, most just now, some long ago. */
function endSome(runs: QueryRuns, random: () => number, nowUs: number): readonly QueryRun[] {
  return Array.from({ length: 1 + Math.floor(random() * 130) }, () => {
    const agoUs = random() < 0.8 ? Math.floor(random() * 3) : Math.floor(random() ** 3 * 5 * CHUNK_SPAN_US);
    const run = runOf(runs.newId(nowUs - agoUs), FEATURESETS[Math.floor(random() * FEATURESETS.length)]);
    runs.record({ entityCount: 1, toRun: () => run });
    return run;
  });
}

async function allPages(runs: QueryRuns, options: { readonly featureset?: string; readonly limit: number }): Promise<readonly QueryRun[]> {
  const listed: QueryRun[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await runs.list({ ...options, ...(cursor === undefined ? {} : { cursor }) });
    listed.push(...page.runs);
    cursor = page.nextCursor;
    if (cursor === undefined) return listed;
    expect(page.runs).to.have.length(options.limit);
  }
}

async function keysByTag(store: MemoryStore): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  for await (const [key] of store.entries({})) counts.set(key[0] ?? 0, (counts.get(key[0] ?? 0) ?? 0) + 1);
  return counts;
}

/** Everything that the store says, against what was kept before and has come since; resolves to what is kept now. */
async function check(
  runs: QueryRuns,
  { before, come, limit }: { readonly before: readonly QueryRun[]; readonly come: readonly QueryRun[]; readonly limit: number },
): Promise<readonly QueryRun[]> {
  const kept = await allPages(runs, { limit });
  const ids = new Set(kept.map(({ id }) => id));
  expect(kept).to.deep.equal(newestFirst([...before, ...come].filter(({ id }) => ids.has(id))));
  expect(kept.length).to.be.within(Math.min(before.length + come.length, RUNS_KEPT_MAX), RUNS_KEPT_MAX + CHUNK_RUNS_MAX - 1);
  const forgotten = before.filter(({ id }) => !ids.has(id));
  const oldestUs = Math.min(...before.filter(({ id }) => ids.has(id)).map(({ id }) => timeOf(id)));
  for (const { id } of forgotten) expect(timeOf(id)).to.be.at.most(oldestUs + CHUNK_SPAN_US);
  for (const featureset of [...FEATURESETS, 'none'])
    expect(await allPages(runs, { featureset, limit })).to.deep.equal(kept.filter((run) => run.featureset === featureset));
  for (const run of kept) expect(await runs.get(run.id)).to.deep.equal(run);
  for (const { id } of forgotten) expect(String(await runs.get(id).catch((error: unknown) => error))).to.contain('no query run');
  return kept;
}

describe('chunks of query runs', () => {
  for (const seed of [1, 20_261, 777_777]) {
    it(`list, find and forget as a plain list would, seed ${seed}`, async () => {
      const random = lcg(seed);
      const store = new MemoryStore();
      const open = (): Promise<QueryRuns> => QueryRuns.open({ store, randomBytes: randomBytesOf(random), runsKeptMax: RUNS_KEPT_MAX });
      let runs = await open();
      let kept: readonly QueryRun[] = [];
      for (let turn = 0, nowUs = 1e15; turn < TURNS; turn++, nowUs += Math.floor(random() ** 4 * 3 * CHUNK_SPAN_US)) {
        const come = endSome(runs, random, nowUs);
        await runs.stop();
        if (random() < 0.1) runs = await open();
        kept = await check(runs, { before: kept, come, limit: 10 + Math.floor(random() * 100) });
      }
      const keys = await keysByTag(store);
      expect(keys.get(0x22)).to.equal(keys.get(0x23));
      expect(keys.get(0x24)).to.be.at.most(FEATURESETS.length * (keys.get(0x22) ?? 0));
    });
  }

  it('of one run each are forgotten as fast as full ones come', async () => {
    const runs = await QueryRuns.open({ store: new MemoryStore(), randomBytes: randomBytesOf(lcg(4)), runsKeptMax: RUNS_KEPT_MAX });
    for (let batch = 0; batch < 300; batch++) {
      const size = batch < RUNS_KEPT_MAX + 5 ? 1 : CHUNK_RUNS_MAX;
      for (let i = 0; i < size; i++) {
        const run = runOf(runs.newId(1e15 + batch));
        runs.record({ entityCount: 1, toRun: () => run });
      }
      await runs.stop();
      if (batch < RUNS_KEPT_MAX || batch % 10 > 0) continue;
      expect((await runs.list({ limit: 500 })).runs.length).to.be.within(RUNS_KEPT_MAX, RUNS_KEPT_MAX + CHUNK_RUNS_MAX - 1);
    }
  });

  it('are found one by one in any order of recording, by featureset too', async () => {
    const runs = await QueryRuns.open({ store: new MemoryStore(), randomBytes: randomBytesOf(lcg(5)) });
    const recorded: QueryRun[] = [];
    for (const agoUs of [0, 7, 3 * CHUNK_SPAN_US, 1, CHUNK_SPAN_US, 0]) {
      const run = runOf(runs.newId(1e15 - agoUs), agoUs === 7 ? 'G' : 'F');
      recorded.push(run);
      runs.record({ entityCount: 1, toRun: () => run });
      await runs.stop();
    }
    expect(await allPages(runs, { limit: 1 })).to.deep.equal(newestFirst(recorded));
    expect(await allPages(runs, { featureset: 'F', limit: 2 })).to.deep.equal(
      newestFirst(recorded.filter(({ featureset }) => featureset === 'F')),
    );
    for (const run of recorded) expect(await runs.get(run.id)).to.deep.equal(run);
  });

  it('end where the time that they may span, or their text, would be exceeded', () => {
    const newId = runIds(randomBytesOf(lcg(6)));
    const spread = [0, 1, CHUNK_SPAN_US, CHUNK_SPAN_US + 1, 3 * CHUNK_SPAN_US].map((us) => runOf(newId(1e15 + us)));
    expect(chunksOf([...spread].reverse()).map(({ runs, lastId }) => [runs, lastId])).to.deep.equal([
      [3, spread[2]?.id],
      [1, spread[3]?.id],
      [1, spread[4]?.id],
    ]);
    const large = [10, 100_000, 200_000, 10, 600_000, 10].map((length, i) => runOf(newId(1e15 + i), 'F', 'x'.repeat(length)));
    expect(chunksOf(large).map(({ runs }) => runs)).to.deep.equal([2, 2, 1, 1]);
    expect(chunksOf([])).to.deep.equal([]);
  });
});
