// Orders of an online shop: is this one suspicious?
import {
  ApproxPercentile,
  Count,
  Max,
  Sum,
  col,
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

@dataset({ version: 1, description: 'One row per order', owner: 'risk@example.com', maxLateness: '1h' })
export class Order {
  @key(t.string) user_id!: string;
  @field(t.string) order_id!: string;
  @field(t.float) amount!: number;
  @timestamp() ordered_at!: Date;

  @expectations() static quality() {
    return [expect.between('amount', { min: 0.01, max: 50_000, mostly: 0.99 })];
  }
}

@dataset({ version: 1, index: true })
export class UserOrderStats {
  @key(t.string) user_id!: string;
  @field(t.int) order_count_1h!: number;
  @field(t.float) total_spend_24h!: number;
  @field(t.float) total_spend_7d!: number;
  @field(t.float.optional) max_order_amount_7d!: number | null;
  @field(t.float.optional) p95_amount_30d!: number | null;
  @timestamp() ordered_at!: Date;

  @pipeline({ version: 1, inputs: [Order] })
  static stats(orders: Stream<Order>) {
    return orders
      .filter((o) => o.amount.gt(0))
      .groupBy('user_id')
      .aggregate({
        order_count_1h: Count({ window: '1h' }),
        total_spend_24h: Sum({ of: 'amount', window: '24h' }),
        total_spend_7d: Sum({ of: 'amount', window: '7d', where: col('amount').lt(10_000) }),
        max_order_amount_7d: Max({ of: 'amount', window: '7d' }),
        p95_amount_30d: ApproxPercentile({ of: 'amount', window: '30d', pct: 95 }),
      });
  }
}

@featureset({ entity: 'user_id', owner: 'risk@example.com' })
export class FraudSignals {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.int, { id: 2, ref: [UserOrderStats, 'order_count_1h'] }) order_count_1h!: number;
  @feature(t.float, { id: 3, ref: [UserOrderStats, 'total_spend_24h'] }) total_spend_24h!: number;
  @feature(t.float.optional, { id: 6, ref: [UserOrderStats, 'max_order_amount_7d'] }) max_order_amount_7d!: number | null;
  @feature(t.float.optional, { id: 7, ref: [UserOrderStats, 'p95_amount_30d'] }) p95_amount_30d!: number | null;
  @feature(t.bool, { id: 4 }) is_suspicious!: boolean;
  @input(t.float, { id: 5 }) cart_total!: Input<number>;

  @extractor({ inputs: ['user_id', 'order_count_1h', 'cart_total'], outputs: ['is_suspicious'] })
  static suspicious(
    { lookup }: ExtractorContext,
    { user_id, order_count_1h, cart_total }: Pick<FraudSignals, 'user_id' | 'order_count_1h' | 'cart_total'>,
  ) {
    const stats = lookup(UserOrderStats, user_id);
    return { is_suspicious: order_count_1h > 5 || cart_total > (stats.total_spend_7d / 7) * 3 };
  }
}
