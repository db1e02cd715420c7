// What changes of rows (S17) do beside what the oracle's suite covers: at a link of a chain, where steps throw, and behind an upgrade.

import { expect } from 'chai';
import { compileRowCodec } from '../../libs/codec/row-codec.js';
import type { ReaderCounters } from '../../libs/change/change.js';
import { headKeyLength, TIMELINE_TAG } from '../../libs/change/state-keys.js';
import { deadLetterTopic } from '../../libs/pipeline/topics.js';
import { PageTag } from '../../libs/timeline/page-keys.js';
import { decodeCurrentRow, encodeCurrentRows } from '../../services/aggregator/current-row.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from './aggregator-harness.js';

const T = 1_700_000_000_000_000;
const HOUR = 3_600e6;

const orders = dataset(
  'Order',
  [field('order_id', 'string'), field('user_id', 'string'), field('amount', 'float', true), field('at', 'timestamp')],
  ['user_id'],
  { cdc: { mode: 'upsert', rowKey: ['order_id'] } },
);
const spending = [field('user_id', 'string'), field('spent', 'float'), field('at', 'timestamp')];
const sumOf = (of: string, name: string) => ({ field: name, operator: 'sum', of, windowUs: null }) as const;
const byUser = pipeline('Spending', ['Order'], { aggregate: { groupBy: ['user_id'], aggregations: [sumOf('amount', 'spent')] } });

function booksOf(harness: Harness, name: string): ReaderCounters | undefined {
  const id = harness.known.find((each) => each.name === name)?.id;
  return harness
    .view(0)
    .applied()
    ?.counters.find(({ readerId }) => readerId === id);
}

async function change(harness: Harness, order: string, amount: number | null, hours: number): Promise<void> {
  const deleted = amount === null;
  const row = deleted ? { order_id: order } : { order_id: order, user_id: 'ann', amount };
  await harness.send('Order', [[row, { eventTimeUs: T, change: { deleted, timeUs: T + hours * HOUR } }]]);
  await harness.settle();
}

describe('aggregator: changes of rows (S17)', () => {
  it('pass no link of a chain: what was published stays, and is counted (S25)', async () => {
    const harness = new Harness();
    const totals = [field('user_id', 'string'), field('told', 'int'), field('most', 'float', true), field('at', 'timestamp')];
    await harness.commit({
      datasets: [orders, dataset('Spending', spending, ['user_id'], { publish: true }), dataset('Total', totals, ['user_id'])],
      pipelines: [
        byUser,
        pipeline('Total', ['Spending'], {
          aggregate: {
            groupBy: ['user_id'],
            aggregations: [
              { field: 'told', operator: 'count', windowUs: null },
              { field: 'most', operator: 'max', of: 'spent', windowUs: null },
            ],
          },
        }),
      ],
    });
    await change(harness, 'o1', 10, 0);
    await change(harness, 'o2', 30, 1);
    await change(harness, 'o2', 5, 2);
    await change(harness, 'o1', null, 3);
    expect(harness.ask('Spending.build', ['ann'], T + 9 * HOUR)).to.deep.equal({ spent: 5 });
    // Each version was told as of its change time, with what counted then: 10, 40 and 15.
    expect(harness.ask('Total.build', ['ann'], T + 9 * HOUR)).to.deep.equal({ told: 3, most: 40 });
    expect(harness.ask('Total.build', ['ann'], T + HOUR - 1)).to.deep.equal({ told: 2, most: 40 }); // o2 is at T: its first version
    expect(harness.ask('Total.build', ['ann'], T + 2 * HOUR - 1)).to.deep.equal({ told: 2, most: 40 });
    expect(booksOf(harness, 'Spending.build')).to.include({ ended: 2, unpublished: 2, applied: 4 });
    expect(booksOf(harness, 'Total.build')).to.include({ ended: 0, unpublished: 0, applied: 3 });
  });

  it('are repeats to all readers or to none, whatever fields each decodes', async () => {
    const newest = [field('order_id', 'string'), field('orders', 'int'), field('amount', 'float', true), field('at', 'timestamp')];
    const count = { field: 'orders', operator: 'count', windowUs: null } as const;
    const last = { field: 'amount', operator: 'last', of: 'amount', windowUs: null } as const;
    const wide = { ...orders, fields: [...orders.fields, field('note', 'string', true)] };
    const harness = new Harness();
    await harness.commit({
      datasets: [wide, dataset('Newest', newest, ['order_id'])],
      pipelines: [pipeline('Newest', ['Order'], { aggregate: { groupBy: ['order_id'], aggregations: [count, last] } })],
    });
    const send = async (order: string, amount: number, note: string): Promise<void> => {
      const row = { order_id: order, user_id: 'ann', amount, note };
      await harness.send('Order', [[row, { eventTimeUs: T, change: { deleted: false, timeUs: T + HOUR } }]]);
      await harness.settle();
    };
    await send('o1', 1, 'a');
    await send('o1', 1, 'b'); // in a field that no aggregation reads
    expect(harness.ask('Newest.build', ['o1'], T + HOUR)).to.deep.equal({ orders: 1, amount: 1 });
    expect(booksOf(harness, 'Newest.build')).to.include({ applied: 2, duplicate: 0, ended: 1 });
    await send('o1', 1, 'b');
    expect(booksOf(harness, 'Newest.build')).to.include({ applied: 2, duplicate: 1, ended: 1 });
  });

  it('end nothing where a step threw for the row, which is one dead letter', async () => {
    const harness = new Harness({
      functions: {
        doubled: (row) => {
          if (row['amount'] === 13) throw new Error('thirteen');
          return { twice: Number(row['amount']) * 2 };
        },
      },
    });
    const transform = { kind: 'transform', adds: [field('twice', 'float')], function: 'doubled' } as const;
    await harness.commit({
      datasets: [orders, dataset('Spending', spending, ['user_id'])],
      pipelines: [{ ...byUser, steps: [transform], aggregate: { groupBy: ['user_id'], aggregations: [sumOf('twice', 'spent')] } }],
    });
    await change(harness, 'o1', 10, 0);
    await change(harness, 'o1', 13, 1);
    expect(harness.ask('Spending.build', ['ann'], T + 9 * HOUR)).to.deep.equal({ spent: 0 });
    await change(harness, 'o1', 4, 2);
    expect(harness.ask('Spending.build', ['ann'], T + 9 * HOUR)).to.deep.equal({ spent: 8 });
    expect(harness.ask('Spending.build', ['ann'], T + 1)).to.deep.equal({ spent: 20 });
    expect(booksOf(harness, 'Spending.build')).to.include({ ended: 1, dead: 1, failed: 1, applied: 2 });
    expect(await harness.log.endOffset({ topic: deadLetterTopic(DEPLOYMENT, 'Order', 1), partition: 0 })).to.equal(1);
  });

  it('count an end whose row is not there: a step was another function when it ran again', async () => {
    let calls = 0;
    const harness = new Harness({ functions: { moody: () => ({ mood: `m${calls++}` }) } });
    const transform = { kind: 'transform', adds: [field('mood', 'string')], function: 'moody' } as const;
    const moods = [field('mood', 'string'), field('spent', 'float'), field('at', 'timestamp')];
    await harness.commit({
      datasets: [orders, dataset('Spending', moods, ['mood'])],
      pipelines: [{ ...byUser, steps: [transform], aggregate: { groupBy: ['mood'], aggregations: [sumOf('amount', 'spent')] } }],
    });
    await change(harness, 'o1', 10, 0);
    await change(harness, 'o1', null, 1);
    expect(booksOf(harness, 'Spending.build')).to.include({ ended: 0, failed: 1 });
  });

  it('go on where fields are added, and keep rows in a format that older processes refuse (S19)', async () => {
    const harness = new Harness();
    await harness.commit({ datasets: [orders, dataset('Spending', spending, ['user_id'])], pipelines: [byUser] });
    await change(harness, 'o1', 10, 0);
    const wider = { ...orders, fields: [...orders.fields, field('note', 'string', true)] };
    await harness.commit({ datasets: [wider, dataset('Spending', spending, ['user_id'])], pipelines: [byUser] });
    await change(harness, 'o1', 20, 1);
    expect(harness.ask('Spending.build', ['ann'], T + HOUR)).to.deep.equal({ spent: 20 });
    expect(harness.ask('Spending.build', ['ann'], T)).to.deep.equal({ spent: 10 });

    const codec = compileRowCodec(orders.fields);
    const current = {
      changeTimeUs: 1,
      eventTimeUs: 2,
      appendTimeUs: 3,
      historical: true,
      orderOffset: 4,
      checksum: -7,
      row: ['o', 'u', null, 5],
    };
    for (const each of [current, { ...current, historical: false, checksum: 0, row: undefined }, { ...current, checksum: undefined }])
      expect(decodeCurrentRow(encodeCurrentRows([each], codec)[0]!, codec)).to.deep.equal(each);
    const newer = encodeCurrentRows([current], codec)[0]!;
    newer[0] = 3;
    expect(() => decodeCurrentRow(newer, codec)).to.throw('upgrade it');
  });

  it('leave the stores once they ended below the horizon, and answers from it on are what they were (S20)', async () => {
    const harness = new Harness();
    const most = { field: 'most', operator: 'max', of: 'amount', windowUs: null } as const;
    const limited = dataset('Spending', [...spending, field('most', 'float', true)], ['user_id'], { historyUs: 10 * HOUR });
    await harness.commit({
      datasets: [{ ...orders, historyUs: 10 * HOUR }, limited],
      pipelines: [pipeline('Spending', ['Order'], { aggregate: { groupBy: ['user_id'], aggregations: [sumOf('amount', 'spent'), most] } })],
    });
    const update = async (versions: readonly number[]): Promise<void> => {
      const sent = versions.map((hours): Parameters<Harness['send']>[1][number] => {
        const row = { order_id: 'o1', user_id: 'ann', amount: hours };
        return [row, { eventTimeUs: T, change: { deleted: false, timeUs: T + hours * HOUR } }];
      });
      await harness.send('Order', sent);
      await harness.settle();
    };
    const endedPages = async (): Promise<number> => {
      let count = 0;
      for await (const [key] of harness.partitions[0]!.store.entries({}))
        if (key[0] === TIMELINE_TAG && key[headKeyLength(key)] === PageTag.ended) count++;
      return count;
    };
    await update(Array.from({ length: 400 }, (_, version) => version));
    const asked = [390.5, 391, 399, 400].map((hours) => T + hours * HOUR);
    const before = asked.map((asOfUs) => harness.ask('Spending.build', ['ann'], asOfUs));
    expect(before.map((answer) => (answer as { spent: number }).spent)).to.deep.equal([390, 391, 399, 399]);
    expect(await endedPages()).to.be.above(3);
    harness.clock.advance((400 * HOUR) / 1_000); // the horizon is ten hours before
    await update([400]); // moves it
    await update([401]); // drops what ended below
    expect(await endedPages()).to.equal(1);
    expect(asked.slice(0, 3).map((asOfUs) => harness.ask('Spending.build', ['ann'], asOfUs))).to.deep.equal(before.slice(0, 3));
    expect(booksOf(harness, 'Spending.build')).to.include({ ended: 401, applied: 402 });
  });
});
