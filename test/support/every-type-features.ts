// A dataset with a field of every type, a composite key, and a featureset that hands all of it on.
import { Count, dataset, extractor, feature, featureset, field, input, key, pipeline, t, timestamp } from 'thyme';
import type { Decimal, ExtractorContext, Input, Stream } from 'thyme';

@dataset({ version: 1, index: true })
export class Parcel {
  @key(t.string) depot!: string;
  @key(t.int) number!: number;
  @field(t.float) weight!: number;
  @field(t.bool) fragile!: boolean;
  @field(t.decimal) price!: Decimal;
  @field(t.bytes) label!: Uint8Array;
  @field(t.date) due!: string;
  @field(t.enum('road', 'air')) way!: 'road' | 'air';
  @field(t.list(t.string)) stops!: string[];
  @field(t.struct({ x: t.float, y: t.float.optional })) place!: { x: number; y: number | null };
  @field(t.timestamp.optional) picked_at!: Date | null;
  @field(t.string.optional) note!: string | null;
  @timestamp() sent_at!: Date;
}

@dataset({ version: 1, index: true })
export class DepotParcels {
  @key(t.string) depot!: string;
  @field(t.int) parcels!: number;
  @timestamp() sent_at!: Date;

  @pipeline({ version: 1, inputs: [Parcel] })
  static count(parcels: Stream<Parcel>) {
    return parcels.groupBy('depot').aggregate({ parcels: Count() });
  }
}

@featureset({ entity: ['depot', 'number'] })
export class ParcelFeatures {
  @feature(t.string, { id: 1 }) depot!: string;
  @feature(t.int, { id: 2 }) number!: number;
  @feature(t.decimal.optional, { id: 3, ref: [Parcel, 'price'] }) price!: Decimal | null;
  @feature(t.bytes.optional, { id: 4, ref: [Parcel, 'label'] }) label!: Uint8Array | null;
  @feature(t.timestamp.optional, { id: 5, ref: [Parcel, 'picked_at'] }) picked_at!: Date | null;
  @feature(t.struct({ x: t.float, y: t.float.optional }).optional, { id: 6, ref: [Parcel, 'place'] }) place!: {
    x: number;
    y: number | null;
  } | null;
  @feature(t.list(t.string), { id: 7, ref: [Parcel, 'stops'], default: [] }) stops!: string[];
}

@featureset({ entity: 'depot' })
export class DepotLoad {
  @feature(t.string, { id: 1 }) depot!: string;
  @feature(t.int, { id: 2, ref: [DepotParcels, 'parcels'] }) parcels!: number;
  @input(t.timestamp, { id: 3 }) asked_at!: Input<Date>;
  @input(t.decimal.optional, { id: 4 }) budget!: Input<Decimal | null>;
  @feature(t.float, { id: 5 }) hours!: number;

  @extractor({ inputs: ['asked_at', 'parcels'], outputs: ['hours'] })
  static hoursOf(_: ExtractorContext, { asked_at, parcels }: Pick<DepotLoad, 'asked_at' | 'parcels'>) {
    return { hours: asked_at.getUTCHours() + parcels / 10 };
  }
}
