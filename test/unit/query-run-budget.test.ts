import { expect } from 'chai';
import { MemoryStore } from '../../libs/store/memory-store.js';
import type { Field } from '../../libs/schema/value-type.js';
import { entityCountOf, type QueryRun } from '../../services/query/query-run.js';
import { QueryRuns } from '../../services/query/query-runs.js';
import { RunDraft } from '../../services/query/run-draft.js';

const KEY: readonly Field[] = [{ name: 'id', type: { kind: 'string', optional: false } }];

function runs(store: MemoryStore, bytesKeptMax?: number): Promise<QueryRuns> {
  let next = 0;
  const randomBytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => next++ & 255);
  return QueryRuns.open({ store, randomBytes, ...(bytesKeptMax === undefined ? {} : { bytesKeptMax }) });
}

/** As an engine fills it: a batch of keys. */
function batchRun(id: string, keys: readonly string[]): QueryRun {
  const draft = new RunDraft(id, 'batch', 'F', { createdUs: 1_000, caller: { signal: new AbortController().signal } });
  draft.asks(
    KEY,
    keys.map((key) => [key]),
  );
  return draft.end(2_000).toRun();
}

async function textKept(store: MemoryStore): Promise<number> {
  let bytes = 0;
  for await (const [, value] of store.entries({ from: Buffer.of(0x23), to: Buffer.of(0x24) })) bytes += value.length;
  return bytes;
}

describe('the budget of query runs', () => {
  it('keeps the first hundred entities of a query, and how many there were', () => {
    const short = batchRun(
      'a',
      Array.from({ length: 10_000 }, (_, i) => `user_${i}`),
    );
    expect([short.entities.length, short.entities[99], entityCountOf(short)]).to.deep.equal([100, ['user_99'], 10_000]);
    const long = batchRun(
      'b',
      Array.from({ length: 100 }, (_, i) => `${i}`.padStart(1_000, 'k')),
    );
    expect([long.entities.length, entityCountOf(long)]).to.deep.equal([8, 100]);
    expect(JSON.stringify(long).length).to.be.below(10_000);
    expect(batchRun('c', ['k'.repeat(100_000)]).entities).to.have.length(1);
  });

  it('forgets the oldest runs when their text is more than may be kept, also in a store that never counted it', async () => {
    const store = new MemoryStore();
    const first = await runs(store);
    const keys = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(80, 'k'));
    const record = (to: QueryRuns, count: number, fromUs: number): void => {
      for (let i = 0; i < count; i++) to.record({ entityCount: 100, toRun: () => batchRun(to.newId(fromUs + i), keys) });
    };
    record(first, 300, 1_000);
    await first.stop();
    expect(await textKept(store)).to.be.above(2_500_000);
    // As chunks were written before.
    const batch = store.batch();
    for await (const [key, value] of store.entries({ from: Buffer.of(0x22), to: Buffer.of(0x23) })) {
      const head = JSON.parse(Buffer.from(value).toString()) as { readonly bytes?: number };
      batch.put(key, Buffer.from(JSON.stringify({ ...head, bytes: undefined })));
    }
    await batch.write({ sync: false });
    const second = await runs(store, 1_000_000);
    record(second, 100, 9_000);
    await second.stop();
    expect(await textKept(store)).to.be.within(500_000, 1_000_000);
    const { runs: newest } = await second.list({ limit: 1 });
    expect(newest[0]?.entities).to.have.length(100);
  });

  it('ends a page where its text would be too much for one answer', async () => {
    const all = await runs(new MemoryStore());
    // As they were recorded before: with every entity.
    const entities = Array.from({ length: 10_000 }, (_, i) => [`${i}`.padStart(100, 'k')]);
    const ids = Array.from({ length: 12 }, (_, i) => all.newId(1_000 + i));
    for (const id of ids) all.record({ entityCount: 10_000, toRun: () => ({ ...batchRun(id, []), entities }) });
    await all.stop();
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await all.list({ limit: 500, ...(cursor === undefined ? {} : { cursor }) });
      expect(page.runs.length).to.be.within(1, 4);
      seen.push(...page.runs.map(({ id }) => id));
      cursor = page.nextCursor;
      if (cursor === undefined) break;
    }
    expect(seen).to.deep.equal([...ids].reverse());
  });
});
