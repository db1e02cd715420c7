// The second of two revisions: a pipeline that reads the trades from their beginning, and a feature that stands on it (S18).
import { Avg, Count, dataset, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
import type { Stream } from 'thyme';
import { MarketTrades, Trade } from './partition-datasets.js';

export * from './partition-datasets.js';

@dataset({ version: 1, index: true })
export class MarketWeeks {
  @key(t.string) market!: string;
  @field(t.int) trades_7d!: number;
  @field(t.float.optional) mean_7d!: number | null;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Trade] })
  static weeks(trades: Stream<Trade>) {
    return trades.groupBy('market').aggregate({ trades_7d: Count({ window: '7d' }), mean_7d: Avg({ of: 'amount', window: '7d' }) });
  }
}

@featureset({ entity: 'market' })
export class Market {
  @feature(t.string, { id: 1 }) market!: string;
  @feature(t.int, { id: 2, ref: [MarketTrades, 'trades'] }) trades!: number;
  @feature(t.int, { id: 3, ref: [MarketTrades, 'points'] }) points!: number;
  @feature(t.int, { id: 4, ref: [MarketWeeks, 'trades_7d'] }) trades_7d!: number;
  @feature(t.float.optional, { id: 5, ref: [MarketWeeks, 'mean_7d'] }) mean_7d!: number | null;
}
