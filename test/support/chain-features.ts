// A chain with a join at its start, re-keyed twice: for tests of pipelines over several partitions.
import { Count, Sum, dataset, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
import type { Stream } from 'thyme';

@dataset({ version: 1, index: true })
export class Price {
  @key(t.string) product!: string;
  @field(t.int) price!: number;
  @timestamp() at!: Date;
}

@dataset({ version: 1 })
export class Sale {
  @key(t.string) sale!: string;
  @field(t.string) buyer!: string;
  @field(t.string) product!: string;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true, publish: true })
export class PricedSale {
  @key(t.string) buyer!: string;
  @field(t.string) product!: string;
  @field(t.int.optional) price!: number | null;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Sale, Price] })
  static priced(sales: Stream<Sale>, _prices: Stream<Price>) {
    return sales.join(Price, { on: ['product'] }).select('buyer', 'product', 'price', 'at');
  }
}

@dataset({ version: 1, index: true })
export class BuyerSpend {
  @key(t.string) buyer!: string;
  @field(t.int) sales!: number;
  @field(t.int) spent!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [PricedSale] })
  static spend(sales: Stream<PricedSale>) {
    return sales.groupBy('buyer').aggregate({ sales: Count(), spent: Sum({ of: 'price' }) });
  }
}

@dataset({ version: 1, index: true })
export class ProductSales {
  @key(t.string) product!: string;
  @field(t.int) sales!: number;
  @field(t.int) earned!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [PricedSale] })
  static sold(sales: Stream<PricedSale>) {
    return sales.groupBy('product').aggregate({ sales: Count(), earned: Sum({ of: 'price' }) });
  }
}

@featureset({ entity: 'buyer' })
export class Spender {
  @feature(t.string, { id: 1 }) buyer!: string;
  @feature(t.int, { id: 2, ref: [BuyerSpend, 'sales'] }) sales!: number;
  @feature(t.int, { id: 3, ref: [BuyerSpend, 'spent'] }) spent!: number;
}
