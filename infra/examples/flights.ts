// US flights of 2001: how busy and how late an airport or a route is, at any instant.
import {
  Avg,
  ApproxPercentile,
  Count,
  LastK,
  Max,
  Sum,
  col,
  dataset,
  extractor,
  feature,
  featureset,
  field,
  key,
  pipeline,
  source,
  t,
  timestamp,
} from 'thyme';
import type { ExtractorContext, Stream } from 'thyme';
import { files } from 'thyme/sources';

/** Where `npm start` puts the file of flights: beside the platform's data. */
const FLIGHT_FILES = `${process.env['THYME_DATA_DIR'] ?? '.thyme-data'}/flights/*.csv`;

@source(files({ path: FLIGHT_FILES }), { every: '2s' })
@dataset({ version: 1, description: 'One row per flight, at its scheduled departure', tags: ['flights'] })
export class Flight {
  @key(t.string) origin!: string;
  @field(t.string) destination!: string;
  /** Minutes; negative when it arrived early. */
  @field(t.int) delay!: number;
  /** Miles. */
  @field(t.int) distance!: number;
  @timestamp() departed_at!: Date;
}

@dataset({ version: 1, index: true, description: 'Departures of an airport' })
export class OriginStats {
  @key(t.string) origin!: string;
  @field(t.int) flights_1h!: number;
  @field(t.int) flights_1d!: number;
  @field(t.int) delayed_1d!: number;
  @field(t.int) miles_7d!: number;
  @field(t.float.optional) mean_delay_1d!: number | null;
  @field(t.int.optional) worst_delay_7d!: number | null;
  @field(t.float.optional) p90_delay_7d!: number | null;
  @field(t.list(t.string)) last_destinations!: string[];
  @timestamp() departed_at!: Date;

  @pipeline({ version: 1, inputs: [Flight] })
  static departures(flights: Stream<Flight>) {
    return flights
      .groupBy('origin')
      .aggregate({
        flights_1h: Count({ window: '1h' }),
        flights_1d: Count({ window: '1d' }),
        delayed_1d: Count({ window: '1d', where: col('delay').gt(15) }),
        miles_7d: Sum({ of: 'distance', window: '7d' }),
        mean_delay_1d: Avg({ of: 'delay', window: '1d' }),
        worst_delay_7d: Max({ of: 'delay', window: '7d' }),
        p90_delay_7d: ApproxPercentile({ of: 'delay', window: '7d', pct: 90 }),
        last_destinations: LastK({ of: 'destination', k: 3, window: '1d' }),
      });
  }
}

@dataset({ version: 1, index: true, description: 'Flights from one airport to another' })
export class RouteStats {
  @key(t.string) origin!: string;
  @key(t.string) destination!: string;
  @field(t.int) flights_7d!: number;
  @field(t.float.optional) mean_delay_7d!: number | null;
  @timestamp() departed_at!: Date;

  @pipeline({ version: 1, inputs: [Flight] })
  static route(flights: Stream<Flight>) {
    return flights
      .groupBy('origin', 'destination')
      .aggregate({ flights_7d: Count({ window: '7d' }), mean_delay_7d: Avg({ of: 'delay', window: '7d' }) });
  }
}

@featureset({ entity: 'origin', description: 'What a delay model asks about an airport' })
export class AirportDelay {
  @feature(t.string, { id: 1 }) origin!: string;
  @feature(t.int, { id: 2, ref: [OriginStats, 'flights_1h'] }) flights_1h!: number;
  @feature(t.int, { id: 3, ref: [OriginStats, 'flights_1d'] }) flights_1d!: number;
  @feature(t.int, { id: 4, ref: [OriginStats, 'delayed_1d'] }) delayed_1d!: number;
  @feature(t.int, { id: 5, ref: [OriginStats, 'miles_7d'] }) miles_7d!: number;
  @feature(t.float, { id: 6, ref: [OriginStats, 'mean_delay_1d'], default: 0 }) mean_delay_1d!: number;
  @feature(t.int.optional, { id: 7, ref: [OriginStats, 'worst_delay_7d'] }) worst_delay_7d!: number | null;
  @feature(t.float.optional, { id: 8, ref: [OriginStats, 'p90_delay_7d'] }) p90_delay_7d!: number | null;
  @feature(t.list(t.string), { id: 9, ref: [OriginStats, 'last_destinations'] }) last_destinations!: string[];
  @feature(t.float, { id: 10 }) delayed_share_1d!: number;

  @extractor({ inputs: ['flights_1d', 'delayed_1d'], outputs: ['delayed_share_1d'] })
  static delayedShare(_: ExtractorContext, { flights_1d, delayed_1d }: Pick<AirportDelay, 'flights_1d' | 'delayed_1d'>) {
    return { delayed_share_1d: flights_1d === 0 ? 0 : delayed_1d / flights_1d };
  }
}

@featureset({ entity: ['origin', 'destination'], description: 'What a delay model asks about a route' })
export class RouteDelay {
  @feature(t.string, { id: 1 }) origin!: string;
  @feature(t.string, { id: 2 }) destination!: string;
  @feature(t.int, { id: 3, ref: [RouteStats, 'flights_7d'] }) flights_7d!: number;
  @feature(t.float, { id: 4, ref: [RouteStats, 'mean_delay_7d'], default: 0 }) mean_delay_7d!: number;
}
