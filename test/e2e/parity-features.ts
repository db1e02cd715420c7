// The fraud example, and a featureset beside it that needs no request-time inputs, so that training sets can
// ask for it too: extractors that look up, that wait, and that read each other.
import { extractor, feature, featureset, t } from 'thyme';
import type { ExtractorContext } from 'thyme';
import { UserOrderStats } from '../../infra/examples/fraud.js';

export * from '../../infra/examples/fraud.js';

@featureset({ entity: 'user_id' })
export class FraudHistory {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.int, { id: 2, ref: [UserOrderStats, 'order_count_1h'] }) order_count_1h!: number;
  @feature(t.float, { id: 3, ref: [UserOrderStats, 'total_spend_24h'] }) total_spend_24h!: number;
  @feature(t.float, { id: 4, ref: [UserOrderStats, 'p95_amount_30d'], default: -1 }) p95_amount_30d!: number;
  @feature(t.float, { id: 5 }) mean_amount_1h!: number;
  @feature(t.float, { id: 6 }) share_of_week!: number;
  @feature(t.string, { id: 7 }) mood!: string;

  @extractor({ inputs: ['user_id', 'order_count_1h'], outputs: ['mean_amount_1h'] })
  static mean({ lookup }: ExtractorContext, { user_id, order_count_1h }: Pick<FraudHistory, 'user_id' | 'order_count_1h'>) {
    return { mean_amount_1h: order_count_1h === 0 ? 0 : lookup(UserOrderStats, user_id).total_spend_24h / order_count_1h };
  }

  @extractor({ inputs: ['user_id', 'total_spend_24h'], outputs: ['share_of_week'] })
  static async share({ lookup }: ExtractorContext, { user_id, total_spend_24h }: Pick<FraudHistory, 'user_id' | 'total_spend_24h'>) {
    await Promise.resolve(); // the lookup below comes after others had their turn, and sees the same tick (S15)
    const week = lookup(UserOrderStats, user_id).total_spend_7d;
    return { share_of_week: week === 0 ? 0 : total_spend_24h / week };
  }

  @extractor({ inputs: ['mean_amount_1h', 'share_of_week'], outputs: ['mood'] })
  static moodOf(_: ExtractorContext, { mean_amount_1h, share_of_week }: Pick<FraudHistory, 'mean_amount_1h' | 'share_of_week'>) {
    return { mood: `${mean_amount_1h > 100 ? 'large' : 'small'} ${share_of_week.toFixed(4)}` };
  }
}
