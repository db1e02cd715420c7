// The same load through `thyme/testing` and through a whole platform over REST: the same answers.
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { ThymeClient } from '../../libs/client/thyme-client.js';
import { FraudSignals, Order, UserOrderStats } from '../../infra/examples/fraud.js';
import { testPlatform, type TestPlatform } from '../../services/testing/testing.js';
import { Order as ChangedOrder, Shopper, UserOrders } from '../support/changes-features.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';

const USERS = ['user_0', 'user_1', 'user_2', 'nobody'];
const ORDERS = 300;
const MINUTE_MS = 60_000;

/** Spread over nine days, not in order, some of them refused by the filter or over a `where`. */
function orders(endMs: number): readonly Order[] {
  return Array.from({ length: ORDERS }, (_, i) => ({
    user_id: USERS[(i * 7) % 3] ?? '',
    order_id: `o${i}`,
    amount: i % 17 === 0 ? 0 : i % 23 === 0 ? 12_000 : ((i * 37) % 1_000) / 8,
    ordered_at: new Date(endMs - ((i * 101) % ORDERS) * 43 * MINUTE_MS),
  }));
}

/** As any client sends them: a row replaced, moved to another user, repeated, deleted, and one refused. */
function changes(endMs: number): readonly Record<string, unknown>[] {
  const at = (minutesAgo: number): string => new Date(endMs - minutesAgo * MINUTE_MS).toISOString();
  const row = { order_id: 'o1', user_id: 'user_0', amount: 10, state: 'open', at: at(90) };
  return [
    { ...row, op_time: at(90) },
    { ...row, order_id: 'o2', amount: 40, op_time: at(80) },
    { ...row, amount: 30, op_time: at(60) },
    { ...row, user_id: 'user_1', amount: 30, op_time: at(45) },
    { ...row, user_id: 'user_1', amount: 30, op_time: at(45) },
    { order_id: 'o2', op: 'delete', op_time: at(20) },
    { ...row, order_id: 'o3', amount: 'much' },
  ];
}

describe('thyme/testing and a platform', function () {
  this.timeout(120_000);
  let platform: EmbeddedPlatform;
  let client: ThymeClient;
  const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
  const endMs = nowMs - MINUTE_MS;
  const instants = [0, 30, 50, 70, 85, 600, 3_000, 10_000].map((minutesAgo) => new Date(endMs - minutesAgo * MINUTE_MS));

  const open = (classes: readonly unknown[]): Promise<TestPlatform> => testPlatform(classes, { now: new Date(nowMs), partitions: 2 });
  beforeEach(async () => {
    platform = await startEmbeddedPlatform({ partitions: 2 });
    client = new ThymeClient({ apiUrl: platform.url });
  });
  afterEach(() => platform.stop());

  it('answer alike online, as of then, in training sets and lookups', async () => {
    const classes = [Order, UserOrderStats, FraudSignals];
    const thyme = await open(classes);
    await commitFile('infra/examples/fraud.ts', platform.context);
    const added = await thyme.add(Order, orders(endMs), { historical: true });
    const { eventsSent, token = '' } = await client.log(Order, orders(endMs), { historical: true });
    expect(added).to.deep.equal({ accepted: eventsSent, late: 0 });
    for (const user of USERS) {
      for (const timestamp of instants) {
        const question = { inputs: { cart_total: 400 }, timestamp };
        const here = await thyme.query(FraudSignals, user, question);
        const there = await client.query(FraudSignals, user, { ...question, after: token });
        expect(here.features, `${user} at ${timestamp.toISOString()}`).to.deep.equal(there.features);
        expect(await thyme.lookup(UserOrderStats, user, { timestamp })).to.deep.equal(
          (await client.lookup(UserOrderStats, user, { timestamp })).row,
        );
      }
    }
    const questions = USERS.flatMap((entity) => instants.map((timestamp) => ({ entity, timestamp, inputs: { cart_total: 400 } })));
    const here = await thyme.queryOffline(FraudSignals, questions, { knownAt: 'timestamp' });
    const there = [];
    for await (const row of client.queryOffline(FraudSignals, questions, { knownAt: 'timestamp' })) there.push(row.features);
    expect(here.map(({ features }) => features)).to.deep.equal(there);
    expect(new Set(there.map(({ order_count_1h }) => order_count_1h)).size).to.be.greaterThan(1); // it is not all zeros
  });

  it('take updates and deletes alike, and refuse alike', async () => {
    const thyme = await open([ChangedOrder, UserOrders, Shopper]);
    await commitFile('test/support/changes-features.ts', platform.context);
    const { accepted, refused } = await thyme.push(ChangedOrder, changes(endMs));
    const pushed: unknown = await platform.client
      .post('/api/v1/log', { dataset: 'Order', events: changes(endMs) })
      .then(String, (thrown: unknown) => thrown);
    expect(accepted).to.equal(6);
    expect(refused.map(({ index }) => index)).to.deep.equal([6]);
    expect(String(pushed)).to.include(refused[0]?.error ?? 'a reason');
    const { token = '' } = await client.log(ChangedOrder, []);
    const marker = { order_id: 'o9', user_id: 'user_2', amount: 1, state: 'open', at: new Date(endMs) };
    const { token: after = token } = await client.log(ChangedOrder, [marker]); // the answer that counts it has read what came before
    await thyme.add(ChangedOrder, marker);
    for (const user of USERS) {
      for (const timestamp of instants) {
        const here = await thyme.query(Shopper, user, { timestamp });
        const there = await client.query(Shopper, user, { timestamp, after });
        expect(here.features, `${user} at ${timestamp.toISOString()}`).to.deep.equal(there.features);
      }
    }
  });
});
