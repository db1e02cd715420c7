// Accounts that are updated and deleted: what the suite against PostgreSQL's history of them commits (S17).
import {
  ApproxPercentile,
  Avg,
  Count,
  LastK,
  Max,
  Min,
  Sum,
  dataset,
  feature,
  featureset,
  field,
  key,
  pipeline,
  t,
  timestamp,
} from 'thyme';
import type { Stream } from 'thyme';

@dataset({ version: 1, cdc: 'upsert', rowKey: ['account'] })
export class Account {
  @key(t.string) account!: string;
  @field(t.string) owner!: string;
  @field(t.string) region!: string;
  @field(t.int) number!: number;
  @field(t.int.optional) cents!: number | null;
  @timestamp() at!: Date;
}

/** Of some hundred rows each. */
@dataset({ version: 1, index: true })
export class OwnerAccounts {
  @key(t.string) owner!: string;
  @field(t.int) accounts_3d!: number;
  @field(t.int) accounts!: number;
  @field(t.int) valued_12h!: number;
  @field(t.int) cents_7d!: number;
  @field(t.float.optional) mean_5d!: number | null;
  @field(t.int.optional) least!: number | null;
  @field(t.int.optional) least_1d!: number | null;
  @field(t.int.optional) most_4d!: number | null;
  @field(t.float.optional) median!: number | null;
  @field(t.float.optional) p95_6d!: number | null;
  @field(t.list(t.int)) newest_6d!: number[];
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Account] })
  static build(accounts: Stream<Account>) {
    return accounts
      .groupBy('owner')
      .aggregate({
        accounts_3d: Count({ window: '3d' }),
        accounts: Count(),
        valued_12h: Count({ of: 'cents', window: '12h' }),
        cents_7d: Sum({ of: 'cents', window: '7d' }),
        mean_5d: Avg({ of: 'cents', window: '5d' }),
        least: Min({ of: 'cents' }),
        least_1d: Min({ of: 'cents', window: '1d' }),
        most_4d: Max({ of: 'cents', window: '4d' }),
        median: ApproxPercentile({ of: 'cents', pct: 50 }),
        p95_6d: ApproxPercentile({ of: 'cents', window: '6d', pct: 95 }),
        newest_6d: LastK({ of: 'number', window: '6d', k: 5 }),
      });
  }
}

/** Of a good part of all rows each, without those that a filter leaves out. */
@dataset({ version: 1, index: true })
export class RegionAccounts {
  @key(t.string) region!: string;
  @field(t.int) accounts_1d!: number;
  @field(t.int) accounts!: number;
  @field(t.int) cents_7d!: number;
  @field(t.float.optional) mean!: number | null;
  @field(t.int.optional) least_2d!: number | null;
  @field(t.int.optional) most!: number | null;
  @field(t.float.optional) median!: number | null;
  @field(t.list(t.int)) newest!: number[];
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Account] })
  static build(accounts: Stream<Account>) {
    return accounts
      .filter((account) => account.cents.gte(1_000))
      .groupBy('region')
      .aggregate({
        accounts_1d: Count({ window: '1d' }),
        accounts: Count(),
        cents_7d: Sum({ of: 'cents', window: '7d' }),
        mean: Avg({ of: 'cents' }),
        least_2d: Min({ of: 'cents', window: '2d' }),
        most: Max({ of: 'cents' }),
        median: ApproxPercentile({ of: 'cents', pct: 50 }),
        newest: LastK({ of: 'number', k: 8 }),
      });
  }
}

@featureset({ entity: 'owner' })
export class OwnerSignals {
  @feature(t.string, { id: 1 }) owner!: string;
  @feature(t.int, { id: 2, ref: [OwnerAccounts, 'accounts_3d'] }) accounts_3d!: number;
  @feature(t.int, { id: 3, ref: [OwnerAccounts, 'accounts'] }) accounts!: number;
  @feature(t.int, { id: 4, ref: [OwnerAccounts, 'valued_12h'] }) valued_12h!: number;
  @feature(t.int, { id: 5, ref: [OwnerAccounts, 'cents_7d'] }) cents_7d!: number;
  @feature(t.float.optional, { id: 6, ref: [OwnerAccounts, 'mean_5d'] }) mean_5d!: number | null;
  @feature(t.int.optional, { id: 7, ref: [OwnerAccounts, 'least'] }) least!: number | null;
  @feature(t.int.optional, { id: 8, ref: [OwnerAccounts, 'least_1d'] }) least_1d!: number | null;
  @feature(t.int.optional, { id: 9, ref: [OwnerAccounts, 'most_4d'] }) most_4d!: number | null;
  @feature(t.float.optional, { id: 10, ref: [OwnerAccounts, 'median'] }) median!: number | null;
  @feature(t.float.optional, { id: 11, ref: [OwnerAccounts, 'p95_6d'] }) p95_6d!: number | null;
  @feature(t.list(t.int), { id: 12, ref: [OwnerAccounts, 'newest_6d'] }) newest_6d!: number[];
}

@featureset({ entity: 'region' })
export class RegionSignals {
  @feature(t.string, { id: 1 }) region!: string;
  @feature(t.int, { id: 2, ref: [RegionAccounts, 'accounts_1d'] }) accounts_1d!: number;
  @feature(t.int, { id: 3, ref: [RegionAccounts, 'accounts'] }) accounts!: number;
  @feature(t.int, { id: 4, ref: [RegionAccounts, 'cents_7d'] }) cents_7d!: number;
  @feature(t.float.optional, { id: 5, ref: [RegionAccounts, 'mean'] }) mean!: number | null;
  @feature(t.int.optional, { id: 6, ref: [RegionAccounts, 'least_2d'] }) least_2d!: number | null;
  @feature(t.int.optional, { id: 7, ref: [RegionAccounts, 'most'] }) most!: number | null;
  @feature(t.float.optional, { id: 8, ref: [RegionAccounts, 'median'] }) median!: number | null;
  @feature(t.list(t.int), { id: 9, ref: [RegionAccounts, 'newest'] }) newest!: number[];
}
