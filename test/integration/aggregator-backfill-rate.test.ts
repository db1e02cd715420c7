import { expect } from 'chai';
import fc from 'fast-check';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { ManualClock } from '../../libs/time/clock.js';
import { BackfillRate } from '../../services/aggregator/backfill-rate.js';
import { PartitionOwner } from '../../services/aggregator/partition-owner.js';
import { loadServeConfig } from '../../services/program/serve-config.js';
import { dataset, field, Harness, pipeline } from './aggregator-harness.js';

const T = 1_700_000_000_000_000;
const TICK_MS = 50;
const HISTORY = 100;
const count = { field: 'n', operator: 'count', windowUs: null } as const;

const orders = dataset('Order', [field('user_id', 'string'), field('at', 'timestamp')], ['user_id']);
const [live, later, third] = ['Live', 'Later', 'Third'].map((name) => ({
  output: dataset(name, [field('user_id', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user_id']),
  pipeline: pipeline(name, ['Order'], { aggregate: { groupBy: ['user_id'], aggregations: [count] } }),
}));
if (live === undefined || later === undefined || third === undefined) throw new Error('three were made');
const firstCommit = { datasets: [orders, live.output], pipelines: [live.pipeline] };
const secondCommit = {
  datasets: [orders, live.output, later.output, third.output],
  pipelines: [live.pipeline, later.pipeline, third.pipeline],
};

async function send(harness: Harness, records: number): Promise<void> {
  await harness.send(
    'Order',
    Array.from({ length: records }, () => [{ user_id: 'a' }, { eventTimeUs: T }] as const),
  );
}

/** A live pipeline with a history that two pipelines have still to read. */
async function harnessWithHistory(backfillRecordsPerS: number): Promise<Harness> {
  const harness = new Harness({ backfillRecordsPerS });
  await harness.commit(firstCommit);
  await harness.settle(); // the live reader has caught up with a topic that is empty
  await send(harness, HISTORY);
  await harness.settle();
  await harness.commit(secondCommit);
  return harness;
}

function readBy(harness: Harness, name: string): number {
  const id = harness.known.find((timeline) => timeline.name === `${name}.build`)?.id;
  return (
    harness
      .view(0)
      .applied()
      ?.counters.find(({ readerId }) => readerId === id)?.read ?? 0
  );
}

async function untilSleeping(clock: ManualClock): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (clock.sleeping === 0) {
    if (Date.now() > deadline) throw new Error('nobody sleeps');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('the rate of backfills (S18)', () => {
  it('lets no more through than the clock allows, whatever is asked for and when', () => {
    const steps = fc.array(fc.record({ ms: fc.nat({ max: 400 }), wants: fc.nat({ max: 500 }) }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), steps, (recordsPerS, all) => {
        const clock = new ManualClock(T);
        const rate = new BackfillRate(recordsPerS, clock);
        let spent = 0;
        for (const { ms, wants } of all) {
          clock.advance(ms);
          const records = Math.min(wants, rate.allowance);
          rate.spend(records);
          spent += records;
          expect(spent).to.be.at.most(((clock.nowUs() - T) / 1e6) * recordsPerS + 1e-6);
        }
      }),
    );
  });

  it('keeps no more than a short burst, one record at least, and pays debts first', () => {
    const clock = new ManualClock(T);
    const slow = new BackfillRate(1, clock);
    const rate = new BackfillRate(100, clock);
    expect(rate.allowance).to.equal(0);
    clock.advance(60_000);
    expect([slow.allowance, rate.allowance]).to.deep.equal([1, 25]);
    rate.spend(45);
    clock.advance(200);
    expect(rate.allowance).to.equal(0);
    clock.advance(10);
    expect(rate.allowance).to.equal(1);
  });

  it('holds history back, and live records not at all', async () => {
    const harness = await harnessWithHistory(100);
    const task = await harness.task(0);
    let ticks = 0;
    for (; !(harness.view(0).isReady(2) && harness.view(0).isReady(3)); ticks++) {
      if (ticks > 200) throw new Error('the history is never read');
      harness.clock.advance(TICK_MS);
      await send(harness, 1);
      expect(await task.tick(), 'a tick ago').to.equal('held back');
      expect(readBy(harness, 'Live'), 'live').to.equal(HISTORY + ticks + 1);
      const backfilled = Math.min(HISTORY, readBy(harness, 'Later')) + Math.min(HISTORY, readBy(harness, 'Third'));
      const debt = (TICK_MS * 100) / 1_000; // what one of the two had for nothing, as the other had read it
      expect(backfilled, 'together').to.be.at.most(((ticks + 1) * TICK_MS * 100) / 1_000 + debt);
    }
    expect(ticks).to.be.at.least((2 * HISTORY * 1_000) / 100 / TICK_MS - 1);
    await harness.settle();
    expect(['Live', 'Later', 'Third'].map((name) => harness.ask(`${name}.build`, ['a'], T).n)).to.deep.equal(
      [1, 1, 1].map((each) => each * (HISTORY + ticks)),
    );
  });

  it('a tick that is held back has worked and commits nothing, and so its owner sleeps', async () => {
    const harness = await harnessWithHistory(10);
    await (await harness.task(0)).tick(); // adopts
    const seq = harness.view(0).applied()?.seq;
    expect(await (await harness.task(0)).tick()).to.equal('held back');
    expect(harness.view(0).applied()?.seq).to.equal(seq);
  });

  it('an owner neither spins nor waits for input while it is held back', async () => {
    const harness = await harnessWithHistory(20);
    let reads = 0;
    const { log } = harness;
    const countedLog = new Proxy(log, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'read') reads++;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const store = new MemoryStore();
    const failures: unknown[] = [];
    const environment = { ...harness.environment(0), log: countedLog };
    const owner = new PartitionOwner({
      environment,
      openStore: async () => store,
      tickMs: TICK_MS,
      recentBytesMax: 1e6,
      heartbeatMs: 1_000,
      onFailure: (_partition, cause) => failures.push(cause),
    });
    const stopping = new AbortController();
    const ended = owner.run(stopping.signal);
    await owner.acquired;
    for (let ticks = 0; ticks < 40; ticks++) {
      await untilSleeping(harness.clock);
      const before = reads;
      await new Promise((resolve) => setImmediate(resolve));
      expect(reads, 'nothing is read while it sleeps').to.equal(before);
      harness.clock.advance(TICK_MS);
    }
    // 2 s at 20 a second for two readers; the live one had read everything before, as the changelog says.
    const read = owner.view.applied()?.counters.reduce((sum, counters) => sum + counters.read, 0) ?? 0;
    expect(read - HISTORY).to.be.within(36, 42);
    stopping.abort();
    await ended;
    expect(failures).to.deep.equal([]);
  });

  it('is set by THYME_BACKFILL_RECORDS_PER_S, and is without limit where that is not', () => {
    expect(loadServeConfig([], {}).backfillRecordsPerS).to.equal(undefined);
    expect(loadServeConfig([], { THYME_BACKFILL_RECORDS_PER_S: '5000' }).backfillRecordsPerS).to.equal(5_000);
    expect(() => loadServeConfig([], { THYME_BACKFILL_RECORDS_PER_S: '0' })).to.throw('THYME_BACKFILL_RECORDS_PER_S');
  });
});
