import { expect } from 'chai';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import { deadLetterTopic } from '../../libs/pipeline/topics.js';
import type { RecordPlace, StepWatch, WatchedPipeline } from '../../services/aggregator/step-watch.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from './aggregator-harness.js';

const T = 1_700_000_000_000_000;

const count = { field: 'n', operator: 'count', windowUs: null } as const;
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
const byUser = dataset(
  'ByUser',
  [field('user_id', 'string'), field('n', 'int'), field('total', 'float'), field('at', 'timestamp')],
  ['user_id'],
);
const byProduct = dataset('ByProduct', [field('product_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['product_id']);
const definitions = {
  datasets: [orders, byUser, byProduct],
  pipelines: [
    pipeline('ByUser', ['Order'], {
      steps: [{ kind: 'transform', adds: [field('cost', 'float')], function: 'price' }],
      aggregate: { groupBy: ['user_id'], aggregations: [count, { field: 'total', operator: 'sum', of: 'cost', windowUs: null }] },
    }),
    pipeline('ByProduct', ['Order'], { aggregate: { groupBy: ['product_id'], aggregations: [count] } }),
  ],
};
/** All records of a test have this key, and so one partition. */
const KEY = compileKeyEncoder([field('order_id', 'string')], 'Order')(['o']);

/** Condemns the second record of its partition, and writes down what is watched. */
class FakeWatch implements StepWatch {
  readonly seen: string[] = [];
  readonly #partition: number;

  constructor(partition: number) {
    this.#partition = partition;
  }

  isCondemned({ name }: WatchedPipeline, { partition, offset }: RecordPlace): boolean {
    return name === 'ByUser.build' && partition === this.#partition && offset === 1;
  }

  enter({ name, topic }: WatchedPipeline, { offset }: RecordPlace): void {
    this.seen.push(`${name} ${topic} ${offset}`);
  }

  leave(): void {
    this.seen.push('left');
  }
}

for (const partitionCount of [1, 3]) {
  describe(`steps that did not return before, ${partitionCount} partition(s) (S23)`, () => {
    it('are not given their record again: it is a dead letter, and the others count', async () => {
      const given: unknown[] = [];
      const price = (row: Record<string, unknown>) => {
        given.push(row.amount);
        return { cost: Number(row.amount) * 2 };
      };
      const partition = partitionOf(slotOf(KEY), partitionCount);
      const stepWatch = new FakeWatch(partition);
      const harness = new Harness({ partitionCount, functions: { price }, stepWatch });
      await harness.commit(definitions);
      await harness.send(
        'Order',
        [1, 13, 2].map((amount) => [{ order_id: 'o', user_id: 'a', product_id: 'p', amount }, { eventTimeUs: T }] as const),
      );
      await harness.settle();
      expect(harness.ask('ByUser.build', ['a'], T)).to.deep.equal({ n: 2, total: 6 });
      expect(harness.ask('ByProduct.build', ['p'], T), 'a pipeline beside it').to.deep.equal({ n: 3 });
      expect(given).to.deep.equal([1, 2]);
      expect(stepWatch.seen, 'a pipeline without functions is not watched').to.deep.equal([
        'ByUser.build test.Order.v1 0',
        'left',
        'ByUser.build test.Order.v1 2',
        'left',
      ]);
      const { records } = await harness.log.read({ topic: deadLetterTopic(DEPLOYMENT, 'Order', 1), partition }, 0, {
        recordsMax: 10,
        bytesMax: 1e6,
      });
      const letters = records.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>);
      expect(letters).to.have.length(1);
      expect(letters[0]).to.include({ pipeline: 'ByUser.build', partition, offset: 1 });
      expect(letters[0]?.reason).to.match(/a step did not return at this record/);
    });

    it('are left also where they throw', async () => {
      const stepWatch = new FakeWatch(-1);
      const harness = new Harness({
        partitionCount,
        functions: {
          price: () => {
            throw new Error('always');
          },
        },
        stepWatch,
      });
      await harness.commit(definitions);
      await harness.send('Order', [[{ order_id: 'o', user_id: 'a', product_id: 'p', amount: 1 }, { eventTimeUs: T }]]);
      await harness.settle();
      expect(stepWatch.seen).to.deep.equal(['ByUser.build test.Order.v1 0', 'left']);
    });
  });
}
