// What only several partitions show: pipelines re-keyed once and twice, chains of published rows, a step that throws,
// datasets with a limit of lateness. Committed as partition-features.ts, and in mid-stream as partition-features-next.ts.
import { ApproxPercentile, Count, LastK, Max, Sum, dataset, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
import type { Stream } from 'thyme';

export * from './chain-features.js';

/** The amount at which a step of MarketTrades throws (S23). */
export const UNLUCKY_AMOUNT = 13;

@dataset({ version: 1, index: true, maxLateness: '1h', maxFuture: '30d' })
export class Trade {
  @key(t.string) account!: string;
  @field(t.string) market!: string;
  @field(t.int) amount!: number;
  @field(t.float.optional) fee!: number | null;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true })
export class AccountTrades {
  @key(t.string) account!: string;
  @field(t.int) trades!: number;
  @field(t.int) trades_1h!: number;
  @field(t.int) volume!: number;
  @field(t.list(t.int)) last_three!: number[];
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Trade] })
  static trades(trades: Stream<Trade>) {
    return trades
      .groupBy('account')
      .aggregate({
        trades: Count(),
        trades_1h: Count({ window: '1h' }),
        volume: Sum({ of: 'amount' }),
        last_three: LastK({ of: 'amount', k: 3 }),
      });
  }
}

/** Each trade goes to its market's partition, unless the step before throws at it. */
@dataset({ version: 1, index: true })
export class MarketTrades {
  @key(t.string) market!: string;
  @field(t.int) trades!: number;
  @field(t.int) points!: number;
  @field(t.float.optional) fees_1d!: number | null;
  @field(t.float.optional) median!: number | null;
  @field(t.int.optional) dearest_1d!: number | null;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Trade] })
  static trades(trades: Stream<Trade>) {
    return trades
      .filter((trade) => trade.amount.gt(0))
      .transform({ points: t.int }, (trade) => {
        if (trade.amount === UNLUCKY_AMOUNT) throw new Error(`no points for ${trade.amount}`);
        return { points: 2 * trade.amount };
      })
      .groupBy('market')
      .aggregate({
        trades: Count(),
        points: Sum({ of: 'points' }),
        fees_1d: Sum({ of: 'fee', window: '1d' }),
        median: ApproxPercentile({ of: 'amount', window: '4w', pct: 50 }),
        dearest_1d: Max({ of: 'amount', window: '1d' }),
      });
  }
}

@dataset({ version: 1 })
export class Visit {
  @key(t.string) visitor!: string;
  @field(t.string) page!: string;
  @timestamp() at!: Date;
}

/** Its rows are what was known at their ticks (S25): of visitors in order of time, at whichever tick. */
@dataset({ version: 1, index: true, publish: true })
export class VisitorPages {
  @key(t.string) visitor!: string;
  @field(t.int) visits!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Visit] })
  static visits(visits: Stream<Visit>) {
    return visits.groupBy('visitor').aggregate({ visits: Count() });
  }
}

/** The chain's end: how many visitors have come so often. Its key is what the link before has computed. */
@dataset({ version: 1, index: true })
export class VisitLevels {
  @key(t.int) visits!: number;
  @field(t.int) visitors!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [VisitorPages] })
  static levels(pages: Stream<VisitorPages>) {
    return pages.groupBy('visits').aggregate({ visitors: Count() });
  }
}

/** Loaded from several files at once, each in its own order of time. */
@dataset({ version: 1, index: true, maxLateness: '10m' })
export class Reading {
  @key(t.string) device!: string;
  @field(t.string) site!: string;
  @field(t.int) value!: number;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true })
export class SiteReadings {
  @key(t.string) site!: string;
  @field(t.int) readings!: number;
  @field(t.int) total_7d!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Reading] })
  static readings(readings: Stream<Reading>) {
    return readings.groupBy('site').aggregate({ readings: Count(), total_7d: Sum({ of: 'value', window: '7d' }) });
  }
}

@featureset({ entity: 'account' })
export class Trader {
  @feature(t.string, { id: 1 }) account!: string;
  @feature(t.int, { id: 2, ref: [AccountTrades, 'trades'] }) trades!: number;
  @feature(t.int, { id: 3, ref: [AccountTrades, 'trades_1h'] }) trades_1h!: number;
  @feature(t.int, { id: 4, ref: [AccountTrades, 'volume'] }) volume!: number;
  @feature(t.list(t.int), { id: 5, ref: [AccountTrades, 'last_three'] }) last_three!: number[];
}
