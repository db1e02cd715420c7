// What makes it hard to write a client: every type, within one another too, and names and texts that mean something to both languages.
import { dataset, extractor, feature, featureset, field, input, key, t, timestamp } from 'thyme';
import type { Decimal, ExtractorContext, Input } from 'thyme';

export * from './every-type-features.js';

const leg = t.struct({ from: t.int, notes: t.list(t.string.optional), at: t.timestamp.optional });
interface Leg {
  from: number;
  notes: (string | null)[];
  at: globalThis.Date | null;
}
const deep = t.struct({ inner: t.struct({ price: t.decimal, when: t.date.optional, raw: t.bytes }) });
interface Deep {
  inner: { price: Decimal; when: string | null; raw: Uint8Array };
}
type Kind = "it's" | 'a "b"\\' | 'é\n';

@dataset({ version: 1, index: true, description: 'It ends */ a comment, """ a text, and \\n is no line\r\nwhile this is "' })
export class Date {
  @key(t.enum("it's", 'a "b"\\', 'é\n')) kind!: Kind;
  @key(t.date) day!: string;
  @key(t.bool) is!: boolean;
  @key(t.timestamp) slot!: globalThis.Date;
  @field(t.int) class!: number;
  @field(t.string) str!: string;
  @field(t.float.optional) float!: number | null;
  @field(t.list(leg).optional) legs!: Leg[] | null;
  @field(deep) DateDeep!: Deep;
  @field(t.string.optional) __x!: string | null;
  @timestamp() datetime!: globalThis.Date;
}

@featureset({ entity: ['kind', 'day', 'is', 'slot'], description: 'ends in a \\' })
export class Answer {
  @feature(t.enum("it's", 'a "b"\\', 'é\n'), { id: 1 }) kind!: Kind;
  @feature(t.date, { id: 2 }) day!: string;
  @feature(t.bool, { id: 3 }) is!: boolean;
  @feature(t.timestamp, { id: 4 }) slot!: globalThis.Date;
  @feature(t.list(leg).optional, { id: 5, ref: [Date, 'legs'], description: 'Of the way, */ """ in order' }) legs!: Leg[] | null;
  @feature(deep.optional, { id: 6, ref: [Date, 'DateDeep'] }) deep!: Deep | null;
  @feature(t.int, { id: 7, ref: [Date, 'class'], default: -1 }) class!: number;
  @input(t.list(t.enum('x', 'y')), { id: 8 }) lambda!: Input<('x' | 'y')[]>;
  @input(leg, { id: 9 }) leg!: Input<Leg>;
  @input(t.bytes.optional, { id: 10 }) seal!: Input<Uint8Array | null>;
  @feature(t.string, { id: 11 }) said!: string;

  @extractor({ inputs: ['lambda', 'leg', 'seal'], outputs: ['said'] })
  static says(_: ExtractorContext, { lambda, leg, seal }: Pick<Answer, 'lambda' | 'leg' | 'seal'>) {
    return { said: [...lambda, leg.from, ...leg.notes, leg.at?.toISOString(), seal?.length].join(' ') };
  }
}

@dataset({ version: 1, index: true })
export class Slot {
  @key(t.timestamp) slot!: globalThis.Date;
  @field(t.int) seats!: number;
  @timestamp() at!: globalThis.Date;
}

@featureset({ entity: 'slot' })
export class SlotSeats {
  @feature(t.timestamp, { id: 1 }) slot!: globalThis.Date;
  @feature(t.int, { id: 2, ref: [Slot, 'seats'], default: 0 }) seats!: number;
}
