// The fraud example, and its features as a training set asks for them: without a cart, which comes with a request.
import { extractor, feature, featureset, t } from 'thyme';
import type { ExtractorContext } from 'thyme';
import { UserOrderStats } from '../examples/fraud.js';

export { FraudSignals, Order, UserOrderStats } from '../examples/fraud.js';

/** Windows that need no percentile; an extractor would look up the row with all of them. */
@featureset({ entity: 'user_id', owner: 'risk@example.com' })
export class FraudCounts {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.int, { id: 2, ref: [UserOrderStats, 'order_count_1h'] }) order_count_1h!: number;
  @feature(t.float, { id: 3, ref: [UserOrderStats, 'total_spend_24h'] }) total_spend_24h!: number;
  @feature(t.float.optional, { id: 4, ref: [UserOrderStats, 'max_order_amount_7d'] }) max_order_amount_7d!: number | null;
  @feature(t.float, { id: 5, ref: [UserOrderStats, 'total_spend_7d'] }) total_spend_7d!: number;
}

const CART_TOTAL = 900.5;

@featureset({ entity: 'user_id', owner: 'risk@example.com' })
export class FraudFacts {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.int, { id: 2, ref: [UserOrderStats, 'order_count_1h'] }) order_count_1h!: number;
  @feature(t.float, { id: 3, ref: [UserOrderStats, 'total_spend_24h'] }) total_spend_24h!: number;
  @feature(t.float.optional, { id: 4, ref: [UserOrderStats, 'max_order_amount_7d'] }) max_order_amount_7d!: number | null;
  @feature(t.float.optional, { id: 5, ref: [UserOrderStats, 'p95_amount_30d'] }) p95_amount_30d!: number | null;
  @feature(t.bool, { id: 6 }) is_suspicious!: boolean;

  @extractor({ inputs: ['user_id', 'order_count_1h'], outputs: ['is_suspicious'] })
  static suspicious({ lookup }: ExtractorContext, { user_id, order_count_1h }: Pick<FraudFacts, 'user_id' | 'order_count_1h'>) {
    const stats = lookup(UserOrderStats, user_id);
    return { is_suspicious: order_count_1h > 5 || CART_TOTAL > (stats.total_spend_7d / 7) * 3 };
  }
}
