// An aggregation over a column that its timeline does not hold, added while records come: through the whole platform,
// against a recomputation.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, post, request } from '../support/http.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { changed, SHOP } from './registry-fixture.js';

const USERS = 12;
const HISTORY = 300;
/** Slow enough for the live records to be seen beside the backfill, whatever the machine does. */
const BACKFILL_PER_S = 60;
const DEADLINE_MS = 60_000;

const IMPORTS =
  "import { ApproxPercentile, Count, Sum, dataset, extractor, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';\n";
const MORE_FIELDS = changed(SHOP, '@field(t.int) orders;', '@field(t.int) orders; @field(t.int) items; @field(t.float.optional) median;');
const MORE_AGGREGATIONS = changed(
  MORE_FIELDS,
  'orders: Count',
  "items: Sum({ of: 'quantity', window: '7d' }), median: ApproxPercentile({ of: 'amount', window: '7d', pct: 50 }), orders: Count",
);
const NEXT = changed(
  MORE_AGGREGATIONS,
  "ref: [OrderStats, 'orders'] }) orders;",
  "ref: [OrderStats, 'orders'] }) orders; @feature(t.int, { id: 4, ref: [OrderStats, 'items'] }) items; @feature(t.float.optional, { id: 5, ref: [OrderStats, 'median'] }) median;",
);

interface Order {
  readonly user_id: string;
  readonly amount: number;
  readonly quantity: number;
  readonly ordered_at: string;
}

function orderOf(i: number): Order {
  return {
    user_id: `u${(i * 7) % USERS}`,
    amount: 1 + ((i * 13) % 90),
    quantity: i % 4,
    ordered_at: new Date(Date.now() - 60_000).toISOString(),
  };
}

function expectedOf(orders: readonly Order[], user: string): { readonly orders: number; readonly items: number; readonly median: number } {
  const own = orders.filter(({ user_id }) => user_id === user);
  const amounts = own.map(({ amount }) => amount).sort((a, b) => a - b);
  return {
    orders: own.length,
    items: own.reduce((sum, { quantity }) => sum + quantity, 0),
    median: amounts[Math.ceil(amounts.length / 2) - 1] ?? Number.NaN,
  };
}

async function commit(platform: EmbeddedPlatform, source: string): Promise<void> {
  const path = join(temporaryFolder(), 'shop.ts');
  writeFileSync(path, IMPORTS + source);
  await commitFile(path, platform.context);
}

async function push(platform: EmbeddedPlatform, rows: readonly Order[]): Promise<string> {
  const answer = await post(`${platform.url}/api/v1/log`, { dataset: 'Order', events: rows });
  return String(jsonOf(answer).token);
}

async function featuresOf(platform: EmbeddedPlatform, user: string, token: string): Promise<Record<string, unknown>> {
  const answer = await request(`${platform.url}/features?featureset=Signals&entity_id=${user}&after=${encodeURIComponent(token)}`);
  return jsonOf(answer).features as Record<string, unknown>;
}

for (const partitions of [1, 3]) {
  describe(`an aggregation over a column that is not held, on ${partitions} partitions (S18, S19)`, function () {
    this.timeout(120_000);
    let platform: EmbeddedPlatform;
    before(async () => (platform = await startEmbeddedPlatform({ partitions, backfillRecordsPerS: BACKFILL_PER_S })));
    after(() => platform.stop());

    it('is built beside, while what was there before stays as fresh as ever', async () => {
      const orders = Array.from({ length: HISTORY }, (_, i) => orderOf(i));
      await commit(platform, SHOP);
      await featuresOf(platform, 'u0', await push(platform, orders));
      await commit(platform, NEXT);
      let before = 0;
      for (const deadlineMs = Date.now() + DEADLINE_MS; ; before++) {
        const order = orderOf(orders.length);
        orders.push(order);
        const features = await featuresOf(platform, order.user_id, await push(platform, [order]));
        const expected = expectedOf(orders, order.user_id);
        expect(features.orders, `read after its own write, ${before} reads after the commit`).to.equal(expected.orders);
        if ('items' in features) break;
        if (Date.now() > deadlineMs) throw new Error(`the new features are not served within ${DEADLINE_MS} ms`);
      }
      expect(before, 'reads while the history was read').to.be.greaterThan(5);
      const token = await push(platform, [orderOf(0)]);
      orders.push(orderOf(0));
      for (let user = 0; user < USERS; user++) {
        const { items, median, orders: count } = await featuresOf(platform, `u${user}`, token);
        expect({ orders: count, items, median }, `u${user}`).to.deep.equal(expectedOf(orders, `u${user}`));
      }
    });
  });
}
