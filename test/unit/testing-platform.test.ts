import { expect } from 'chai';
import { Count, Sum, dataset, feature, featureset, field, key, pipeline, t, timestamp } from 'thyme';
import type { Stream } from 'thyme';
import { extract, testPlatform } from 'thyme/testing';
import { FraudSignals, Order, UserOrderStats } from '../../infra/examples/fraud.js';
import { Order as ChangedOrder, Shopper, UserOrders } from '../support/changes-features.js';

const NOON = '2026-01-31T12:00:00Z';
const minutesBefore = (minutes: number): Date => new Date(Date.parse(NOON) - minutes * 60_000);

function order(minutes: number, amount: number, user_id = 'user_1'): Order {
  return { user_id, order_id: `o${minutes}`, amount, ordered_at: minutesBefore(minutes) };
}

@dataset({ version: 1 })
class Reading {
  @key(t.string) sensor!: string;
  @field(t.string) unit!: string;
  @field(t.float) value!: number;
  @timestamp() at!: Date;
}

@dataset({ version: 1, index: true })
class SensorStats {
  @key(t.string) sensor!: string;
  @field(t.int) readings!: number;
  @field(t.float) celsius!: number;
  @timestamp() at!: Date;

  @pipeline({ version: 1, inputs: [Reading] })
  static celsius(readings: Stream<Reading>) {
    return readings
      .transform({ degrees: t.float }, ({ unit, value }) => {
        if (unit !== 'C' && unit !== 'F') throw new Error(`no such unit: ${unit}`);
        return { degrees: unit === 'C' ? value : ((value - 32) * 5) / 9 };
      })
      .groupBy('sensor')
      .aggregate({ readings: Count(), celsius: Sum({ of: 'degrees' }) });
  }
}

@featureset({ entity: 'sensor' })
class SensorFeatures {
  @feature(t.string, { id: 1 }) sensor!: string;
  @feature(t.int, { id: 2, ref: [SensorStats, 'readings'] }) readings!: number;
}

describe('thyme/testing', () => {
  const open = () => testPlatform([Order, UserOrderStats, FraudSignals], { now: NOON });

  it('answers as soon as rows are added, with extractors and request-time inputs', async () => {
    const thyme = await open();
    expect(await thyme.add(Order, [order(70, 30), order(10, 40)])).to.deep.equal({ accepted: 2, late: 0 });
    const { features, asOf } = await thyme.query(FraudSignals, 'user_1', { inputs: { cart_total: 900 } });
    expect(asOf.toISOString()).to.equal('2026-01-31T12:00:00.000Z');
    expect(features).to.deep.include({ order_count_1h: 1, total_spend_24h: 70, cart_total: 900, is_suspicious: true });
    const { ordered_at, ...stats } = await thyme.lookup(UserOrderStats, 'user_1');
    expect(ordered_at.toISOString()).to.equal(asOf.toISOString());
    expect(stats).to.deep.include({ order_count_1h: 1, total_spend_7d: 70, max_order_amount_7d: 40 });
  });

  it('moves its clock when told, and only forward: windows slide with it', async () => {
    const thyme = await open();
    await thyme.add(Order, order(10, 40));
    const count = async () => (await thyme.query(FraudSignals, 'user_1', { inputs: { cart_total: 0 } })).features.order_count_1h;
    expect(await count()).to.equal(1);
    thyme.clock.advance('50m');
    expect(await count()).to.equal(1); // both ends are in the window (S2)
    thyme.clock.advance('1s');
    expect(await count()).to.equal(0);
    thyme.clock.set('2026-02-01T00:00:00Z');
    expect(thyme.clock.now().toISOString()).to.equal('2026-02-01T00:00:00.000Z');
    expect(() => thyme.clock.set(NOON)).to.throw(/never goes back: ask with 'timestamp'/);
  });

  it('asks as of any instant, and what was known of each (S22)', async () => {
    const thyme = await open();
    await thyme.add(Order, order(50, 30));
    thyme.clock.advance('10m');
    await thyme.add(Order, order(40, 40)); // known from ten past on
    const question = (timestamp: string) => ({ entity: 'user_1', timestamp, inputs: { cart_total: 0 } });
    const questions = [question('2026-01-31T11:15:00Z'), question('2026-01-31T12:05:00Z'), question('2026-01-31T12:10:00Z')];
    const spent = async (knownAt?: 'timestamp') =>
      (await thyme.queryOffline(FraudSignals, questions, knownAt === undefined ? {} : { knownAt })).map(
        ({ features }) => features.total_spend_24h,
      );
    expect(await spent()).to.deep.equal([30, 70, 70]);
    expect(await spent('timestamp')).to.deep.equal([0, 30, 70]);
    const then = await thyme.query(FraudSignals, 'user_1', { inputs: { cart_total: 0 }, timestamp: NOON, knownAt: NOON });
    expect(then.features.total_spend_24h).to.equal(30);
  });

  it('tells late rows, which no pipeline counts (S10)', async () => {
    const thyme = await open();
    expect(await thyme.add(Order, [order(1, 5), order(62, 5)])).to.deep.equal({ accepted: 2, late: 1 });
    expect(await thyme.add(Order, order(90, 5), { historical: true })).to.deep.equal({ accepted: 1, late: 0 });
    expect(thyme.pipelines()).to.have.length(1);
    expect(thyme.pipelines()[0]).to.include({ pipeline: 'UserOrderStats.stats', applied: 2, late: 1, filtered: 0, paused: false });
  });

  it('tells refused rows with their reasons (S12), keeps them as dead letters, and takes the others', async () => {
    const thyme = await open();
    const pushed = await thyme.push(Order, [{ user_id: 7 }, order(1, 5), { ...order(1, 5), ordered_at: '2026-01-31T12:11:00Z' }]);
    expect(pushed.accepted).to.equal(1);
    expect(pushed.refused.map(({ index }) => index)).to.deep.equal([0, 2]);
    expect(pushed.refused[1]?.error).to.match(/more than 600 s ahead of the clock/);
    const letters = await thyme.deadLetters(Order);
    expect(letters.map(({ record, pipeline }) => [pipeline, (record as Order).user_id])).to.deep.equal([
      [undefined, 7],
      [undefined, 'user_1'],
    ]);
  });

  it('rejects where a row that the test adds is refused, and names it', async () => {
    const thyme = await open();
    const error: unknown = await thyme.add(Order, [order(1, 5), order(-11, 5)]).then(String, (thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'THYME_ROWS_REFUSED');
    expect(String(error)).to.match(/rows\[1\]: Order\.ordered_at/);
    expect(await thyme.add(Order, []).then(({ accepted }) => accepted)).to.equal(0);
  });

  it('counts what expectations say, and refuses nothing for them', async () => {
    const thyme = await open();
    expect(thyme.expectations(Order)).to.deep.equal([]);
    await thyme.add(Order, [order(3, 10), order(2, 0)]);
    expect(thyme.expectations(Order)).to.deep.equal([{ rule: 'amount between 0.01 and 50000', checked: 2, failed: 1, holds: false }]);
  });

  it('keeps a record at which a step throws as a dead letter of its pipeline (S23)', async () => {
    const thyme = await testPlatform([Reading, SensorStats, SensorFeatures], { now: NOON });
    const reading = (unit: string, value: number): Reading => ({ sensor: 's1', unit, value, at: minutesBefore(1) });
    await thyme.add(Reading, [reading('C', 10), reading('K', 300), reading('F', 50)]);
    expect(await thyme.lookup(SensorStats, 's1')).to.deep.include({ readings: 2, celsius: 20 });
    const [letter] = await thyme.deadLetters(Reading);
    expect(letter).to.deep.include({ pipeline: 'SensorStats.celsius', reason: 'no such unit: K' });
    expect(thyme.pipelines()[0]).to.include({ applied: 2, failed: 1 });
  });

  it('updates and deletes rows, at once and as of then (S17)', async () => {
    const thyme = await testPlatform({ ChangedOrder, UserOrders, Shopper }, { now: NOON });
    const row = (amount: number): ChangedOrder => ({ order_id: 'o1', user_id: 'u1', amount, state: 'open', at: minutesBefore(60) });
    const spent = async (timestamp?: Date) =>
      (await thyme.query(Shopper, 'u1', timestamp === undefined ? {} : { timestamp })).features.spent;
    await thyme.add(ChangedOrder, row(10), { changedAt: minutesBefore(60) });
    await thyme.add(ChangedOrder, row(25), { changedAt: minutesBefore(30) });
    expect(await spent()).to.equal(25);
    await thyme.delete(ChangedOrder, { order_id: 'o1' }, { changedAt: minutesBefore(10) });
    expect([await spent(minutesBefore(45)), await spent(minutesBefore(20)), await spent()]).to.deep.equal([10, 25, 0]);
    expect(await thyme.lookup(ChangedOrder, 'u1')).to.equal(null);
  });

  it('says how to mend a delete, or a time of change, where rows are events', async () => {
    const thyme = await open();
    const failure = async (work: () => Promise<unknown>): Promise<string> => work().then(() => 'nothing', String);
    expect(await failure(() => thyme.delete(Order, { user_id: 'user_1' }))).to.match(/declare cdc: 'upsert' and a rowKey/);
    expect(await failure(() => thyme.add(Order, order(1, 5), { changedAt: NOON }))).to.match(/not cdc: 'upsert'/);
  });

  it('throws all that is wrong with the classes, as a commit does', async () => {
    @dataset({ version: 0, maxLateness: '0s' })
    class Wrong {
      @key(t.string) id!: string;
      @timestamp() at!: Date;
    }
    const error: unknown = await testPlatform([Wrong]).then(String, (thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'THYME_DEFINITIONS_INVALID');
    expect(String(error)).to.match(/Wrong: its version is 0/);
    expect(await testPlatform([]).then(String, String)).to.match(/none of them is a dataset/);
    expect(await testPlatform([Order], { partitions: 0 }).then(String, String)).to.match(/partitions.*1 to 16/);
  });

  it('gives the same answers whatever the number of partitions', async () => {
    const answers = [];
    for (const partitions of [1, 3]) {
      const thyme = await testPlatform([Order, UserOrderStats, FraudSignals], { now: NOON, partitions });
      const users = Array.from({ length: 20 }, (_, i) => `user_${i}`);
      await thyme.add(
        Order,
        users.map((user, i) => order(i, i + 1, user)),
      );
      answers.push(await Promise.all(users.map((user) => thyme.query(FraudSignals, user, { inputs: { cart_total: 9 } }))));
    }
    expect(answers[1]).to.deep.equal(answers[0]);
  });
});

describe('extract', () => {
  it('runs extractors alone, on what they are given', async () => {
    const asked: unknown[] = [];
    const lookup = (...question: readonly unknown[]): unknown => {
      asked.push(question);
      return { total_spend_7d: 70 };
    };
    const few = { user_id: 'user_1', order_count_1h: 1 };
    expect(await extract(FraudSignals, { ...few, cart_total: 30 }, { lookup })).to.deep.equal({ is_suspicious: false });
    expect(await extract(FraudSignals, { ...few, cart_total: 31 }, { lookup })).to.deep.equal({ is_suspicious: true });
    expect(asked[0]).to.deep.equal([UserOrderStats, 'user_1']);
  });

  it('says what it lacks: values, a lookup, the right name', async () => {
    const failure = async (work: Promise<unknown>): Promise<string> => work.then(() => 'nothing', String);
    expect(await failure(extract(FraudSignals, { user_id: 'user_1' }))).to.match(/give order_count_1h, cart_total/);
    const whole = { user_id: 'user_1', order_count_1h: 1, cart_total: 1 };
    expect(await failure(extract(FraudSignals, whole))).to.match(/looks up UserOrderStats: give extract a lookup/);
    const misspelt = { ...whole, order_count_1: 1 };
    expect(await failure(extract(FraudSignals, misspelt))).to.match(/did you mean 'order_count_1h'/);
    expect(await failure(extract(SensorFeatures, { sensor: 's1' }))).to.match(/no extractor to run/);
  });
});
