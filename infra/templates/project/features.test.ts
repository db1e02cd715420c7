import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extract, testPlatform } from 'thyme/testing';
import { CustomerFeatures, CustomerSpending, Order } from './features.js';

const order = (day: number, amount: number): Order => ({ customer: 'ann', amount, ordered_at: new Date(`2026-01-${day}T12:00:00Z`) });

test('spending of the last seven days', async () => {
  const thyme = await testPlatform([Order, CustomerSpending, CustomerFeatures], { now: '2026-01-31T12:00:00Z' });
  await thyme.add(Order, [order(10, 500), order(25, 20), order(31, 30)]);
  const { features } = await thyme.query(CustomerFeatures, 'ann', { inputs: { cart: 100 } });
  assert.equal(features.orders_1d, 1);
  assert.equal(features.spent_7d, 50);
  assert.equal(features.is_large_cart, false);
  thyme.clock.advance('7d');
  assert.equal((await thyme.query(CustomerFeatures, 'ann', { inputs: { cart: 100 } })).features.spent_7d, 30);
});

test('a cart of more than three usual orders is large', async () => {
  assert.deepEqual(await extract(CustomerFeatures, { mean_amount: 10, cart: 31 }), { is_large_cart: true });
  assert.deepEqual(await extract(CustomerFeatures, { mean_amount: 10, cart: 30 }), { is_large_cart: false });
});
