// Rows of a table that change (S17), read by its log: for the test that compares answers with Postgres' own.
import { Count, Last, Max, Sum, dataset, feature, featureset, field, key, pipeline, source, t, timestamp } from 'thyme';
import type { Stream } from 'thyme';
import { postgres } from 'thyme/sources';

@source(postgres({ table: 'item', mode: 'cdc' }), { cdc: 'upsert' })
@dataset({ version: 1, cdc: 'upsert', rowKey: ['id'] })
export class Item {
  @field(t.int) id!: number;
  @key(t.string) g!: string;
  @field(t.int) v!: number;
  @field(t.string) note!: string;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true })
export class Sums {
  @key(t.string) g!: string;
  @field(t.int) n!: number;
  @field(t.int) recent!: number;
  @field(t.int) total!: number;
  @field(t.int.optional) most!: number | null;
  @field(t.string.optional) newest!: string | null;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Item] })
  static byGroup(items: Stream<Item>) {
    return items
      .groupBy('g')
      .aggregate({
        n: Count(),
        recent: Count({ window: '30m' }),
        total: Sum({ of: 'v' }),
        most: Max({ of: 'v' }),
        newest: Last({ of: 'note' }),
      });
  }
}

@featureset({ entity: 'g' })
export class Group {
  @feature(t.string, { id: 1 }) g!: string;
  @feature(t.int, { id: 2, ref: [Sums, 'n'] }) n!: number;
  @feature(t.int, { id: 3, ref: [Sums, 'recent'] }) recent!: number;
  @feature(t.int, { id: 4, ref: [Sums, 'total'] }) total!: number;
  @feature(t.int.optional, { id: 5, ref: [Sums, 'most'] }) most!: number | null;
  @feature(t.string.optional, { id: 6, ref: [Sums, 'newest'] }) newest!: string | null;
}
