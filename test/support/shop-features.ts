// A module with a field of every kind that clients must bring in its own way: what the end-to-end tests commit.
import { Count, Max, Sum, dataset, extractor, feature, featureset, field, input, key, pipeline, t, timestamp } from 'thyme';
import type { ExtractorContext, Input, Stream } from 'thyme';

@dataset({ version: 1, index: true })
export class Purchase {
  @key(t.int) user_id!: number;
  @field(t.string) item!: string;
  @field(t.float) price!: number;
  @field(t.int.optional) quantity!: number | null;
  @field(t.string.optional) note!: string | null;
  @timestamp() paid_at!: Date;
}

@dataset({ version: 1, index: true })
export class UserPurchases {
  @key(t.int) user_id!: number;
  @field(t.int) count_1d!: number;
  @field(t.int) pieces_1d!: number;
  @field(t.float) spend_1d!: number;
  @field(t.float.optional) dearest_1d!: number | null;
  @timestamp() paid_at!: Date;

  @pipeline({ version: 1, inputs: [Purchase] })
  static purchases(purchases: Stream<Purchase>) {
    return purchases
      .groupBy('user_id')
      .aggregate({
        count_1d: Count({ window: '1d' }),
        pieces_1d: Sum({ of: 'quantity', window: '1d' }),
        spend_1d: Sum({ of: 'price', window: '1d' }),
        dearest_1d: Max({ of: 'price', window: '1d' }),
      });
  }
}

@dataset({ version: 1, index: true })
export class Visit {
  @key(t.string) page!: string;
  @field(t.int) ms!: number;
  @timestamp() at!: Date;
}

@featureset({ entity: 'user_id' })
export class Buyer {
  @feature(t.int, { id: 1 }) user_id!: number;
  @feature(t.int, { id: 2, ref: [UserPurchases, 'count_1d'] }) count_1d!: number;
  @feature(t.float, { id: 3, ref: [UserPurchases, 'spend_1d'] }) spend_1d!: number;
  @feature(t.float.optional, { id: 4, ref: [UserPurchases, 'dearest_1d'] }) dearest_1d!: number | null;
  @feature(t.string.optional, { id: 5, ref: [Purchase, 'item'] }) item!: string | null;
  @feature(t.timestamp.optional, { id: 6, ref: [Purchase, 'paid_at'] }) last_paid_at!: Date | null;
  @feature(t.bool, { id: 7 }) is_new!: boolean;

  @extractor({ inputs: ['count_1d'], outputs: ['is_new'] })
  static isNew(_: ExtractorContext, { count_1d }: Pick<Buyer, 'count_1d'>) {
    return { is_new: count_1d === 0 };
  }
}

@featureset({ entity: 'user_id' })
export class Cart {
  @feature(t.int, { id: 1 }) user_id!: number;
  @input(t.float, { id: 2 }) total!: Input<number>;
  @feature(t.float, { id: 3, ref: [UserPurchases, 'spend_1d'] }) spend_1d!: number;
  @feature(t.float, { id: 4 }) ratio!: number;

  @extractor({ inputs: ['total', 'spend_1d'], outputs: ['ratio'] })
  static ratioOf(_: ExtractorContext, { total, spend_1d }: Pick<Cart, 'total' | 'spend_1d'>) {
    return { ratio: spend_1d === 0 ? 0 : total / spend_1d };
  }
}
