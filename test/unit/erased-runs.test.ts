import { expect } from 'chai';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { eraseFromRuns } from '../../services/query/erased-runs.js';
import type { QueryRun } from '../../services/query/query-run.js';
import { runIds } from '../../services/query/query-run-keys.js';
import { chunksOf, putChunk, readRuns } from '../../services/query/run-chunks.js';
import { runsBefore } from '../../services/query/query-run-keys.js';

const newId = runIds((length) => new Uint8Array(length).fill(7));

function run(createdUs: number, entities: QueryRun['entities'], more: Partial<QueryRun> = {}): QueryRun {
  const fixed = { kind: 'batch', featureset: 'F', rowCount: 1, hitCount: 1, latencyMs: 1, hadInputs: false } as const;
  return { ...fixed, id: newId(createdUs), createdUs, entities, ...more };
}

describe('erased entities in the record of queries (S26)', () => {
  it('are taken out, whatever their ids were sent as, with their instants; how many were asked for stays', async () => {
    const store = new MemoryStore();
    const time = '1970-01-01T00:00:00.000005Z';
    const runs = [
      run(1, [['a'], ['b']], { timestampsUs: [10, 20] }),
      run(2, [['b']]),
      run(3, [['ATL', 7]]),
      run(4, [
        ['ATL', '7'],
        ['ATL', 8],
      ]),
      run(5, [[time]]),
    ];
    const batch = store.batch();
    for (const chunk of chunksOf([...runs])) putChunk(batch, chunk);
    await batch.write({ sync: false });

    expect(await eraseFromRuns(store, [['a'], ['ATL', 7], [5]])).to.equal(4);
    const left: QueryRun[] = [];
    for await (const [, value] of store.entries(runsBefore(undefined))) left.push(...readRuns(value));
    expect(left.map(({ entities, entityCount, timestampsUs }) => ({ entities, entityCount, timestampsUs }))).to.deep.equal([
      { entities: [['b']], entityCount: 2, timestampsUs: [20] },
      { entities: [['b']], entityCount: undefined, timestampsUs: undefined },
      { entities: [], entityCount: 1, timestampsUs: undefined },
      { entities: [['ATL', 8]], entityCount: 2, timestampsUs: undefined },
      { entities: [], entityCount: 1, timestampsUs: undefined },
    ]);
    expect(await eraseFromRuns(store, [['a']])).to.equal(0);
  });
});
