// The first of two revisions.
import { feature, featureset, t } from 'thyme';
import { MarketTrades } from './partition-datasets.js';

export * from './partition-datasets.js';

@featureset({ entity: 'market' })
export class Market {
  @feature(t.string, { id: 1 }) market!: string;
  @feature(t.int, { id: 2, ref: [MarketTrades, 'trades'] }) trades!: number;
  @feature(t.int, { id: 3, ref: [MarketTrades, 'points'] }) points!: number;
}
