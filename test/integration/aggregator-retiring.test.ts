import { expect } from 'chai';
import type { Aggregation, DatasetDefinition, PipelineDefinition } from '../../libs/definition/definitions.js';
import { dataset, field, Harness, pipeline } from './aggregator-harness.js';

const T = 1_700_000_000_000_000;
const TICK_MS = 50;
const HISTORY = 100;
const RATE = 100;
const count: Aggregation = { field: 'n', operator: 'count', windowUs: null };

const orders = dataset('Order', [field('user_id', 'string'), field('amount', 'float', true), field('at', 'timestamp')], ['user_id']);
const totals = dataset('Totals', [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id']);
const build = (version: number): PipelineDefinition =>
  pipeline('Totals', ['Order'], { version, aggregate: { groupBy: ['user_id'], aggregations: [count] } });
const parts = (version: number, output: DatasetDefinition = totals) => ({ datasets: [orders, output], pipelines: [build(version)] });

async function send(harness: Harness, records: number): Promise<void> {
  await harness.send(
    'Order',
    Array.from({ length: records }, () => [{ user_id: 'a' }, { eventTimeUs: T }] as const),
  );
}

/** Records that the version's reader has read so far; undefined while it has no reader. */
function readBy(harness: Harness, version: number): number | undefined {
  const id = harness.known.find((timeline) => timeline.version === version)?.id;
  return harness
    .view(0)
    .applied()
    ?.counters.find(({ readerId }) => readerId === id)?.read;
}

function isReady(harness: Harness, version: number): boolean {
  return harness.view(0).isReady(harness.known.find((timeline) => timeline.version === version)?.id ?? 0);
}

async function withSecondVersion(output = totals): Promise<Harness> {
  const harness = new Harness({ backfillRecordsPerS: RATE });
  await harness.commit(parts(1, output));
  await harness.settle();
  await send(harness, HISTORY);
  await harness.settle();
  await harness.commit(parts(2, output));
  return harness;
}

async function tickWithOne(harness: Harness): Promise<void> {
  harness.clock.advance(TICK_MS);
  await send(harness, 1);
  await (await harness.task(0)).tick();
}

describe('a pipeline that another replaces (S18, S19)', () => {
  for (const [what, restart] of [
    ['', () => undefined],
    [', over restarts', (harness: Harness) => harness.restart(0)],
    [', over lost stores', (harness: Harness) => harness.restart(0, { loseStore: true })],
  ] as const) {
    it(`goes on until the other has its history${what}`, async () => {
      const harness = await withSecondVersion();
      let ticks = 0;
      for (; !isReady(harness, 2); ticks++) {
        if (ticks > 200) throw new Error('the history is never read');
        await tickWithOne(harness);
        expect(readBy(harness, 1), `tick ${ticks}`).to.equal(HISTORY + ticks + 1);
        if (ticks % 5 === 4) restart(harness);
      }
      expect(ticks).to.be.greaterThan(10);
      await harness.settle();
      expect(harness.ask('Totals.build', ['a'], T)).to.deep.equal({ n: HISTORY + ticks });
    });
  }

  it('stops with the first revision after that, and not before', async () => {
    const harness = await withSecondVersion();
    await tickWithOne(harness);
    await harness.commit({ ...parts(2), datasets: [{ ...orders, description: 'the same' }, totals] });
    await tickWithOne(harness);
    expect(readBy(harness, 1)).to.equal(HISTORY + 2);
    while (!isReady(harness, 2)) await tickWithOne(harness);
    await tickWithOne(harness);
    expect(readBy(harness, 1), 'other partitions may need it still').to.equal(readBy(harness, 2));
    await harness.commit(parts(2));
    await tickWithOne(harness);
    expect(readBy(harness, 1)).to.equal(undefined);
    harness.restart(0);
    await tickWithOne(harness);
    expect(readBy(harness, 1)).to.equal(undefined);
  });

  it('that nobody was answered from does not go on', async () => {
    const harness = await withSecondVersion();
    await tickWithOne(harness);
    await harness.commit(parts(3));
    await tickWithOne(harness);
    expect([1, 2].map((version) => readBy(harness, version))).to.deep.equal([HISTORY + 2, undefined]);
  });

  it('does not go on where it publishes: its rows would come twice (S25)', async () => {
    const harness = await withSecondVersion({ ...totals, publish: true });
    await tickWithOne(harness);
    expect(readBy(harness, 1)).to.equal(undefined);
  });

  it('that is removed, and not replaced, does not go on', async () => {
    const harness = await withSecondVersion();
    while (!isReady(harness, 2)) await tickWithOne(harness);
    await harness.commit({ datasets: [orders], pipelines: [] });
    await tickWithOne(harness);
    expect([1, 2].map((version) => readBy(harness, version))).to.deep.equal([undefined, undefined]);
  });
});
