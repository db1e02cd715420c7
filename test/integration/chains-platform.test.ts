// Join, stream, re-keying and chain through the whole platform, on a log and stores on disk, against a recomputation.

import { expect } from 'chai';
import { commitFile } from '../../libs/cli/commit-command.js';
import { ThymeClient } from '../../libs/client/thyme-client.js';
import { BuyerSpend, Price, ProductSales, Sale, Spender } from '../support/chain-features.js';
import { startEmbeddedPlatform, type EmbeddedPlatform } from '../support/embedded-platform.js';
import { jsonOf, request } from '../support/http.js';

const START_MS = Date.UTC(2026, 0, 5);
const PRODUCTS = ['p0', 'p1', 'p2', 'p3', 'p4'];
const BUYERS = ['ann', 'bob', 'cem', 'dee', 'eva', 'fay', 'gus'];
const SALES = 600;
const SETTLE_MS = 30_000;

interface Sold {
  readonly buyer: string;
  readonly product: string;
  readonly at: Date;
  readonly price: number | null;
}

interface Job {
  readonly name: string;
  readonly progress: { readonly applied: number; readonly lag: number; readonly late_right: number };
}

const at = (i: number): Date => new Date(START_MS + i * 1_000);
/** The price of a product changes every hundred sales; p4 has none for the first half. */
const priceOf = (product: string, i: number): number => 10 * (1 + Math.floor(i / 100)) + PRODUCTS.indexOf(product);

function sold(): Sold[] {
  return Array.from({ length: SALES }, (_, i) => {
    const product = PRODUCTS[(i * 3) % PRODUCTS.length] ?? '';
    return {
      buyer: BUYERS[(i * i) % BUYERS.length] ?? '',
      product,
      at: at(i),
      price: product === 'p4' && i < SALES / 2 ? null : priceOf(product, i),
    };
  });
}

async function pushAll(client: ThymeClient, sales: readonly Sold[]): Promise<void> {
  for (let i = 0; i < SALES; i += 100) {
    const products = PRODUCTS.filter((product) => product !== 'p4' || i >= SALES / 2);
    await client.log(
      Price,
      products.map((product) => Object.assign(new Price(), { product, price: priceOf(product, i), at: at(i) })),
    );
    await client.log(
      Sale,
      sales
        .slice(i, i + 100)
        .map(({ buyer, product, at: soldAt }, k) => Object.assign(new Sale(), { sale: `s${i + k}`, buyer, product, at: soldAt })),
    );
  }
}

/** A token does not reach through a chain (S21): its books say when it has read everything. */
async function jobsWhen({ url }: EmbeddedPlatform, isWanted: (jobs: readonly Job[]) => boolean): Promise<void> {
  const deadlineMs = Date.now() + SETTLE_MS;
  for (;;) {
    const { jobs } = jsonOf(await request(`${url}/api/v1/status`)) as unknown as { readonly jobs: readonly Job[] };
    if (isWanted(jobs)) return;
    if (Date.now() > deadlineMs)
      throw new Error(`not so within ${SETTLE_MS} ms: ${JSON.stringify(jobs.map(({ name, progress }) => [name, progress]))}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const isDone = (jobs: readonly Job[]): boolean =>
  jobs.length === 3 && jobs.every(({ progress }) => progress.applied === SALES && progress.lag === 0);
const lateOf = (jobs: readonly Job[]): number | undefined => jobs.find(({ name }) => name === 'PricedSale.priced')?.progress.late_right;

function totalOf(sales: readonly Sold[]): { readonly sales: number; readonly sum: number } {
  return { sales: sales.length, sum: sales.reduce((sum, { price }) => sum + (price ?? 0), 0) };
}

for (const partitions of [3, 8]) {
  describe(`chains and joins through the whole platform on ${partitions} partitions (S24, S25)`, function () {
    this.timeout(120_000);
    let platform: EmbeddedPlatform;
    let client: ThymeClient;
    const sales = sold();

    before(async () => {
      platform = await startEmbeddedPlatform({ partitions });
      client = new ThymeClient({ apiUrl: platform.url });
      await commitFile('test/support/chain-features.ts', platform.context);
      await pushAll(client, sales);
      await jobsWhen(platform, isDone);
    });
    after(() => platform.stop());

    it('answer as the records say, now and at instants of the past', async () => {
      for (const instant of [undefined, at(450), at(99)]) {
        const time = instant === undefined ? {} : { timestamp: instant };
        const until = sales.filter((sale) => instant === undefined || sale.at <= instant);
        for (const buyer of BUYERS) {
          const expected = totalOf(until.filter((sale) => sale.buyer === buyer));
          const { features } = await client.query(Spender, buyer, time);
          expect(features, buyer).to.deep.equal({ buyer, sales: expected.sales, spent: expected.sum });
        }
        for (const product of PRODUCTS) {
          const expected = totalOf(until.filter((sale) => sale.product === product));
          const { row } = await client.lookup(ProductSales, product, time);
          expect([row.sales, row.earned], product).to.deep.equal([expected.sales, expected.sum]);
        }
      }
      const { row: spend } = await client.lookup(BuyerSpend, 'nobody');
      expect([spend.sales, spend.spent]).to.deep.equal([0, 0]);
    });

    it('count the right rows that come too late, in status and metrics, and change nothing for them', async () => {
      await jobsWhen(platform, (jobs) => lateOf(jobs) === 0);
      const time = { timestamp: at(SALES) };
      const { row: before } = await client.lookup(ProductSales, 'p1', time);
      const { token = '' } = await client.log(Price, [Object.assign(new Price(), { product: 'p1', price: 9_999, at: at(0) })]);
      expect((await client.lookup(Price, 'p1', { after: token })).row?.price, 'there is a newer one').to.equal(priceOf('p1', 500));
      await jobsWhen(platform, (jobs) => isDone(jobs) && lateOf(jobs) === 1);
      expect((await client.lookup(ProductSales, 'p1', time)).row).to.deep.equal(before);
      const { text } = await request(`${platform.url}/metrics`);
      const counted = [...text.matchAll(/^thyme_pipeline_late_right_total\{[^}]*PricedSale\.priced v1[^}]*\} (\d+)$/gm)].map(([, count]) =>
        Number(count),
      );
      expect(counted).to.have.length(partitions);
      expect(counted.reduce((sum, count) => sum + count, 0)).to.equal(1);
    });
  });
}
