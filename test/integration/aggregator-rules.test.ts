// Clauses of the rules that stand or fall with two readers, two partitions or two lanes.

import { expect } from 'chai';
import { compileRecordCodec, type DatasetRecord } from '../../libs/codec/dataset-record.js';
import { datasetTopic } from '../../libs/pipeline/topics.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from './aggregator-harness.js';

const HOUR = 3_600e6;
const T = 1_700_000_000_000_000;
const count = { field: 'n', operator: 'count', windowUs: null } as const;

const orders = dataset('Order', [field('order_id', 'string'), field('user_id', 'string'), field('at', 'timestamp')], ['order_id']);
const byUser = dataset('ByUser', [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id'], { publish: true });
const busy = dataset('Busy', [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id']);
const build = pipeline('ByUser', ['Order'], { aggregate: { groupBy: ['user_id'], aggregations: [count] } });
const chained = pipeline('Busy', ['ByUser'], { aggregate: { groupBy: ['user_id'], aggregations: [count] } });

async function sendOrders(harness: Harness, records: number): Promise<void> {
  await harness.send(
    'Order',
    Array.from({ length: records }, (_, i) => [{ order_id: `o${i}`, user_id: `u${i % 7}` }, { eventTimeUs: T + i }] as const),
  );
}

function idOf(harness: Harness, name: string): number {
  return harness.known.find((timeline) => timeline.name === `${name}.build`)?.id ?? 0;
}

/** Ticks one task until it has nothing to do; the others stand still. */
async function settleAlone(harness: Harness, partition: number): Promise<void> {
  while ((await (await harness.task(partition)).tick()) !== 'idle');
}

describe('aggregator: what decides lateness (S10)', () => {
  it('the dataset for pushes, its source for the lanes of the source', async () => {
    const harness = new Harness();
    const source = { dataset: 'Order', connector: 'kafka', config: {}, cdc: 'append', maxLatenessUs: 3 * HOUR } as const;
    await harness.commit({ datasets: [{ ...orders, maxLatenessUs: HOUR }, byUser], pipelines: [build], sources: [source] });
    const send = (user: string, lane: string, hoursAgo: number) =>
      harness.send('Order', [
        [
          { order_id: 'o', user_id: user },
          { eventTimeUs: T - hoursAgo * HOUR, lane },
        ],
      ]);
    for (const lane of ['push', 'shard-1']) await send('newest', lane, 0);
    for (const lane of ['push', 'shard-1']) for (const hoursAgo of [1, 2, 3, 4]) await send(lane, lane, hoursAgo);
    await harness.settle();
    expect(['push', 'shard-1'].map((user) => harness.ask('ByUser.build', [user], T).n)).to.deep.equal([1, 3]);
    expect(harness.view(0).applied()?.counters[0]).to.include({ read: 10, applied: 6, late: 4 });
  });

  it('each partition of a lane for itself: one that is idle holds nobody back, and is not pushed on by others', async () => {
    const harness = new Harness({ partitionCount: 3 });
    await harness.commit({ datasets: [{ ...orders, maxLatenessUs: HOUR }, byUser], pipelines: [build] });
    const send = (order: string, hoursAgo: number) =>
      harness.send('Order', [[{ order_id: order, user_id: 'u' }, { eventTimeUs: T - hoursAgo * HOUR }]]);
    await send('first', 0);
    await send('first', 5); // late where the watermark is T
    for (const order of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) await send(order, 5);
    await harness.settle();
    const lates = [0, 1, 2].map((partition) => harness.view(partition).applied()?.counters[0]?.late ?? 0);
    expect(
      lates.filter((late) => late === 0),
      'partitions where nothing is late',
    ).to.have.length(2);
    expect(harness.ask('ByUser.build', ['u'], T).n).to.equal(10 - lates.reduce((sum, late) => sum + late, 0));
  });
});

describe('aggregator: when history is complete (S18)', () => {
  it('once every partition has passed on what it had for here, and not before', async () => {
    const harness = new Harness({ partitionCount: 2 });
    await harness.commit({ datasets: [orders], pipelines: [] });
    await sendOrders(harness, 40);
    await harness.commit({ datasets: [orders, byUser], pipelines: [build] });
    await settleAlone(harness, 0);
    const id = idOf(harness, 'ByUser');
    expect(harness.view(0).isReady(id), 'with its own half').to.equal(false);
    await settleAlone(harness, 1);
    expect(harness.view(1).isReady(id), 'the other has heard from both').to.equal(true);
    expect(harness.view(0).isReady(id), 'has not heard yet').to.equal(false);
    await harness.settle();
    expect(harness.view(0).isReady(id)).to.equal(true);
  });

  it('of a chain only after what fills its dataset, however empty its topic is (S25)', async () => {
    const harness = new Harness({ limits: { inputRecordsMax: 4 } });
    await harness.commit({ datasets: [orders], pipelines: [] });
    await sendOrders(harness, 20);
    await harness.commit({ datasets: [orders, byUser, busy], pipelines: [chained, build] });
    const task = await harness.task(0);
    const [upstream, link] = [idOf(harness, 'ByUser'), idOf(harness, 'Busy')];
    while (!harness.view(0).isReady(upstream)) {
      expect(harness.view(0).isReady(link), 'before what it chains on').to.equal(false);
      await task.tick();
    }
    while (!harness.view(0).isReady(link)) await task.tick();
    expect(
      harness
        .view(0)
        .applied()
        ?.counters.find(({ readerId }) => readerId === link)?.applied,
      'everything that was published until then',
    ).to.equal(20);
  });
});

describe('aggregator: what pauses a pipeline (S23)', () => {
  it('failures one after another; one record that passes and the count begins anew', async () => {
    let taken = 0;
    const functions = {
      odd: (row: Record<string, unknown>) => {
        taken++;
        if (row['user_id'] === 'bad') throw new Error('on purpose');
        return { extra: 1 };
      },
    };
    const harness = new Harness({ functions });
    const transformed = { ...build, steps: [{ kind: 'transform', adds: [field('extra', 'int')], function: 'odd' }] } as const;
    await harness.commit({ datasets: [orders, byUser], pipelines: [transformed] });
    const bad = Array.from({ length: 999 }, () => 'bad');
    const send = (users: readonly string[]) =>
      harness.send(
        'Order',
        users.map((user) => [{ order_id: 'o', user_id: user }, { eventTimeUs: T }] as const),
      );
    await send([...bad, 'good', ...bad, 'good']);
    await harness.settle();
    expect((await harness.task(0)).readers.map(({ paused }) => paused)).to.deep.equal([false]);
    expect(harness.ask('ByUser.build', ['good'], T).n).to.equal(2);
    await send([...bad, 'bad', 'good']);
    await harness.settle();
    expect((await harness.task(0)).readers.map(({ paused }) => paused)).to.deep.equal([true]);
    expect(taken, 'nothing is given to it behind the one that paused it').to.equal(2 * 1_000 + 1_000);
  });
});

describe('aggregator: what a published row carries along (S22, S25)', () => {
  it('the append time of its record, and whether that was historical', async () => {
    const harness = new Harness();
    await harness.commit({ datasets: [orders, byUser, busy], pipelines: [build, chained] });
    await harness.send('Order', [
      [
        { order_id: 'o1', user_id: 'live' },
        { eventTimeUs: T - 2 * HOUR, appendTimeUs: T - HOUR },
      ],
      [
        { order_id: 'o2', user_id: 'old' },
        { eventTimeUs: T - 2 * HOUR, appendTimeUs: T - HOUR, historical: true },
      ],
    ]);
    harness.clock.advance(HOUR / 1_000);
    await harness.settle();
    const codec = compileRecordCodec(byUser.fields);
    const { records } = await harness.log.read({ topic: datasetTopic(DEPLOYMENT, 'ByUser', 1), partition: 0 }, 0, {
      recordsMax: 10,
      bytesMax: 1e6,
    });
    const published: DatasetRecord[] = records.map(({ value }) => codec.decode(value));
    expect(
      published.map(({ eventTimeUs, appendTimeUs, historical, row }) => ({ eventTimeUs, appendTimeUs, historical, user: row[0] })),
    ).to.have.deep.members([
      { eventTimeUs: T - 2 * HOUR, appendTimeUs: T - HOUR, historical: false, user: 'live' },
      { eventTimeUs: T - 2 * HOUR, appendTimeUs: T - HOUR, historical: true, user: 'old' },
    ]);
    const known = (user: string, knownAtUs: number): unknown => harness.ask('Busy.build', [user], T, { knownAtUs }).n;
    expect([known('live', T - HOUR - 1), known('live', T - HOUR), known('old', T - 2 * HOUR)]).to.deep.equal([0, 1, 1]);
  });
});
