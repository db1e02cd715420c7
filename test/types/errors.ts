import { dataset, key, field, timestamp, source, pipeline, featureset, feature, input, extractor, expectations, expect,
  Count, Sum, Min, Max, Last, Avg, col, t, Decimal, type Input, type Stream, type ExtractorContext } from '../../libs/definition/thyme.js';
import { kafka, postgres } from '../../libs/definition/sources.js';
import type { ThymeClient } from './client.js';
import { Order, User, UserOrderStats, FraudSignals } from './example.js';

// a ------------------------------------------------------------
class A {
  // @ts-expect-error a1 string on a number
  @field(t.string) a1!: number;
  // @ts-expect-error a2 optional type, required field
  @field(t.float.optional) a2!: number;
  // @ts-expect-error a3 required type, nullable field
  @field(t.float) a3!: number | null;
  // @ts-expect-error a4 `?`
  @field(t.float) a4?: number;
  // @ts-expect-error a5 any
  @field(t.float) a5!: any;
  // @ts-expect-error a6 list element
  @field(t.list(t.string)) a6!: number[];
  // @ts-expect-error a7 struct member
  @field(t.struct({ lat: t.float })) a7!: { lat: string };
  // @ts-expect-error a8 struct missing member
  @field(t.struct({ lat: t.float, lng: t.float })) a8!: { lat: number };
  // @ts-expect-error a9 struct surplus member
  @field(t.struct({ lat: t.float })) a9!: { lat: number; lng: number };
  // @ts-expect-error a10 enum wider
  @field(t.enum('a', 'b')) a10!: string;
  // @ts-expect-error a11 enum narrower
  @field(t.enum('a', 'b')) a11!: 'a';
  // @ts-expect-error a12 enum other
  @field(t.enum('a', 'b')) a12!: 'a' | 'b' | 'c';
  // @ts-expect-error a13 timestamp as string
  @field(t.timestamp) a13!: string;
  // @ts-expect-error a14 decimal as number
  @field(t.decimal) a14!: number;
  // @ts-expect-error a15 bytes
  @field(t.bytes) a15!: string;
  // @ts-expect-error a16 int as bigint
  @field(t.int) a16!: bigint;
  // @ts-expect-error a17 unknown
  @field(t.int) a17!: unknown;
  // @ts-expect-error a18 undefined
  @field(t.float.optional) a18!: number | undefined;
  // @ts-expect-error a19 no type
  @field() a19!: number;
  // @ts-expect-error a20 forgotten call
  @field a20!: number;
  // @ts-expect-error a21 list of optional
  @field(t.list(t.string)) a21!: (string | null)[];
  // @ts-expect-error a22 key type
  @key(t.float.optional) a22!: number | null;
  // @ts-expect-error a23 float key? (number is allowed by TS: int)
  @key(t.list(t.string)) a23!: string[];
  @field(t.int) notCaught!: number; // int and float are both number
  @field(t.float) notCaught2!: number;
}
// b ------------------------------------------------------------
class B1 {
  // @ts-expect-error b1 timestamp not a Date
  @timestamp() b1!: string;
  // @ts-expect-error b2 nullable timestamp
  @timestamp() b2!: Date | null;
}
// @ts-expect-error b3 no Date at all
@dataset({ version: 1 })
class B3 { @key(t.string) id!: string; }
// @ts-expect-error b4 an instance method
@dataset({ version: 1 })
class B4 { @key(t.string) id!: string; @timestamp() at!: Date; hello() { return 1; } }
// @ts-expect-error b5 no version
@dataset({})
class B5 { @key(t.string) id!: string; @timestamp() at!: Date; }
@dataset({ version: 1 }) // not caught: no @key
class B6 { @field(t.string) id!: string; @timestamp() at!: Date; }
@dataset({ version: 1 }) // not caught: two keys, two timestamps, an undecorated field
class B7 { @key(t.string) id!: string; @key(t.string) id2!: string; @timestamp() at!: Date; @timestamp() at2!: Date; forgotten!: string; }

// c ------------------------------------------------------------
class C {
  // @ts-expect-error c1 no such field
  @feature(t.int, { id: 1, ref: [UserOrderStats, 'order_count_1x'] }) c1!: number;
  // @ts-expect-error c2 field of another type
  @feature(t.int, { id: 1, ref: [UserOrderStats, 'user_id'] }) c2!: number;
  // @ts-expect-error c3 default of another type
  @feature(t.int, { id: 1, ref: [UserOrderStats, 'order_count_1h'], default: 'x' }) c3!: number;
  // @ts-expect-error c4 nullable ref without default
  @feature(t.float, { id: 1, ref: [UserOrderStats, 'max_order_amount_7d'] }) c4!: number;
  // @ts-expect-error c5 raw dataset: may be absent
  @feature(t.float, { id: 1, ref: [Order, 'amount'] }) c5!: number;
  // @ts-expect-error c6 type against declaration
  @feature(t.string, { id: 1, ref: [UserOrderStats, 'order_count_1h'] }) c6!: number;
  // @ts-expect-error c7 not a class
  @feature(t.int, { id: 1, ref: ['UserOrderStats', 'order_count_1h'] }) c7!: number;
  // @ts-expect-error c8 no id
  @feature(t.int, { ref: [UserOrderStats, 'order_count_1h'] }) c8!: number;
  // @ts-expect-error c9 unknown option
  @feature(t.int, { id: 1, ref: [UserOrderStats, 'order_count_1h'], defualt: 0 }) c9!: number;
  // @ts-expect-error c10 enum from string
  @feature(t.enum('a', 'b'), { id: 1, ref: [User, 'country'], default: 'a' }) c10!: 'a' | 'b';
  // @ts-expect-error c11 Input with @feature
  @feature(t.int, { id: 1 }) c11!: Input<number>;
  // @ts-expect-error c12 @input without Input
  @input(t.int, { id: 1 }) c12!: number;
  @feature(t.float, { id: 2, ref: [UserOrderStats, 'max_order_amount_7d'], default: 0 }) ok!: number;
  @feature(t.float.optional, { id: 2, ref: [Order, 'amount'] }) ok2!: number | null;
  @feature(t.int, { id: 2, ref: [UserOrderStats, 'total_spend_7d'] }) notCaught!: number; // int feature, float field; duplicate id
}
// d ------------------------------------------------------------
class D {
  a!: string; b!: number; c!: boolean;
  // @ts-expect-error d1 wrong input
  @extractor({ inputs: ['a', 'nope'], outputs: ['c'] }) static d1(_: ExtractorContext, { a }: Pick<D, 'a'>) { return { c: a === '' }; }
  // @ts-expect-error d2 wrong output
  @extractor({ inputs: ['a'], outputs: ['nope'] }) static d2(_: ExtractorContext, { a }: Pick<D, 'a'>) { return { nope: a === '' }; }
  // @ts-expect-error d3 parameter asks for more than inputs
  @extractor({ inputs: ['a'], outputs: ['c'] }) static d3(_: ExtractorContext, { a, b }: Pick<D, 'a' | 'b'>) { return { c: a.length === b }; }
  // @ts-expect-error d4 the whole class
  @extractor({ inputs: ['a'], outputs: ['c'] }) static d4(_: ExtractorContext, { a }: D) { return { c: a === '' }; }
  // @ts-expect-error d5 lacks an output
  @extractor({ inputs: ['a'], outputs: ['b', 'c'] }) static d5(_: ExtractorContext, { a }: Pick<D, 'a'>) { return { c: a === '' }; }
  // @ts-expect-error d6 wrong output type
  @extractor({ inputs: ['a'], outputs: ['c'] }) static d6(_: ExtractorContext, { a }: Pick<D, 'a'>) { return { c: a }; }
  // @ts-expect-error d7 input of another featureset
  @extractor({ inputs: ['country'], outputs: ['c'] }) static d7(_: ExtractorContext, { country }: Pick<FraudSignals, 'country'>) { return { c: country === '' }; }
  // @ts-expect-error d8 not static
  @extractor({ inputs: ['a'], outputs: ['c'] }) d8(_: ExtractorContext, { a }: Pick<D, 'a'>) { return { c: a === '' }; }
  // @ts-expect-error d9 async, wrong
  @extractor({ inputs: ['a'], outputs: ['c'] }) static async d9(_: ExtractorContext, { a }: Pick<D, 'a'>) { return { c: a }; }
  // @ts-expect-error d10 outputs an input type
  @extractor({ inputs: ['a'], outputs: [] }) static d10(_: ExtractorContext, { a }: Pick<D, 'a'>) { return { c: a === '' }; }
  // @ts-expect-error d11 surplus input
  @extractor({ inputs: ['a', 'b'], outputs: ['c'] }) static surplusInput(_: ExtractorContext, { a }: Pick<D, 'a'>) { return { c: a === '' }; }
  // @ts-expect-error d12 surplus output
  @extractor({ inputs: ['a'], outputs: ['c'] }) static surplusOutput(_: ExtractorContext, { a }: Pick<D, 'a'>) { return { c: a === '', d: 1 }; }
}
// e ------------------------------------------------------------
class Stats {
  user_id!: string; n!: number; m!: number | null; at!: Date;
  // @ts-expect-error e1 wrong stream
  @pipeline({ version: 1, inputs: [Order] }) static e1(s: Stream<User>) { return s.groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'age' }) }); }
  // @ts-expect-error e2 follow-on
  @pipeline({ version: 1, inputs: [Order] }) static e2(s: Stream<Order>) {
    // @ts-expect-error e2 groupBy
    return s.groupBy('nope').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e3(s: Stream<Order>) {
    // @ts-expect-error e3 Sum of a field that is not there
    return s.groupBy('user_id').aggregate({ n: Sum({ of: 'nope', window: '1h' }), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e4(s: Stream<Order>) {
    // @ts-expect-error e4 Sum of a string
    return s.groupBy('user_id').aggregate({ n: Sum({ of: 'order_id', window: '1h' }), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e5(s: Stream<Order>) {
    // @ts-expect-error e5 window
    return s.groupBy('user_id').aggregate({ n: Sum({ of: 'amount', window: '1x' }), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e5b(s: Stream<Order>) {
    // @ts-expect-error e5b window, fraction
    return s.groupBy('user_id').aggregate({ n: Sum({ of: 'amount', window: '1.5h' }), m: Max({ of: 'amount' }) }); }
  // @ts-expect-error e6 missing
  @pipeline({ version: 1, inputs: [Order] }) static e6(s: Stream<Order>) { return s.groupBy('user_id').aggregate({ n: Count() }); }
  // @ts-expect-error e7 surplus
  @pipeline({ version: 1, inputs: [Order] }) static e7(s: Stream<Order>) { return s.groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }), x: Count() }); }
  // @ts-expect-error e8 Min is nullable
  @pipeline({ version: 1, inputs: [Order] }) static e8(s: Stream<Order>) { return s.groupBy('user_id').aggregate({ n: Min({ of: 'amount' }), m: Max({ of: 'amount' }) }); }
  // @ts-expect-error e9 other type
  @pipeline({ version: 1, inputs: [Order] }) static e9(s: Stream<Order>) { return s.groupBy('user_id').aggregate({ n: Count(), m: Last({ of: 'order_id' }) }); }
  // @ts-expect-error e10 group key is no field
  @pipeline({ version: 1, inputs: [Order] }) static e10(s: Stream<Order>) { return s.groupBy('order_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e11(s: Stream<Order>) {
    // @ts-expect-error e11 filter, column
    return s.filter(col('amuont').gt(0)).groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e12(s: Stream<Order>) {
    // @ts-expect-error e12 filter, type
    return s.filter(col('amount').gt('0')).groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e13(s: Stream<Order>) {
    // @ts-expect-error e13 filter, enum
    return s.filter(col('status').eq('payed')).groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e14(s: Stream<Order>) {
    // @ts-expect-error e14 where, column
    return s.groupBy('user_id').aggregate({ n: Count({ where: col('amuont').gt(0) }), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e15(s: Stream<Order>) {
    // @ts-expect-error e15 callback, column
    return s.filter((o) => o.amuont.gt(0)).groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e16(s: Stream<Order>) {
    // @ts-expect-error e16 callback, type
    return s.filter((o) => o.amount.gt('0')).groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  // @ts-expect-error e17 follow-on
  @pipeline({ version: 1, inputs: [Order] }) static e17(s: Stream<Order>) {
    // @ts-expect-error e17 assign
    return s.assign({ d: col('order_id').mul(2) }).groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'd' }) }); }
  // @ts-expect-error e18 follow-on
  @pipeline({ version: 1, inputs: [Order] }) static e18(s: Stream<Order>) {
    // @ts-expect-error e18 select took the column away
    return s.select('user_id', 'ordered_at').groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e19(s: Stream<Order>) {
    // @ts-expect-error e19 join on
    return s.join(User, { on: ['order_id'] }).groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'age' }) }); }
  // @ts-expect-error e20 left join gives null
  @pipeline({ version: 1, inputs: [Order] }) static e20(s: Stream<Order>) { return s.join(User, { on: ['user_id'] }).assign({ n: col('age').add(1) }).select('user_id', 'n', 'ordered_at'); }
  @pipeline({ version: 1, inputs: [Order] }) static e21(s: Stream<Order>) {
    // @ts-expect-error e21 transform returns another type
    return s.transform({ d: t.float }, (o) => ({ d: o.order_id })).groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'd' }) }); }
  // @ts-expect-error e22 grouped, not aggregated
  @pipeline({ version: 1, inputs: [Order] }) static e22(s: Stream<Order>) { return s.groupBy('user_id'); }
  // @ts-expect-error e23 a stream too few
  @pipeline({ version: 1, inputs: [Order, User] }) static e23(s: Stream<Order>) { return s.groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  // @ts-expect-error e24 a stream too many
  @pipeline({ version: 1, inputs: [Order] }) static e24(s: Stream<Order>, u: Stream<User>) { void u; return s.groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static e26(s: Stream<Order>) {
    // @ts-expect-error e26 JavaScript operators instead of expressions
    return s.filter((o) => o.amount > 0).groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static notCaught1(s: Stream<Order>) { return s.filter((o) => o.amount.gt(0) && o.status.eq('paid')).groupBy('user_id').aggregate({ n: Count({ window: '-1h' }), m: Avg({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static ok1(s: Stream<Order>) { return s.filter(col('amount').gt(0).and(col('status').eq('paid'))).groupBy('user_id').aggregate({ n: Count({ where: col('amount').gt(3) }), m: Max({ of: 'amount' }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static ok2(s: Stream<Order>) { return s.join(User, { on: ['user_id'], how: 'inner' }).assign({ n: col('age').add(1), m: col('amount').mul(col('age')) }).select('user_id', 'n', 'm', 'ordered_at').rename('ordered_at', 'at'); }
}
class NotStatic {
  user_id!: string; n!: number; m!: number | null; at!: Date;
  // @ts-expect-error e25 not static
  @pipeline({ version: 1, inputs: [Order] }) e25(s: Stream<Order>) { return s.groupBy('user_id').aggregate({ n: Count(), m: Max({ of: 'amount' }) }); }
}
void NotStatic;
// f ------------------------------------------------------------
declare const ctx: ExtractorContext;
// @ts-expect-error f1 a raw dataset's row may be null
ctx.lookup(User, 'u').age;
// @ts-expect-error f2 nullable column
ctx.lookup(UserOrderStats, 'u').max_order_amount_7d.toFixed();
// @ts-expect-error f3 no such column
ctx.lookup(UserOrderStats, 'u').nope;
// @ts-expect-error f4 key of another kind
ctx.lookup(UserOrderStats, new Date());
ctx.lookup(UserOrderStats, 'u').order_count_1h.toFixed();
ctx.lookup(UserOrderStats, 42); // not caught: key is a string
ctx.lookup(FraudSignals, 'u'); // not caught: not a dataset
// g ------------------------------------------------------------
// @ts-expect-error g1 cursor is no field
@source(postgres({ table: 'x' }), { cursor: 'nope', every: '5s' })
class G1 { id!: string; at!: Date }
// @ts-expect-error g2 no cursor
@source(postgres({ table: 'x' }), { every: '5s' })
class G2 { id!: string; at!: Date }
// @ts-expect-error g3 no options
@source(postgres({ table: 'x' }))
class G3 { id!: string; at!: Date }
// @ts-expect-error g4 cursor on a push source
@source(kafka({ topic: 'x' }), { cursor: 'id' })
class G4 { id!: string; at!: Date }
// @ts-expect-error g5 duration
@source(postgres({ table: 'x' }), { cursor: 'at', every: '5 s' })
class G5 { id!: string; at!: Date }
// @ts-expect-error g6 cursor cannot be ordered
@source(postgres({ table: 'x' }), { cursor: 'tags', every: '5s' })
class G6 { id!: string; at!: Date; tags!: string[] }
// h ------------------------------------------------------------
export async function h(client: ThymeClient): Promise<void> {
  // @ts-expect-error h1 inputs missing
  await client.query(FraudSignals, 'user_42');
  // @ts-expect-error h2 input missing
  await client.query(FraudSignals, 'user_42', { inputs: {} });
  // @ts-expect-error h3 input type
  await client.query(FraudSignals, 'user_42', { inputs: { cart_total: '1' } });
  // @ts-expect-error h4 surplus input
  await client.query(FraudSignals, 'user_42', { inputs: { cart_total: 1, x: 1 } });
  const { features, queryRunId } = await client.query(FraudSignals, 'user_42', { inputs: { cart_total: 3 } });
  const n: number = features.order_count_1h + features.cart_total; void n; void queryRunId.length;
  // @ts-expect-error h5 nullable feature
  features.max_amount.toFixed();
  // @ts-expect-error h6 no such feature
  features.nope;
  // @ts-expect-error h7 log: a field missing
  await client.log(Order, [{ user_id: 'u', order_id: 'o', amount: 1, ordered_at: new Date() }]);
  await client.log(Order, [{ user_id: 'u', order_id: 'o', amount: 1, status: 'paid', ordered_at: new Date() }]);
  (await client.lookup(User, 'u')).row?.age.toFixed();
}
// i expectations -----------------------------------------------
class I {
  a!: number; s!: string; at!: Date;
  // @ts-expect-error i1 no such field
  @expectations() static i1() { return [expect.between('nope', { min: 1 })]; }
  // @ts-expect-error i2 a string
  @expectations() static i2() { return [expect.between('s', { min: 1 })]; }
}
// j upgrades ---------------------------------------------------
@dataset({ version: 2, upgrade: (old: { k: string; euros: number; at: Date }) => ({ k: old.k, cents: old.euros * 100, at: old.at }) })
class J1 { @key(t.string) k!: string; @field(t.int) cents!: number; @timestamp() at!: Date; }
@dataset({ version: 2, upgrade: (old) => ({ ...old, cents: 1 }) })
class J2 { @key(t.string) k!: string; @field(t.int) cents!: number; @timestamp() at!: Date; }
@dataset({ version: 2, upgrade: 'empty' })
class J3 { @key(t.string) k!: string; @field(t.int) cents!: number; @timestamp() at!: Date; }
// @ts-expect-error j4 a field is not given
@dataset({ version: 2, upgrade: (old: { k: string; at: Date }) => ({ k: old.k, at: old.at }) })
class J4 { @key(t.string) k!: string; @field(t.int) cents!: number; @timestamp() at!: Date; }
// @ts-expect-error j5 a field of another type
@dataset({ version: 2, upgrade: (old: { k: string; at: Date }) => ({ ...old, cents: 'many' }) })
class J5 { @key(t.string) k!: string; @field(t.int) cents!: number; @timestamp() at!: Date; }
// @ts-expect-error j6 neither a function nor 'empty'
@dataset({ version: 2, upgrade: 'none' })
class J6 { @key(t.string) k!: string; @timestamp() at!: Date; }
void [J1, J2, J3, J4, J5, J6];
void [A, B1, B3, B4, B5, B6, B7, C, D, Stats, G1, G2, G3, G4, G5, G6, I, Decimal, featureset];
