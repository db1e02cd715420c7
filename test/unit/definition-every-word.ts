// One use of every word that a definition has, with every option: definition-shapes.test.ts puts other things in their places.
import {
  ApproxPercentile,
  Count,
  LastK,
  Sum,
  col,
  type Decimal,
  dataset,
  expect,
  expectations,
  extractor,
  feature,
  featureset,
  field,
  input,
  key,
  lit,
  pipeline,
  source,
  t,
  timestamp,
} from 'thyme';
import { postgres } from 'thyme/sources';
import type { ExtractorContext, Input, Stream } from 'thyme';
@dataset({ version: 1, description: 'd', owner: 'o', tags: ['a'], deprecated: false, history: '90d', maxLateness: '1h', maxFuture: '1m' })
@source(postgres({ table: 'orders', host: 'h', port: 5432, password: { secret: 'env:PG' }, key: ['order_id'] }), {
  cursor: 'amount',
  every: '1m',
  maxLateness: '1h',
  maxFuture: '1m',
})
export class Order {
  @key(t.string) user_id!: string;
  @field(t.string) order_id!: string;
  @field(t.float) amount!: number;
  @field(t.decimal) price!: Decimal;
  @field(t.enum('a', 'b')) kind!: 'a' | 'b';
  @field(t.list(t.string)) names!: string[];
  @field(t.struct({ a: t.int })) pair!: { a: number };
  @field(t.string.optional) json!: string | null;
  @timestamp() ordered_at!: Date;
  @expectations() static quality() {
    return [expect.between('amount', { min: 0.01, max: 50, mostly: 0.99 }), expect.notNull('amount', { mostly: 0.5 })];
  }
}
@dataset({ version: 1, index: true })
export class Joined {
  @key(t.string) user_id!: string;
  @field(t.int) age!: number;
  @timestamp() at!: Date;
}
@dataset({ version: 1, index: true, publish: true })
export class Stats {
  @key(t.string) user_id!: string;
  @field(t.int) n!: number;
  @field(t.float) s!: number;
  @field(t.float.optional) p!: number | null;
  @field(t.list(t.float)) k!: number[];
  @timestamp() ordered_at!: Date;
  @pipeline({ version: 1, inputs: [Order, Joined], description: 'x', tags: ['y'], deprecated: true })
  static stats(orders: Stream<Order>, _joined: Stream<Joined>) {
    return orders
      .filter((o) => o.amount.gt(0))
      .assign({ x: col('amount').add(1), y: lit('a'), z: col('json').jsonExtract('a.b', t.int) })
      .transform({ q: t.int }, () => ({ q: 1 }))
      .rename('q', 'r')
      .join(Joined, { on: ['user_id'], how: 'left' })
      .select('user_id', 'amount', 'ordered_at', 'x')
      .groupBy('user_id')
      .aggregate({
        n: Count({ window: '1h', of: 'amount' }),
        s: Sum({ of: 'amount', window: '24h', where: col('amount').lt(10_000) }),
        p: ApproxPercentile({ of: 'amount', window: '30d', pct: 95 }),
        k: LastK({ of: 'amount', window: '1d', k: 3, dedup: true, dropNull: true }),
      });
  }
}
@featureset({ entity: 'user_id', owner: 'o', description: 'd', tags: ['t'], deprecated: false })
export class F {
  @feature(t.string, { id: 1, description: 'd', tags: ['x'] }) user_id!: string;
  @feature(t.int, { id: 2, ref: [Stats, 'n'], default: 3 }) n!: number;
  @feature(t.int, { id: 8, ref: [Joined, 'age'], default: 3 }) age!: number;
  @feature(t.bool, { id: 4 }) b!: boolean;
  @input(t.float, { id: 5, description: 'i' }) cart!: Input<number>;
  @extractor({ inputs: ['user_id', 'n', 'cart'], outputs: ['b'] })
  static e(_: ExtractorContext, { n, cart }: Pick<F, 'user_id' | 'n' | 'cart'>) {
    return { b: n > cart };
  }
}
@featureset({ entity: ['user_id'] })
export class G {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.int, { id: 2, from: [F, 'n'] }) n!: number;
}
