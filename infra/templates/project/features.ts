// What customers spend. `npm run dev` runs the platform with this file and commits it again on each save; `npm test` tests it.
import {
  Avg,
  Count,
  Sum,
  dataset,
  expect,
  expectations,
  extractor,
  feature,
  featureset,
  field,
  input,
  key,
  pipeline,
  t,
  timestamp,
} from 'thyme';
import type { ExtractorContext, Input, Stream } from 'thyme';

@dataset({ version: 1, maxLateness: '1d' })
export class Order {
  @key(t.string) customer!: string;
  @field(t.float) amount!: number;
  @timestamp() ordered_at!: Date;

  @expectations() static quality() {
    return [expect.between('amount', { min: 0.01, max: 10_000 })];
  }
}

@dataset({ version: 1, index: true })
export class CustomerSpending {
  @key(t.string) customer!: string;
  @field(t.int) orders_1d!: number;
  @field(t.float) spent_7d!: number;
  @field(t.float.optional) mean_amount!: number | null;
  @timestamp() ordered_at!: Date;

  @pipeline({ version: 1, inputs: [Order] })
  static ofCustomer(orders: Stream<Order>) {
    return orders
      .filter((order) => order.amount.gt(0))
      .groupBy('customer')
      .aggregate({ orders_1d: Count({ window: '1d' }), spent_7d: Sum({ of: 'amount', window: '7d' }), mean_amount: Avg({ of: 'amount' }) });
  }
}

@featureset({ entity: 'customer' })
export class CustomerFeatures {
  @feature(t.string, { id: 1 }) customer!: string;
  @feature(t.int, { id: 2, ref: [CustomerSpending, 'orders_1d'] }) orders_1d!: number;
  @feature(t.float, { id: 3, ref: [CustomerSpending, 'spent_7d'] }) spent_7d!: number;
  @feature(t.float, { id: 4, ref: [CustomerSpending, 'mean_amount'], default: 0 }) mean_amount!: number;
  @input(t.float, { id: 5 }) cart!: Input<number>;
  @feature(t.bool, { id: 6 }) is_large_cart!: boolean;

  @extractor({ inputs: ['mean_amount', 'cart'], outputs: ['is_large_cart'] })
  static largeCart(_context: ExtractorContext, { mean_amount, cart }: Pick<CustomerFeatures, 'mean_amount' | 'cart'>) {
    return { is_large_cart: cart > 3 * mean_amount };
  }
}
