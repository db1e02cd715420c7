// Random changes of rows (S17) - inserts, updates, deletes, late, repeated, moved to other groups - with restarts and faults,
// against an oracle that keeps every record and answers by a loop. THYME_CHANGES_STEPS says how many records lie in the logs of
// each number of partitions at the end, in longer lives; without it there are so many lives as take seconds.

import { expect } from 'chai';
import fc from 'fast-check';
import { compileRecordCodec } from '../../libs/codec/dataset-record.js';
import { compileKeyEncoder } from '../../libs/codec/entity-key.js';
import { compileRowCodec } from '../../libs/codec/row-codec.js';
import { partitionOf, slotOf } from '../../libs/codec/slot.js';
import { applyBatch } from '../../libs/change/apply-batch.js';
import { Applier } from '../../libs/change/applier.js';
import { readBatches } from '../../libs/change/changelog.js';
import { digestStore } from '../../libs/change/digest.js';
import { headKey } from '../../libs/change/state-keys.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { INDEX_MEASURES, INDEX_QUESTION, shapeOf } from '../../libs/pipeline/measures.js';
import { datasetTopic } from '../../libs/pipeline/topics.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { readWindows } from '../../libs/timeline/timeline-reader.js';
import { DEPLOYMENT, Harness } from '../integration/aggregator-harness.js';
import { FaultyLog } from '../integration/faulty-log.js';
import {
  counting,
  definitions,
  type Instant,
  measure,
  orders,
  passes,
  type StoredChange,
  type Version,
  versionsOf,
} from './changes-oracle.js';
import { crashes, restarts, runStep, ticks } from './partition-steps.js';

const STEPS = Number(process.env.THYME_CHANGES_STEPS ?? '0');
/** Commands of a life, and records that these come to in the mean. */
const LIFE_LENGTH_MAX = STEPS > 0 ? 400 : 20;
const RECORDS_PER_LIFE = 300;
const T = 1_700_000_000_000_000;
const MINUTE = 60e6;
const USERS = ['a', 'b', 'c'];
const ORDERS = ['o1', 'o2', 'o3', 'o4', 'o5'];
const KINDS = ['x', 'y', 'ü'];

const minutesAgo = fc.oneof(fc.integer({ min: 0, max: 400 }), fc.constantFrom(0, 60, 180));
const change = fc.record({
  order: fc.constantFrom(...ORDERS),
  user: fc.constantFrom(...USERS),
  amount: fc.option(fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constant(10)), { freq: 6 }),
  kind: fc.option(fc.constantFrom(...KINDS), { freq: 4 }),
  minutesAgo,
  deleted: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  /** When its source says it was; most often of few instants, so that some are equal, and some older than others. */
  changedMinutesAgo: fc.option(fc.oneof(minutesAgo, fc.constantFrom(5, 10, 15)), { freq: 3, nil: undefined }),
  historical: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  sequence: fc.option(fc.integer({ min: 0, max: 20 }), { freq: 2, nil: undefined }),
  /** Sent twice. */
  repeated: fc.boolean(),
});
type SentChange = typeof change extends fc.Arbitrary<infer C> ? C : never;

const command = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('send' as const), changes: fc.array(change, { minLength: 1, maxLength: 12 }) }) },
  { weight: 4, arbitrary: ticks },
  { weight: 1, arbitrary: restarts },
  { weight: 2, arbitrary: crashes },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

class Model {
  readonly harness: Harness;

  constructor(readonly partitionCount: number) {
    this.harness = new Harness({ partitionCount, log: new FaultyLog(new MemoryLog()), limits: { inputRecordsMax: 7 } });
  }

  async run(step: Command): Promise<void> {
    if (step.kind === 'send') {
      for (const sent of step.changes) for (let times = sent.repeated ? 2 : 1; times > 0; times--) await this.#send(sent);
      return;
    }
    await runStep(this.harness, step);
  }

  async #send({ order, user, amount, kind, minutesAgo: ago, deleted, changedMinutesAgo, historical, sequence }: SentChange): Promise<void> {
    this.harness.clock.advance(MINUTE);
    const row = deleted ? { order_id: order } : { order_id: order, user_id: user, amount, kind };
    const time = changedMinutesAgo === undefined ? {} : { timeUs: T - changedMinutesAgo * MINUTE };
    await this.harness.send('Order', [
      [
        row,
        {
          eventTimeUs: T - ago * MINUTE,
          historical,
          change: { deleted, ...time },
          ...(sequence === undefined ? {} : { producerId: 'p', sequence }),
        },
      ],
    ]);
  }
}

async function storedIn(harness: Harness): Promise<StoredChange[]> {
  const codec = compileRecordCodec(orders.fields);
  const stored: StoredChange[] = [];
  for (let at = 0; at < harness.partitionCount; at++) {
    const source = { topic: datasetTopic(DEPLOYMENT, 'Order', 1), partition: at };
    const { records } = await harness.log.read(source, 0, { recordsMax: 10_000, bytesMax: 1e9 });
    for (const { offset, value } of records) {
      const { row, ...rest } = codec.decode(value);
      const [order, user, amount, kind] = row as [string, string, number | null, string | null];
      stored.push({ ...rest, order, user, amount, kind, partition: at, offset });
    }
  }
  return stored;
}

/** On, before and behind each change, and where nothing happens. */
function instantsOf(versions: readonly Version[], picks: readonly number[]): Instant[] {
  const times = versions.flatMap(({ eventTimeUs, startUs, endUs }) => [eventTimeUs, startUs, endUs]).filter(Number.isFinite);
  const known = versions.flatMap(({ knownUs, endKnownUs }) => [knownUs, endKnownUs]).filter(Number.isFinite);
  const around = picks.map((pick) => ({
    asOfUs: (times[pick % times.length] ?? T) + (pick % 3) - 1,
    knownAtUs: pick % 2 === 0 ? Number.POSITIVE_INFINITY : (known[(pick * 31) % known.length] ?? T) + (Math.floor(pick / 3) % 3) - 1,
  }));
  return [{ asOfUs: T + 1_000 * MINUTE, knownAtUs: Number.POSITIVE_INFINITY }, ...around];
}

function newestInIndex(harness: Harness, user: string, instant: Instant): unknown {
  const index = harness.known.find(({ name }) => name === 'index:Order');
  const key = compileKeyEncoder([orders.fields[1]!], 'Order')([user]);
  const reader = harness.view(partitionOf(slotOf(key), harness.partitionCount)).tick();
  const shape = shapeOf(INDEX_MEASURES, true);
  const [newest] = readWindows(shape, reader, headKey(slotOf(key), index!.id, key), instant, [INDEX_QUESTION]);
  const bytes = (newest as Uint8Array[])[0];
  return bytes === undefined ? undefined : compileRowCodec(orders.fields).decode(bytes, 0);
}

function checkAnswers(harness: Harness, versions: readonly Version[], picks: readonly number[]): void {
  for (const instant of instantsOf(versions, picks)) {
    const rows = counting(versions, instant);
    const groups = [
      ...ORDERS.map((key) => ['ByOrder', key, (one: Version) => one.order === key] as const),
      ...USERS.map((key) => ['ByUser', key, (one: Version) => one.user === key] as const),
      ...[...KINDS, 'none'].map((key) => ['ByBucket', key, (one: Version) => (one.kind ?? 'none') === key] as const),
    ];
    for (const [output, key, isIn] of groups) {
      const expected = measure(rows.filter(passes).filter(isIn), instant.asOfUs);
      const { asOfUs, knownAtUs } = instant;
      expect(harness.ask(`${output}.build`, [key], asOfUs, { knownAtUs }), `${output} ${key} ${asOfUs} ${knownAtUs}`).to.deep.equal(
        expected,
      );
    }
    for (const user of USERS) {
      const newest = rows.filter((one) => one.user === user).at(-1);
      const expected = newest && [newest.order, newest.user, newest.amount, newest.kind, newest.eventTimeUs];
      expect(newestInIndex(harness, user, instant), `index ${user} ${instant.asOfUs}`).to.deep.equal(expected);
    }
  }
}

/** A4: per partition and in all; a delete is applied, and ends are no records. */
function checkBooks(harness: Harness, stored: readonly StoredChange[]): void {
  const { versions, late, outdated, duplicate, deletes } = versionsOf(stored);
  for (const { id, name } of harness.known) {
    const totals = {
      read: 0,
      received: 0,
      sent: 0,
      applied: 0,
      filtered: 0,
      late: 0,
      outdated: 0,
      duplicate: 0,
      dead: 0,
      failed: 0,
      ended: 0,
    };
    for (let at = 0; at < harness.partitionCount; at++) {
      const counters = harness
        .view(at)
        .applied()
        ?.counters.find(({ readerId }) => readerId === id);
      for (const each of Object.keys(totals) as (keyof typeof totals)[]) totals[each] += counters?.[each] ?? 0;
    }
    const kept = versions.filter((one) => name === 'index:Order' || passes(one));
    const ended = kept.filter(({ endUs }) => endUs < Number.POSITIVE_INFINITY).length;
    const applied = kept.length + deletes;
    const filtered = versions.length - kept.length;
    expect(totals, name).to.include({ read: stored.length, applied, filtered, late, outdated, duplicate, dead: 0, failed: 0, ended });
    expect(totals.sent, name).to.equal(totals.received);
  }
}

/** C2: whoever folds the same batches has the same bytes. */
async function checkReplicas(harness: Harness): Promise<void> {
  for (const [at, { store }] of harness.partitions.entries()) {
    const replica = await Applier.open(new MemoryStore());
    for await (const batch of readBatches(harness.log, { topic: `${DEPLOYMENT}.changes`, partition: at }, 1))
      await applyBatch(replica, batch);
    expect(await digestStore(replica.store)).to.deep.equal(await digestStore(store));
  }
}

describe('changes of rows against an oracle (S10, S13, S17, S22)', () => {
  for (const partitionCount of [1, 3, 8]) {
    it(`answers, books and replicas agree on ${partitionCount} partitions, whatever fails and restarts`, async function () {
      this.timeout(STEPS > 0 ? 0 : 240_000);
      let records = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(command, { minLength: 1, maxLength: LIFE_LENGTH_MAX, size: 'max' }),
          fc.array(fc.nat(), { minLength: 4, maxLength: 10 }),
          async (commands, picks) => {
            const model = new Model(partitionCount);
            await model.harness.commit(definitions);
            for (const step of commands) await model.run(step);
            await model.harness.settle();
            const stored = await storedIn(model.harness);
            records += stored.length;
            checkAnswers(model.harness, versionsOf(stored).versions, picks);
            checkBooks(model.harness, stored);
            await checkReplicas(model.harness);
          },
        ),
        { numRuns: STEPS > 0 ? Math.ceil(STEPS / RECORDS_PER_LIFE) : partitionCount === 8 ? 15 : 40, endOnFailure: true },
      );
      expect(records).to.be.at.least(STEPS);
    });
  }
});
