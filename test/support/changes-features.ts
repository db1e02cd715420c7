// Orders that are updated and deleted (S17): for tests of what a change does online, and as of then.
import { Count, Last, Max, Sum, dataset, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
import type { Stream } from 'thyme';

@dataset({ version: 1, index: true, cdc: 'upsert', rowKey: ['order_id'] })
export class Order {
  @field(t.string) order_id!: string;
  @key(t.string) user_id!: string;
  @field(t.float) amount!: number;
  @field(t.string) state!: string;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true })
export class UserOrders {
  @key(t.string) user_id!: string;
  @field(t.int) orders!: number;
  @field(t.float) spent!: number;
  @field(t.float.optional) largest!: number | null;
  @field(t.string.optional) newest!: string | null;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Order] })
  static ofUser(orders: Stream<Order>) {
    return orders
      .filter((order) => order.state.ne('cancelled'))
      .groupBy('user_id')
      .aggregate({
        orders: Count({ window: '30d' }),
        spent: Sum({ of: 'amount', window: '30d' }),
        largest: Max({ of: 'amount' }),
        newest: Last({ of: 'order_id' }),
      });
  }
}

@featureset({ entity: 'user_id' })
export class Shopper {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.int, { id: 2, ref: [UserOrders, 'orders'] }) orders!: number;
  @feature(t.float, { id: 3, ref: [UserOrders, 'spent'] }) spent!: number;
  @feature(t.float.optional, { id: 4, ref: [UserOrders, 'largest'] }) largest!: number | null;
  @feature(t.string.optional, { id: 5, ref: [UserOrders, 'newest'] }) newest!: string | null;
}
