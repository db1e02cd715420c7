// The fraud example's own tests, as a project would write them: node --import tsx --test infra/examples/fraud.test.ts
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extract, testPlatform } from 'thyme/testing';
import { FraudSignals, Order, UserOrderStats } from './fraud.js';

const NOON = '2026-01-31T12:00:00Z';
const order = (time: string, amount: number): Order => ({
  user_id: 'user_42',
  order_id: `order of ${time}`,
  amount,
  ordered_at: new Date(`2026-01-31T${time}Z`),
});

test('a cart far above what the user spends is suspicious', async () => {
  const thyme = await testPlatform([Order, UserOrderStats, FraudSignals], { now: NOON });
  await thyme.add(Order, [order('09:00:00', 30), order('11:30:00', 40)]);
  const modest = await thyme.query(FraudSignals, 'user_42', { inputs: { cart_total: 30 } });
  assert.equal(modest.features.total_spend_24h, 70);
  assert.equal(modest.features.is_suspicious, false);
  const large = await thyme.query(FraudSignals, 'user_42', { inputs: { cart_total: 31 } });
  assert.equal(large.features.is_suspicious, true);
});

test('an order leaves the hour a microsecond after it', async () => {
  const thyme = await testPlatform([Order, UserOrderStats, FraudSignals], { now: NOON });
  await thyme.add(Order, order('11:30:00', 40));
  const count = async (timestamp: string): Promise<number> =>
    (await thyme.query(FraudSignals, 'user_42', { inputs: { cart_total: 0 }, timestamp })).features.order_count_1h;
  thyme.clock.advance('1h');
  assert.equal(await count('2026-01-31T12:30:00Z'), 1);
  assert.equal(await count('2026-01-31T12:30:00.000001Z'), 0);
});

test('an order that comes more than an hour late is not counted', async () => {
  const thyme = await testPlatform([Order, UserOrderStats, FraudSignals], { now: NOON });
  assert.deepEqual(await thyme.add(Order, [order('11:59:00', 40), order('10:58:00', 40)]), { accepted: 2, late: 1 });
});

test('the rule itself, without a platform', async () => {
  const few = { user_id: 'user_42', order_count_1h: 5, cart_total: 10 };
  const lookup = (): unknown => ({ total_spend_7d: 700 });
  assert.deepEqual(await extract(FraudSignals, few, { lookup }), { is_suspicious: false });
  assert.deepEqual(await extract(FraudSignals, { ...few, order_count_1h: 6 }, { lookup }), { is_suspicious: true });
});
