import { dataset, key, field, timestamp, source, pipeline, featureset, feature, input, extractor, expectations, expect,
  Count, Sum, Max, Last, LastK, ApproxPercentile, col, secret, t, Decimal, type Input, type Stream, type ExtractorContext } from '../../libs/definition/thyme.js';
import { kafka, postgres } from '../../libs/definition/sources.js';

@source(postgres({ table: 'orders', password: secret.env('PG_PASSWORD') }), { cursor: 'ordered_at', every: '5s', maxLateness: '1h' })
@dataset({ version: 1, description: 'One row per order', owner: 'risk@example.com' })
export class Order {
  @key(t.string) user_id!: string;
  @field(t.string) order_id!: string;
  @field(t.float) amount!: number;
  @field(t.enum('paid', 'open')) status!: 'paid' | 'open';
  @timestamp() ordered_at!: Date;

  @expectations() static quality() { return [expect.between('amount', { min: 0.01, max: 50_000, mostly: 0.99 }), expect.notNull('order_id')]; }
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
      .filter(col('amount').gt(0))
      .groupBy('user_id')
      .aggregate({
        order_count_1h: Count({ window: '1h' }),
        total_spend_24h: Sum({ of: 'amount', window: '24h' }),
        total_spend_7d: Sum({ of: 'amount', window: '7d', where: col('status').eq('paid') }),
        max_order_amount_7d: Max({ of: 'amount', window: '7d' }),
        p95_amount_30d: ApproxPercentile({ of: 'amount', window: '30d', pct: 95 }),
      });
  }
}

@source(kafka({ topic: 'users' }))
@dataset({ version: 1, index: true })
export class User {
  @key(t.string) user_id!: string;
  @field(t.string.optional) country!: string | null;
  @field(t.int) age!: number;
  @timestamp() created_at!: Date;
}

@featureset({ entity: 'user_id' })
export class FraudSignals {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.int, { id: 2, ref: [UserOrderStats, 'order_count_1h'] }) order_count_1h!: number;
  @feature(t.float, { id: 3, ref: [UserOrderStats, 'total_spend_24h'], default: 0 }) total_spend_24h!: number;
  @feature(t.float.optional, { id: 6, ref: [UserOrderStats, 'max_order_amount_7d'] }) max_amount!: number | null;
  @feature(t.string, { id: 7, ref: [User, 'country'], default: '??' }) country!: string;
  @feature(t.bool, { id: 4 }) is_suspicious!: boolean;
  @feature(t.float, { id: 5 }) ratio!: number;
  @input(t.float, { id: 8 }) cart_total!: Input<number>;

  @extractor({ inputs: ['user_id', 'order_count_1h', 'total_spend_24h'], outputs: ['is_suspicious'] })
  static suspicious({ lookup }: ExtractorContext, { user_id, order_count_1h, total_spend_24h }: Pick<FraudSignals, 'user_id' | 'order_count_1h' | 'total_spend_24h'>) {
    const stats = lookup(UserOrderStats, user_id);
    return { is_suspicious: order_count_1h > 5 || total_spend_24h > (stats.total_spend_7d / 7) * 3 };
  }
  @extractor({ inputs: ['user_id', 'cart_total'], outputs: ['ratio'] })
  static async ratio({ lookup }: ExtractorContext, { user_id, cart_total }: Pick<FraudSignals, 'user_id' | 'cart_total'>) {
    const user = lookup(User, user_id);
    return { ratio: cart_total / (user?.age ?? 1) };
  }
}

@dataset({ version: 1 })
export class Many {
  @key(t.string) id!: string;
  @field(t.list(t.string)) tags!: string[];
  @field(t.list(t.string)) tags2!: readonly string[];
  @field(t.struct({ lat: t.float, lng: t.float.optional })) at!: { lat: number; lng: number | null };
  @field(t.list(t.struct({ lat: t.float }))) path!: readonly { readonly lat: number }[];
  @field(t.enum('a', 'b').optional) kind!: 'a' | 'b' | null;
  @field(t.decimal) price!: Decimal;
  @field(t.bytes) blob!: Uint8Array;
  @field(t.timestamp) seen!: Date;
  @timestamp() ts!: Date;
}

@dataset({ version: 1, index: true })
export class CountryStats {
  @key(t.string) country!: string;
  @field(t.float) spend!: number;
  @field(t.list(t.string)) last_orders!: string[];
  @field(t.enum('paid', 'open').optional) last_status!: 'paid' | 'open' | null;
  @field(t.float.optional) top_double!: number | null;
  @timestamp() at!: Date;
  @pipeline({ version: 1, inputs: [Order, User] })
  static stats(orders: Stream<Order>, _users: Stream<User>) {
    return orders
      .join(User, { on: ['user_id'] })
      .filter((o) => o.status.eq('paid'))
      .assign((o) => ({ double: o.amount.mul(2) }))
      .transform({ country: t.string }, (row) => ({ country: row.country ?? '??' }))
      .groupBy('country')
      .aggregate({
        spend: Sum({ of: 'double', window: '1h' }),
        last_orders: LastK({ of: 'order_id', k: 3 }),
        last_status: Last({ of: 'status' }),
        top_double: Max({ of: 'double' }),
      });
  }
}
