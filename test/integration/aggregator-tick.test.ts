import { expect } from 'chai';
import { dataset, field, Harness, pipeline } from './aggregator-harness.js';

const HOUR = 3_600e6;
const T = 1_700_000_000_000_000;

const orders = dataset('Order', [field('user_id', 'string'), field('amount', 'float', true), field('at', 'timestamp')], ['user_id']);
const stats = dataset(
  'Stats',
  [field('user_id', 'string'), field('count_1h', 'int'), field('total_24h', 'float'), field('at', 'timestamp')],
  ['user_id'],
);
const build = pipeline('Stats', ['Order'], {
  aggregate: {
    groupBy: ['user_id'],
    aggregations: [
      { field: 'count_1h', operator: 'count', windowUs: HOUR },
      { field: 'total_24h', operator: 'sum', of: 'amount', windowUs: 24 * HOUR },
    ],
  },
});

describe('aggregator: one tick', () => {
  it('takes records into windows', async () => {
    const harness = new Harness();
    await harness.commit({ datasets: [orders, stats], pipelines: [build] });
    await harness.send('Order', [
      [{ user_id: 'a', amount: 5 }, { eventTimeUs: T - 2 * HOUR }],
      [{ user_id: 'a', amount: 7 }, { eventTimeUs: T - HOUR }],
      [{ user_id: 'b', amount: null }, { eventTimeUs: T }],
    ]);
    await harness.settle();
    expect(harness.ask('Stats.build', ['a'], T)).to.deep.equal({ count_1h: 1, total_24h: 12 });
    expect(harness.ask('Stats.build', ['b'], T)).to.deep.equal({ count_1h: 1, total_24h: 0 });
    expect(harness.ask('Stats.build', ['c'], T)).to.deep.equal({ count_1h: 0, total_24h: 0 });
    expect(harness.view(0).isReady(1)).to.equal(true);
    const commit = harness.view(0).applied();
    expect(commit?.counters[0]).to.include({ read: 3, applied: 3 });
    expect(commit?.positions).to.deep.equal([{ readerId: 1, topic: 'test.Order.v1', partition: 0, nextOffset: 3, caughtUp: true }]);
  });
});
