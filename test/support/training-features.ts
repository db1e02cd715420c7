// Featuresets for training sets and batches: request-time inputs of several types, keys of every shape, and rows as wide as rows get.
import { Count, dataset, extractor, feature, featureset, field, input, key, pipeline, t, timestamp } from 'thyme';
import type { ExtractorContext, Input, Stream } from 'thyme';

@dataset({ version: 1 })
export class Ride {
  @key(t.string) rider!: string;
  @field(t.float) fare!: number;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true })
export class RiderStats {
  @key(t.string) rider!: string;
  @field(t.int) rides_1d!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Ride] })
  static stats(rides: Stream<Ride>) {
    return rides.groupBy('rider').aggregate({ rides_1d: Count({ window: '1d' }) });
  }
}

/** `surge` is required, `note` optional. */
@featureset({ entity: 'rider' })
export class Quote {
  @feature(t.string, { id: 1 }) rider!: string;
  @feature(t.int, { id: 2, ref: [RiderStats, 'rides_1d'] }) rides_1d!: number;
  @input(t.float, { id: 3 }) surge!: Input<number>;
  @input(t.string.optional, { id: 4 }) note!: Input<string | null>;
  @feature(t.float, { id: 6 }) price!: number;

  @extractor({ inputs: ['rides_1d', 'surge'], outputs: ['price'] })
  static priced(_: ExtractorContext, { rides_1d, surge }: Pick<Quote, 'rides_1d'> & { surge: number }) {
    return { price: (10 - Math.min(rides_1d, 5)) * surge };
  }
}

@featureset({ entity: ['origin', 'number'] })
export class Leg {
  @feature(t.string, { id: 1 }) origin!: string;
  @feature(t.int, { id: 2 }) number!: number;
  @input(t.int.optional, { id: 3 }) bags!: Input<number | null>;
}

@dataset({ version: 1, index: true })
export class Flag {
  @key(t.bool) on!: boolean;
  @field(t.int) level!: number;
  @timestamp() at!: Date;
}

@featureset({ entity: 'on' })
export class FlagLevel {
  @feature(t.bool, { id: 1 }) on!: boolean;
  @feature(t.int.optional, { id: 2, ref: [Flag, 'level'] }) level!: number | null;
}

@dataset({ version: 1, index: true })
export class Slot {
  @key(t.timestamp) begins!: Date;
  @field(t.int) seats!: number;
  @timestamp() at!: Date;
}

@featureset({ entity: 'begins' })
export class SlotSeats {
  @feature(t.timestamp, { id: 1 }) begins!: Date;
  @feature(t.int.optional, { id: 2, ref: [Slot, 'seats'] }) seats!: number | null;
}

/** 450 KB in seven texts; an entity that begins with `bad` fails when it is computed. */
@featureset({ entity: 'id' })
export class Wide {
  @feature(t.string, { id: 1 }) id!: string;
  @feature(t.list(t.string), { id: 2 }) texts!: string[];

  @extractor({ inputs: ['id'], outputs: ['texts'] })
  static wide(_: ExtractorContext, { id }: Pick<Wide, 'id'>) {
    if (id.startsWith('bad')) throw new Error('a row that cannot be computed');
    return { texts: Array.from({ length: 7 }, () => id.padEnd(64_286, '.')) };
  }
}
