// What the flights example does not ask: every operator that SQL has, over windows of hours, days, weeks
// and without end, by airport (the records' own key), by route, and by destination (another key, so
// that records pass to another partition).
import {
  ApproxPercentile,
  Avg,
  Count,
  Last,
  LastK,
  Max,
  Min,
  Sum,
  col,
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
import { Flight, OriginStats, RouteStats } from '../../../infra/examples/flights.js';

export * from '../../../infra/examples/flights.js';

@dataset({ version: 1, index: true })
export class AirportWindows {
  @key(t.string) origin!: string;
  @field(t.int) flights_ever!: number;
  @field(t.int) delayed_6h!: number;
  @field(t.int) paced_1w!: number;
  @field(t.int) miles_3h!: number;
  @field(t.int) early_minutes_2w!: number;
  @field(t.float) pace_sum_1w!: number;
  @field(t.float.optional) mean_delay_ever!: number | null;
  @field(t.float.optional) mean_pace_12h!: number | null;
  @field(t.int.optional) min_delay_12h!: number | null;
  @field(t.int.optional) max_delay_ever!: number | null;
  @field(t.float.optional) min_pace_1w!: number | null;
  @field(t.int.optional) max_far_delay_1d!: number | null;
  @field(t.timestamp.optional) newest_late_1w!: Date | null;
  @field(t.float.optional) p50_delay_1w!: number | null;
  @field(t.float.optional) p99_pace_2w!: number | null;
  @field(t.float.optional) p95_delay_ever!: number | null;
  @field(t.float.optional) delay_rank_1w!: number | null;
  @field(t.float.optional) delay_rank_ever!: number | null;
  @field(t.string.optional) last_destination!: string | null;
  @field(t.float.optional) last_pace_12h!: number | null;
  @field(t.float.optional) last_known_pace_12h!: number | null;
  @field(t.list(t.int)) last_delays_6h!: number[];
  @field(t.list(t.float)) last_known_paces!: number[];
  @field(t.list(t.string)) last_far_destinations_1d!: string[];
  @timestamp() departed_at!: Date;

  @pipeline({ version: 1, inputs: [Flight] })
  static windows(flights: Stream<Flight>) {
    // Null where the delay is 0; of one sign, so that sums in floating point do not cancel.
    const paced = flights.assign((f) => ({ pace: f.distance.div(f.delay.mul(f.delay)) }));
    return paced
      .groupBy('origin')
      .aggregate({
        flights_ever: Count(),
        delayed_6h: Count({ window: '6h', where: col('delay').gt(15) }),
        paced_1w: Count({ of: 'pace', window: '1w' }),
        miles_3h: Sum({ of: 'distance', window: '3h' }),
        early_minutes_2w: Sum({ of: 'delay', window: '2w', where: col('delay').lt(0) }),
        pace_sum_1w: Sum({ of: 'pace', window: '1w' }),
        mean_delay_ever: Avg({ of: 'delay' }),
        mean_pace_12h: Avg({ of: 'pace', window: '12h' }),
        min_delay_12h: Min({ of: 'delay', window: '12h' }),
        max_delay_ever: Max({ of: 'delay' }),
        min_pace_1w: Min({ of: 'pace', window: '1w' }),
        max_far_delay_1d: Max({ of: 'delay', window: '1d', where: col('distance').gte(1_000) }),
        newest_late_1w: Max({ of: 'departed_at', window: '1w', where: col('delay').gt(60) }),
        p50_delay_1w: ApproxPercentile({ of: 'delay', window: '1w', pct: 50 }),
        p99_pace_2w: ApproxPercentile({ of: 'pace', window: '2w', pct: 99 }),
        p95_delay_ever: ApproxPercentile({ of: 'delay', pct: 95 }),
        delay_rank_1w: ApproxPercentile({ of: 'delay', window: '1w', mode: 'rank' }),
        delay_rank_ever: ApproxPercentile({ of: 'delay', mode: 'rank' }),
        last_destination: Last({ of: 'destination' }),
        last_pace_12h: Last({ of: 'pace', window: '12h' }),
        last_known_pace_12h: Last({ of: 'pace', window: '12h', dropNull: true }),
        last_delays_6h: LastK({ of: 'delay', k: 5, window: '6h' }),
        last_known_paces: LastK({ of: 'pace', k: 4, dropNull: true }),
        last_far_destinations_1d: LastK({ of: 'destination', k: 3, window: '1d', dedup: true, where: col('distance').gt(1_000) }),
      });
  }
}

@dataset({ version: 1, index: true })
export class RouteWindows {
  @key(t.string) origin!: string;
  @key(t.string) destination!: string;
  @field(t.int) flights_2w!: number;
  @field(t.int.optional) worst_delay_ever!: number | null;
  @field(t.float.optional) p90_delay_2w!: number | null;
  @field(t.list(t.int)) last_delays!: number[];
  @timestamp() departed_at!: Date;

  @pipeline({ version: 1, inputs: [Flight] })
  static routeWindows(flights: Stream<Flight>) {
    return flights
      .groupBy('origin', 'destination')
      .aggregate({
        flights_2w: Count({ window: '2w' }),
        worst_delay_ever: Max({ of: 'delay' }),
        p90_delay_2w: ApproxPercentile({ of: 'delay', window: '2w', pct: 90 }),
        last_delays: LastK({ of: 'delay', k: 3 }),
      });
  }
}

@dataset({ version: 1, index: true })
export class DestinationWindows {
  @key(t.string) destination!: string;
  @field(t.int) arrivals_6h!: number;
  @field(t.float.optional) mean_delay_1d!: number | null;
  @field(t.float.optional) delay_rank_1d!: number | null;
  @field(t.list(t.string)) last_origins!: string[];
  @timestamp() departed_at!: Date;

  @pipeline({ version: 1, inputs: [Flight] })
  static arrivals(flights: Stream<Flight>) {
    return flights
      .groupBy('destination')
      .aggregate({
        arrivals_6h: Count({ window: '6h' }),
        mean_delay_1d: Avg({ of: 'delay', window: '1d' }),
        delay_rank_1d: ApproxPercentile({ of: 'delay', window: '1d', mode: 'rank' }),
        last_origins: LastK({ of: 'origin', k: 6 }),
      });
  }
}

@featureset({ entity: 'origin' })
export class AirportHistory {
  @feature(t.string, { id: 1 }) origin!: string;
  @feature(t.int, { id: 2, ref: [OriginStats, 'flights_1h'] }) flights_1h!: number;
  @feature(t.int, { id: 3, ref: [OriginStats, 'flights_1d'] }) flights_1d!: number;
  @feature(t.int, { id: 4, ref: [OriginStats, 'delayed_1d'] }) delayed_1d!: number;
  @feature(t.int, { id: 5, ref: [OriginStats, 'miles_7d'] }) miles_7d!: number;
  @feature(t.float.optional, { id: 6, ref: [OriginStats, 'mean_delay_1d'] }) mean_delay_1d!: number | null;
  @feature(t.int.optional, { id: 7, ref: [OriginStats, 'worst_delay_7d'] }) worst_delay_7d!: number | null;
  @feature(t.float.optional, { id: 8, ref: [OriginStats, 'p90_delay_7d'] }) p90_delay_7d!: number | null;
  @feature(t.list(t.string), { id: 9, ref: [OriginStats, 'last_destinations'] }) last_destinations!: string[];
  @feature(t.int, { id: 10, ref: [AirportWindows, 'flights_ever'] }) flights_ever!: number;
  @feature(t.int, { id: 11, ref: [AirportWindows, 'delayed_6h'] }) delayed_6h!: number;
  @feature(t.int, { id: 12, ref: [AirportWindows, 'paced_1w'] }) paced_1w!: number;
  @feature(t.int, { id: 13, ref: [AirportWindows, 'miles_3h'] }) miles_3h!: number;
  @feature(t.int, { id: 14, ref: [AirportWindows, 'early_minutes_2w'] }) early_minutes_2w!: number;
  @feature(t.float, { id: 15, ref: [AirportWindows, 'pace_sum_1w'] }) pace_sum_1w!: number;
  @feature(t.float.optional, { id: 16, ref: [AirportWindows, 'mean_delay_ever'] }) mean_delay_ever!: number | null;
  @feature(t.float.optional, { id: 17, ref: [AirportWindows, 'mean_pace_12h'] }) mean_pace_12h!: number | null;
  @feature(t.int.optional, { id: 18, ref: [AirportWindows, 'min_delay_12h'] }) min_delay_12h!: number | null;
  @feature(t.int.optional, { id: 19, ref: [AirportWindows, 'max_delay_ever'] }) max_delay_ever!: number | null;
  @feature(t.float.optional, { id: 20, ref: [AirportWindows, 'min_pace_1w'] }) min_pace_1w!: number | null;
  @feature(t.int.optional, { id: 21, ref: [AirportWindows, 'max_far_delay_1d'] }) max_far_delay_1d!: number | null;
  @feature(t.timestamp.optional, { id: 22, ref: [AirportWindows, 'newest_late_1w'] }) newest_late_1w!: Date | null;
  @feature(t.float.optional, { id: 23, ref: [AirportWindows, 'p50_delay_1w'] }) p50_delay_1w!: number | null;
  @feature(t.float.optional, { id: 24, ref: [AirportWindows, 'p99_pace_2w'] }) p99_pace_2w!: number | null;
  @feature(t.float.optional, { id: 25, ref: [AirportWindows, 'p95_delay_ever'] }) p95_delay_ever!: number | null;
  @feature(t.float.optional, { id: 26, ref: [AirportWindows, 'delay_rank_1w'] }) delay_rank_1w!: number | null;
  @feature(t.float.optional, { id: 27, ref: [AirportWindows, 'delay_rank_ever'] }) delay_rank_ever!: number | null;
  @feature(t.string.optional, { id: 28, ref: [AirportWindows, 'last_destination'] }) last_destination!: string | null;
  @feature(t.float.optional, { id: 29, ref: [AirportWindows, 'last_pace_12h'] }) last_pace_12h!: number | null;
  @feature(t.float.optional, { id: 30, ref: [AirportWindows, 'last_known_pace_12h'] }) last_known_pace_12h!: number | null;
  @feature(t.list(t.int), { id: 31, ref: [AirportWindows, 'last_delays_6h'] }) last_delays_6h!: number[];
  @feature(t.list(t.float), { id: 32, ref: [AirportWindows, 'last_known_paces'] }) last_known_paces!: number[];
  @feature(t.list(t.string), { id: 33, ref: [AirportWindows, 'last_far_destinations_1d'] }) last_far_destinations_1d!: string[];
}

@featureset({ entity: ['origin', 'destination'] })
export class RouteHistory {
  @feature(t.string, { id: 1 }) origin!: string;
  @feature(t.string, { id: 2 }) destination!: string;
  @feature(t.int, { id: 3, ref: [RouteStats, 'flights_7d'] }) flights_7d!: number;
  @feature(t.float.optional, { id: 4, ref: [RouteStats, 'mean_delay_7d'] }) mean_delay_7d!: number | null;
  @feature(t.int, { id: 5, ref: [RouteWindows, 'flights_2w'] }) flights_2w!: number;
  @feature(t.int.optional, { id: 6, ref: [RouteWindows, 'worst_delay_ever'] }) worst_delay_ever!: number | null;
  @feature(t.float.optional, { id: 7, ref: [RouteWindows, 'p90_delay_2w'] }) p90_delay_2w!: number | null;
  @feature(t.list(t.int), { id: 8, ref: [RouteWindows, 'last_delays'] }) last_delays!: number[];
}

@featureset({ entity: 'destination' })
export class DestinationHistory {
  @feature(t.string, { id: 1 }) destination!: string;
  @feature(t.int, { id: 2, ref: [DestinationWindows, 'arrivals_6h'] }) arrivals_6h!: number;
  @feature(t.float.optional, { id: 3, ref: [DestinationWindows, 'mean_delay_1d'] }) mean_delay_1d!: number | null;
  @feature(t.float.optional, { id: 4, ref: [DestinationWindows, 'delay_rank_1d'] }) delay_rank_1d!: number | null;
  @feature(t.list(t.string), { id: 5, ref: [DestinationWindows, 'last_origins'] }) last_origins!: string[];
}
