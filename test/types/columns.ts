import { col, Count, dataset, Decimal, field, key, LastK, lit, Max, Min, pipeline, Sum, t, timestamp, type Stream } from '../../libs/definition/thyme.js';

// What calculations of columns, and aggregations over their results, take and give.

@dataset({ version: 1 })
class Order {
  @key(t.string) user_id!: string;
  @field(t.float) amount!: number;
  @field(t.float.optional) tip!: number | null;
  @field(t.int) items!: number;
  @field(t.decimal) price!: Decimal;
  @field(t.enum('paid', 'open').optional) status!: 'paid' | 'open' | null;
  @field(t.string) payload!: string;
  @field(t.date) day!: string;
  @timestamp() at!: Date;
}

class Stats {
  user_id!: string;
  n!: number;
  list!: string[];
  at!: Date;

  @pipeline({ version: 1, inputs: [Order] })
  static fine(s: Stream<Order>) {
    return s
      .filter((o) => o.tip.fillNull(0).add(o.amount).gt(1).and(o.amount.lt(o.items)).and(o.status.fillNull('open').eq('paid')))
      .filter(col('amount').sub(col('items')).mul(2).lte(5).or(col('status').isNull()).and(o_price))
      .assign((o) => ({ os: o.payload.jsonExtract(['device', 'os'], t.string), share: o.amount.div(o.items).fillNull(0), late: o.at.gt(new Date()), one: lit(1) }))
      .filter((o) => o.late.eq(true).and(o.share.add(o.one).gt(0)))
      .groupBy('user_id')
      .aggregate({ n: Count({ of: 'os', where: col('day').gte('2026-01-01') }), list: LastK({ of: 'os', k: 2, dropNull: true }) });
  }
  // @ts-expect-error follow-on
  @pipeline({ version: 1, inputs: [Order] }) static nullable(s: Stream<Order>) {
    // @ts-expect-error a tip may be null: .fillNull first
    return s.assign((o) => ({ x: o.tip.add(1) })).groupBy('user_id').aggregate({ n: Count(), list: LastK({ of: 'payload', k: 1 }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static divided(s: Stream<Order>) {
    // @ts-expect-error a quotient may be null: .fillNull first
    return s.assign((o) => ({ x: o.amount.div(2).add(1) })).groupBy('user_id').aggregate({ n: Count(), list: LastK({ of: 'payload', k: 1 }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static fallback(s: Stream<Order>) {
    // @ts-expect-error no value of the enum
    return s.filter((o) => o.status.fillNull('closed').eq('paid')).groupBy('user_id').aggregate({ n: Count(), list: LastK({ of: 'payload', k: 1 }) }); }
  // @ts-expect-error follow-on
  @pipeline({ version: 1, inputs: [Order] }) static json(s: Stream<Order>) {
    // @ts-expect-error JSON is read from a text
    return s.assign((o) => ({ x: o.amount.jsonExtract('a', t.int) })).groupBy('user_id').aggregate({ n: Count(), list: LastK({ of: 'payload', k: 1 }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static jsonDate(s: Stream<Order>) {
    // @ts-expect-error JSON has no dates
    return s.assign((o) => ({ x: o.payload.jsonExtract('a', t.timestamp) })).groupBy('user_id').aggregate({ n: Count(), list: LastK({ of: 'payload', k: 1 }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static other(s: Stream<Order>) {
    // @ts-expect-error columns of two types
    return s.filter((o) => o.amount.gt(o.payload)).groupBy('user_id').aggregate({ n: Count(), list: LastK({ of: 'payload', k: 1 }) }); }
  @pipeline({ version: 1, inputs: [Order] }) static decimals(s: Stream<Order>) {
    // @ts-expect-error Sum reads int and float
    return s.groupBy('user_id').aggregate({ n: Sum({ of: 'price' }), list: LastK({ of: 'payload', k: 1 }) }); }
  // @ts-expect-error follow-on
  @pipeline({ version: 1, inputs: [Order] }) static least(s: Stream<Order>) {
    // @ts-expect-error Min reads numbers, timestamps and dates
    return s.groupBy('user_id').aggregate({ n: Min({ of: 'price' }), list: LastK({ of: 'payload', k: 1 }) }); }
  // @ts-expect-error the list may hold nulls without dropNull
  @pipeline({ version: 1, inputs: [Order] }) static nulls(s: Stream<Order>) {
    return s.assign((o) => ({ os: o.payload.jsonExtract('os', t.string) })).groupBy('user_id').aggregate({ n: Count(), list: LastK({ of: 'os', k: 2 }) }); }
  // @ts-expect-error a quotient is no column that never is null
  @pipeline({ version: 1, inputs: [Order] }) static rows(s: Stream<Order>) {
    return s.assign((o) => ({ n: o.amount.div(2), list: lit('x') })).select('user_id', 'n', 'list'); }
}

const o_price = col('price').gt(new Decimal('1.5'));

// @ts-expect-error a column is no constant
lit(col('x'));
// @ts-expect-error bytes are no constant
lit(new Uint8Array());
void [Stats, Max];
