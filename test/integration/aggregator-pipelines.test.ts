import { expect } from 'chai';
import { compileRecordCodec } from '../../libs/codec/dataset-record.js';
import type { Row } from '../../libs/schema/value-type.js';
import { datasetTopic, deadLetterTopic } from '../../libs/pipeline/topics.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from './aggregator-harness.js';

const HOUR = 3_600e6;
const T = 1_700_000_000_000_000;

const count = (windowUs: number | null = null) => ({ field: 'n', operator: 'count', windowUs }) as const;
const sumOf = (of: string) => ({ field: 'total', operator: 'sum', of, windowUs: null }) as const;

const orders = dataset(
  'Order',
  [
    field('order_id', 'string'),
    field('user_id', 'string'),
    field('product_id', 'string'),
    field('amount', 'float'),
    field('at', 'timestamp'),
  ],
  ['order_id'],
);
const products = dataset(
  'Product',
  [field('product_id', 'string'), field('price', 'float'), field('category', 'string'), field('at', 'timestamp')],
  ['product_id'],
  { index: true },
);
const byUser = dataset(
  'ByUser',
  [field('user_id', 'string'), field('n', 'int'), field('total', 'float'), field('at', 'timestamp')],
  ['user_id'],
  { publish: true },
);

async function rowsOf(harness: Harness, topic: string, definition: DatasetDefinition): Promise<Row[]> {
  const codec = compileRecordCodec(definition.fields);
  const rows: Row[] = [];
  for (let partition = 0; partition < harness.partitionCount; partition++) {
    const { records } = await harness.log.read({ topic, partition }, 0, { recordsMax: 1_000, bytesMax: 1e8 });
    rows.push(...records.map((record) => codec.decode(record.value).row));
  }
  return rows;
}

async function lettersOf(harness: Harness, name: string): Promise<Record<string, unknown>[]> {
  const letters: Record<string, unknown>[] = [];
  for (let partition = 0; partition < harness.partitionCount; partition++) {
    const { records } = await harness.log.read({ topic: deadLetterTopic(DEPLOYMENT, name, 1), partition }, 0, {
      recordsMax: 1_000,
      bytesMax: 1e8,
    });
    letters.push(...records.map((record) => JSON.parse(Buffer.from(record.value).toString()) as Record<string, unknown>));
  }
  return letters;
}

for (const partitionCount of [1, 3]) {
  describe(`aggregator: pipelines on ${partitionCount} partitions`, () => {
    it("joins with the newest right row at the record's own time, and re-keys twice (S24)", async () => {
      const harness = new Harness({ partitionCount });
      const joined = pipeline('ByUser', ['Order'], {
        steps: [
          { kind: 'join', dataset: 'Product', on: ['product_id'], how: 'inner' },
          {
            kind: 'assign',
            columns: [
              {
                name: 'cost',
                value: {
                  kind: 'arithmetic',
                  operator: 'mul',
                  left: { kind: 'column', name: 'amount' },
                  right: { kind: 'column', name: 'price' },
                },
              },
            ],
          },
        ],
        aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('cost')] },
      });
      await harness.commit({ datasets: [orders, products, byUser], pipelines: [joined] });
      await harness.send('Product', [
        [{ product_id: 'p1', price: 2, category: 'x' }, { eventTimeUs: T - 10 * HOUR }],
        [{ product_id: 'p1', price: 3, category: 'x' }, { eventTimeUs: T - 5 * HOUR }],
        [{ product_id: 'p2', price: 100, category: 'y' }, { eventTimeUs: T - HOUR }],
      ]);
      await harness.send('Order', [
        [{ order_id: 'o1', user_id: 'a', product_id: 'p1', amount: 1 }, { eventTimeUs: T - 6 * HOUR }], // price 2
        [{ order_id: 'o2', user_id: 'a', product_id: 'p1', amount: 1 }, { eventTimeUs: T - 5 * HOUR }], // price 3: both ends included
        [{ order_id: 'o3', user_id: 'b', product_id: 'p2', amount: 1 }, { eventTimeUs: T - 2 * HOUR }], // no price yet: dropped
        [{ order_id: 'o4', user_id: 'b', product_id: 'p9', amount: 1 }, { eventTimeUs: T }], // no such product: dropped
        [{ order_id: 'o5', user_id: 'b', product_id: 'p2', amount: 2 }, { eventTimeUs: T }],
      ]);
      await harness.settle();
      expect(harness.ask('ByUser.build', ['a'], T)).to.deep.equal({ n: 2, total: 5 });
      expect(harness.ask('ByUser.build', ['b'], T)).to.deep.equal({ n: 1, total: 200 });
      // A later right row, also one of an earlier time, does not change what was joined.
      await harness.send('Product', [[{ product_id: 'p1', price: 50, category: 'x' }, { eventTimeUs: T - 7 * HOUR }]]);
      await harness.settle();
      expect(harness.ask('ByUser.build', ['a'], T)).to.deep.equal({ n: 2, total: 5 });
      for (let partition = 0; partition < partitionCount; partition++)
        expect(harness.view(partition).isReady(2), `ready in ${partition}`).to.equal(true);
    });

    it('a left join keeps what has no right row (S24)', async () => {
      const harness = new Harness({ partitionCount });
      const joined = pipeline('ByUser', ['Order'], {
        steps: [{ kind: 'join', dataset: 'Product', on: ['product_id'], how: 'left' }],
        aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('price')] },
      });
      await harness.commit({ datasets: [orders, products, byUser], pipelines: [joined] });
      await harness.send('Order', [[{ order_id: 'o1', user_id: 'a', product_id: 'p1', amount: 1 }, { eventTimeUs: T }]]);
      await harness.settle();
      expect(harness.ask('ByUser.build', ['a'], T)).to.deep.equal({ n: 1, total: 0 });
    });

    it('a left record waits for the right side that was there when it was read (S24)', async () => {
      const harness = new Harness({ partitionCount, limits: { inputRecordsMax: 2 } });
      const joined = pipeline('ByUser', ['Order'], {
        steps: [{ kind: 'join', dataset: 'Product', on: ['product_id'], how: 'left' }],
        aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('price')] },
      });
      await harness.commit({ datasets: [orders, products, byUser], pipelines: [joined] });
      const prices = Array.from(
        { length: 40 },
        (_, i) => [{ product_id: `p${i}`, price: 1, category: 'x' }, { eventTimeUs: T - HOUR }] as const,
      );
      await harness.send('Product', prices);
      await harness.send('Order', [[{ order_id: 'o', user_id: 'a', product_id: 'p39', amount: 1 }, { eventTimeUs: T }]]);
      await harness.settle();
      expect(harness.ask('ByUser.build', ['a'], T)).to.deep.equal({ n: 1, total: 1 });
    });

    it('chains on what another pipeline published at its tick (S25)', async () => {
      const harness = new Harness({ partitionCount });
      const first = pipeline('ByUser', ['Order'], { aggregate: { groupBy: ['user_id'], aggregations: [count(HOUR), sumOf('amount')] } });
      const big = dataset('Big', [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id']);
      const over10 = {
        kind: 'comparison',
        operator: 'gt',
        left: { kind: 'column', name: 'total' },
        right: { kind: 'literal', value: { type: 'float', value: 10 } },
      } as const;
      const second = pipeline('Big', ['ByUser'], {
        steps: [{ kind: 'filter', where: over10 }],
        aggregate: { groupBy: ['user_id'], aggregations: [count()] },
      });
      await harness.commit({ datasets: [orders, byUser, big], pipelines: [second, first] });
      await harness.send('Order', [
        [{ order_id: 'o1', user_id: 'a', product_id: 'p', amount: 6 }, { eventTimeUs: T - 2 * HOUR }],
        [{ order_id: 'o2', user_id: 'a', product_id: 'p', amount: 6 }, { eventTimeUs: T }],
        [{ order_id: 'o3', user_id: 'b', product_id: 'p', amount: 6 }, { eventTimeUs: T }],
      ]);
      await harness.settle();
      expect(harness.ask('Big.build', ['a'], T)).to.deep.equal({ n: 1 });
      expect(harness.ask('Big.build', ['b'], T)).to.deep.equal({ n: 0 });
      const rows = await rowsOf(harness, datasetTopic(DEPLOYMENT, 'ByUser', 1), byUser);
      expect(rows.map((row) => row.slice(0, 3)).sort()).to.deep.equal([
        ['a', 1, 12],
        ['a', 1, 6],
        ['b', 1, 6],
      ]);
      // A late record corrects what was aggregated, and not what was published of it before (S11, S25).
      await harness.send('Order', [[{ order_id: 'o4', user_id: 'b', product_id: 'p', amount: 100 }, { eventTimeUs: T - 3 * HOUR }]]);
      await harness.settle();
      expect(harness.ask('ByUser.build', ['b'], T)).to.deep.equal({ n: 1, total: 106 });
      expect(harness.ask('Big.build', ['b'], T)).to.deep.equal({ n: 1 });
      for (let partition = 0; partition < partitionCount; partition++)
        expect([1, 2].map((id) => harness.view(partition).isReady(id))).to.deep.equal([true, true]);
    });

    it('a pipeline without aggregation fills its dataset, whose records are indexed', async () => {
      const harness = new Harness({ partitionCount });
      const paid = dataset('Paid', [field('user_id', 'string'), field('amount', 'float'), field('at', 'timestamp')], ['user_id'], {
        index: true,
      });
      const stream = pipeline('Paid', ['Order'], { steps: [{ kind: 'select', names: ['user_id', 'amount', 'at'] }] });
      const counted = pipeline('ByUser', ['Paid'], { aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('amount')] } });
      await harness.commit({ datasets: [orders, paid, byUser], pipelines: [stream, counted] });
      await harness.send('Order', [
        [{ order_id: 'o1', user_id: 'a', product_id: 'p', amount: 6 }, { eventTimeUs: T }],
        [{ order_id: 'o2', user_id: 'a', product_id: 'p', amount: 7 }, { eventTimeUs: T }],
      ]);
      await harness.settle();
      expect(harness.ask('ByUser.build', ['a'], T)).to.deep.equal({ n: 2, total: 13 });
      const rows = await rowsOf(harness, datasetTopic(DEPLOYMENT, 'Paid', 1), paid);
      expect(rows).to.have.deep.members([
        ['a', 6, T],
        ['a', 7, T],
      ]);
    });

    it('a pipeline that comes later starts from the beginning, and is ready when it has caught up (S18)', async () => {
      const harness = new Harness({ partitionCount, limits: { inputRecordsMax: 3 } });
      const first = pipeline('ByUser', ['Order'], { aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('amount')] } });
      await harness.commit({ datasets: [orders, byUser], pipelines: [first] });
      const sent = Array.from(
        { length: 30 },
        (_, i) => [{ order_id: `o${i}`, user_id: `u${i % 4}`, product_id: `p${i % 3}`, amount: 1 }, { eventTimeUs: T - i }] as const,
      );
      await harness.send('Order', sent);
      await harness.settle();
      const byProduct = dataset('ByProduct', [field('product_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['product_id']);
      const second = pipeline('ByProduct', ['Order'], { aggregate: { groupBy: ['product_id'], aggregations: [count()] } });
      await harness.commit({ datasets: [orders, byUser, byProduct], pipelines: [first, second] });
      for (let partition = 0; partition < partitionCount; partition++) {
        await (await harness.task(partition)).tick();
        expect(harness.view(partition).isReady(2), 'not with the history that it has read so far').to.equal(false);
        expect(harness.view(partition).isReady(1)).to.equal(true);
      }
      harness.restart(0);
      await harness.settle();
      for (let partition = 0; partition < partitionCount; partition++) expect(harness.view(partition).isReady(2)).to.equal(true);
      expect(['p0', 'p1', 'p2'].map((product) => harness.ask('ByProduct.build', [product], T).n)).to.deep.equal([10, 10, 10]);
      // Known when the log took it in, not when the pipeline was built (S22).
      expect(harness.ask('ByProduct.build', ['p0'], T, { knownAtUs: T - 1 }).n).to.equal(0);
      expect(harness.ask('ByUser.build', ['u0'], T)).to.deep.equal({ n: 8, total: 8 });
    });

    it('a removed pipeline stops, and the others go on', async () => {
      const harness = new Harness({ partitionCount });
      const first = pipeline('ByUser', ['Order'], { aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('amount')] } });
      const byProduct = dataset('ByProduct', [field('product_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['product_id']);
      const second = pipeline('ByProduct', ['Order'], { aggregate: { groupBy: ['product_id'], aggregations: [count()] } });
      await harness.commit({ datasets: [orders, byUser, byProduct], pipelines: [first, second] });
      await harness.send('Order', [[{ order_id: 'o1', user_id: 'a', product_id: 'p', amount: 6 }, { eventTimeUs: T }]]);
      await (await harness.task(0)).tick();
      await harness.commit({ datasets: [orders, byUser], pipelines: [first] });
      await harness.send('Order', [[{ order_id: 'o2', user_id: 'a', product_id: 'p', amount: 6 }, { eventTimeUs: T }]]);
      await harness.settle();
      expect(harness.ask('ByUser.build', ['a'], T)).to.deep.equal({ n: 2, total: 12 });
      expect(
        harness
          .view(0)
          .applied()
          ?.counters.map(({ readerId }) => readerId),
      ).to.deep.equal([1]);
    });

    it('a step that throws sends its record to the dead letters, and the tick goes on (S23)', async () => {
      const functions = {
        price: (row: Record<string, unknown>) => {
          if (row['amount'] === 13) throw new Error('unlucky');
          return { cost: Number(row['amount']) * 2 };
        },
      };
      const harness = new Harness({ partitionCount, functions });
      const transformed = pipeline('ByUser', ['Order'], {
        steps: [{ kind: 'transform', adds: [field('cost', 'float')], function: 'price' }],
        aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('cost')] },
      });
      await harness.commit({ datasets: [orders, byUser], pipelines: [transformed] });
      await harness.send(
        'Order',
        [1, 13, 2].map((amount, i) => [{ order_id: `o${i}`, user_id: 'a', product_id: 'p', amount }, { eventTimeUs: T }] as const),
      );
      await harness.settle();
      expect(harness.ask('ByUser.build', ['a'], T)).to.deep.equal({ n: 2, total: 6 });
      const letters = await lettersOf(harness, 'Order');
      expect(letters).to.have.length(1);
      expect(letters[0]).to.include({ reason: 'unlucky', pipeline: 'ByUser.build' });
      expect(JSON.parse(String(letters[0]?.['record']))).to.include({ order_id: 'o1', amount: 13 });
    });

    it('a dead letter shows the whole record, also where the pipeline reads only some of its columns (S23)', async () => {
      const harness = new Harness({ partitionCount });
      const byOrder = dataset(
        'ByOrder',
        [field('order_id', 'string'), field('n', 'int'), field('total', 'float'), field('at', 'timestamp')],
        ['order_id'],
      );
      const amount = { kind: 'column', name: 'amount' } as const;
      const huge = { kind: 'literal', value: { type: 'float', value: 1e308 } } as const;
      const summed = pipeline('ByOrder', ['Order'], {
        steps: [
          {
            kind: 'filter',
            where: {
              kind: 'comparison',
              operator: 'gt',
              left: { kind: 'arithmetic', operator: 'mul', left: amount, right: huge },
              right: { kind: 'literal', value: { type: 'float', value: 0 } },
            },
          },
        ],
        aggregate: { groupBy: ['order_id'], aggregations: [count(), sumOf('amount')] },
      });
      await harness.commit({ datasets: [orders, byOrder], pipelines: [summed] });
      await harness.send(
        'Order',
        [1, 13, -1].map((value, i) => [{ order_id: `o${i}`, user_id: 'a', product_id: 'p', amount: value }, { eventTimeUs: T }] as const),
      );
      await harness.settle();
      expect(harness.ask('ByOrder.build', ['o0'], T)).to.deep.equal({ n: 1, total: 1 });
      expect(harness.ask('ByOrder.build', ['o2'], T).n).to.equal(0);
      const letters = await lettersOf(harness, 'Order');
      expect(letters).to.have.length(1);
      expect(JSON.parse(String(letters[0]?.['record']))).to.include({ order_id: 'o1', user_id: 'a', product_id: 'p', amount: 13 });
    });

    it('too many failures in a row pause that pipeline alone (S23)', async () => {
      const functions = {
        price: () => {
          throw new Error('always');
        },
      };
      const harness = new Harness({ partitionCount, functions });
      const transformed = pipeline('ByUser', ['Order'], {
        steps: [{ kind: 'transform', adds: [field('cost', 'float')], function: 'price' }],
        aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('cost')] },
      });
      const byProduct = dataset('ByProduct', [field('product_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['product_id']);
      const other = pipeline('ByProduct', ['Order'], { aggregate: { groupBy: ['product_id'], aggregations: [count()] } });
      await harness.commit({ datasets: [orders, byUser, byProduct], pipelines: [transformed, other] });
      await harness.send(
        'Order',
        Array.from({ length: 1_500 }, (_, i) => [{ order_id: 'o', user_id: 'a', product_id: 'p', amount: i }, { eventTimeUs: T }] as const),
      );
      await harness.settle();
      expect(await lettersOf(harness, 'Order')).to.have.length(1_000);
      expect(harness.ask('ByProduct.build', ['p'], T).n).to.equal(1_500);
    });

    it('sequences far below the newest become dead letters (S13)', async () => {
      const harness = new Harness({ partitionCount: 1 });
      const first = pipeline('ByUser', ['Order'], { aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('amount')] } });
      await harness.commit({ datasets: [orders, byUser], pipelines: [first] });
      const sequences = [10_000, 10_000, 5_904, 5_904, 5_903, 9_999];
      await harness.send(
        'Order',
        sequences.map(
          (sequence) =>
            [
              { order_id: 'o', user_id: 'a', product_id: 'p', amount: 1 },
              { eventTimeUs: T, producerId: 'x', sequence },
            ] as const,
        ),
      );
      await harness.settle();
      expect(harness.view(0).applied()?.counters[0]).to.include({ read: 6, applied: 3, duplicate: 2, dead: 1, failed: 0 });
      expect(await lettersOf(harness, 'Order')).to.have.length(1);
    });

    it("horizons follow the owner's clock, at most once a minute (S20)", async () => {
      const harness = new Harness({ partitionCount: 1 });
      const short = { ...byUser, historyUs: HOUR };
      const first = pipeline('ByUser', ['Order'], { aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('amount')] } });
      await harness.commit({ datasets: [orders, short], pipelines: [first] });
      const send = () =>
        harness.send('Order', [[{ order_id: 'o', user_id: 'a', product_id: 'p', amount: 1 }, { eventTimeUs: harness.clock.nowUs() }]]);
      await send();
      await harness.settle();
      const firstHorizonUs = harness.view(0).tick().horizonUs(1);
      expect(firstHorizonUs).to.equal(harness.clock.nowUs() - HOUR);
      harness.clock.advance(30_000);
      await send();
      await harness.settle();
      expect(harness.view(0).tick().horizonUs(1)).to.equal(firstHorizonUs);
      harness.clock.advance(30_000);
      await send();
      await harness.settle();
      expect(harness.view(0).tick().horizonUs(1)).to.equal(firstHorizonUs + 60e6);
    });

    it('trims what lies below the horizon, and windows without end stay right (S20)', async () => {
      const harness = new Harness({ partitionCount: 1 });
      const first = pipeline('ByUser', ['Order'], { aggregate: { groupBy: ['user_id'], aggregations: [count(), sumOf('amount')] } });
      await harness.commit({ datasets: [orders, { ...byUser, historyUs: HOUR }], pipelines: [first] });
      const sizes: number[] = [];
      for (let hour = 0; hour < 6; hour++) {
        const startUs = harness.clock.nowUs();
        for (let part = 0; part < 2; part++) {
          await harness.send(
            'Order',
            Array.from(
              { length: 200 },
              (_, i) => [{ order_id: 'o', user_id: 'a', product_id: 'p', amount: 1 }, { eventTimeUs: startUs + i }] as const,
            ),
          );
          await harness.settle();
          harness.clock.advance(1_800_000);
        }
        let size = 0;
        for await (const [, value] of harness.partitions[0]?.store.entries({}) ?? []) size += value.length;
        sizes.push(size);
      }
      expect(harness.ask('ByUser.build', ['a'], harness.clock.nowUs())).to.deep.equal({ n: 2_400, total: 2_400 });
      expect(sizes.at(-1)).to.be.below(1.5 * (sizes[1] ?? 0));
    });
  });
}
