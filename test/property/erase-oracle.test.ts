// Erasures (S26), and the rewriting of the log, anywhere among pushes, updates, deletes, restarts, lost stores and crashes, on
// one partition and on several: every answer is that of a platform that never saw the earlier rows of the entity, and pipelines
// that are built afterwards never meet them.

import { expect } from 'chai';
import fc from 'fast-check';
import { compileRecordCodec } from '../../libs/codec/dataset-record.js';
import { decodeErasure, type ErasedRecord, isErasure } from '../../libs/codec/erasure-record.js';
import { decodeKey } from '../../libs/codec/entity-key.js';
import { applyBatch } from '../../libs/change/apply-batch.js';
import { Applier } from '../../libs/change/applier.js';
import { readBatches } from '../../libs/change/changelog.js';
import { digestStore } from '../../libs/change/digest.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { LogRecord } from '../../libs/log/log.js';
import { type LevelLog, openLevelLog } from '../../libs/log/level/level-log.js';
import { datasetTopic } from '../../libs/pipeline/topics.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { ErasureRewriter } from '../../services/aggregator/erasure-rewriter.js';
import { eraseEntities } from '../../services/ingest/erasing.js';
import { DEPLOYMENT, Harness } from '../integration/aggregator-harness.js';
import { type StoredChange, versionsOf } from './changes-oracle.js';
import { clicks, clicksExpected, definitions, orders, ordersExpected } from './erase-oracle.js';
import { crashes, restarts, runStep, ticks } from './partition-steps.js';

const T = 1_700_000_000_000_000;
const MINUTE = 60e6;
/** Some ten seconds; more for whoever looks for what nobody thought of. */
const ERASURE_RUNS = Number(process.env.THYME_ERASURE_RUNS ?? 12);
const USERS = ['a', 'b', 'c'];
/** Each is one user's for ever, and the last two are deleted at most once: what an erased row was before is not known afterwards. */
const ORDERS = ['o1', 'o2', 'o3', 'o4', 'o5'];
const KINDS = ['x', 'y', 'ü'];

const sent = fc.record({
  what: fc.constantFrom('order' as const, 'click' as const),
  order: fc.nat({ max: ORDERS.length - 1 }),
  user: fc.constantFrom(...USERS),
  amount: fc.option(fc.integer({ min: 1, max: 100 }), { freq: 6 }),
  kind: fc.option(fc.constantFrom(...KINDS), { freq: 4 }),
  minutesAgo: fc.integer({ min: 0, max: 400 }),
  deleted: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  changedMinutesAgo: fc.option(fc.integer({ min: 0, max: 400 }), { freq: 3, nil: undefined }),
  sequence: fc.option(fc.integer({ min: 0, max: 20 }), { freq: 2, nil: undefined }),
});
type Sent = typeof sent extends fc.Arbitrary<infer S> ? S : never;

const command = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('send' as const), rows: fc.array(sent, { minLength: 1, maxLength: 12 }) }) },
  { weight: 4, arbitrary: ticks },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('erase' as const), user: fc.constantFrom(...USERS) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rewrite' as const) }) },
  { weight: 1, arbitrary: restarts },
  { weight: 1, arbitrary: crashes },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

class Model {
  readonly harness: Harness;
  readonly #deleted = new Set<string>();

  constructor(
    readonly partitionCount: number,
    readonly log: LevelLog,
  ) {
    this.harness = new Harness({ partitionCount, log, limits: { inputRecordsMax: 7 } });
  }

  async run(step: Command): Promise<void> {
    this.harness.clock.advance(MINUTE);
    if (step.kind === 'send') for (const row of step.rows) await this.#send(row);
    else if (step.kind === 'erase') await this.#erase(step.user);
    else if (step.kind === 'rewrite') await this.rewrite();
    else await runStep(this.harness, step);
  }

  async rewrite(): Promise<number> {
    const { harness, log } = this;
    for (let at = 0; at < this.partitionCount; at++) await harness.task(at);
    const rewriter = new ErasureRewriter({
      log,
      deployment: DEPLOYMENT,
      clock: harness.clock,
      eraseWithinUs: 0,
      owners: () => harness.partitions,
      revision: () => harness.revision,
      removeAside: () => Promise.resolve(),
      onFailure: (cause) => {
        throw cause;
      },
    });
    return rewriter.rewrite(Number.POSITIVE_INFINITY);
  }

  async #erase(user: string): Promise<void> {
    const { log, clock, revision } = this.harness;
    if (revision === undefined) return;
    const place = { log, deployment: DEPLOYMENT, nowUs: () => clock.nowUs() };
    for (const dataset of [orders, clicks]) await eraseEntities(place, { dataset, revision, entities: [user] });
  }

  async #send({ what, order, user, amount, kind, minutesAgo, deleted, changedMinutesAgo, sequence }: Sent): Promise<void> {
    this.harness.clock.advance(MINUTE);
    const producer = sequence === undefined ? {} : { producerId: 'p', sequence };
    const eventTimeUs = T - minutesAgo * MINUTE;
    if (what === 'click')
      return this.harness.send('Click', [
        [
          { user_id: user, amount, kind },
          { eventTimeUs, ...producer },
        ],
      ]);
    const id = ORDERS[order] ?? '';
    if (this.#deleted.has(id)) return;
    const isDelete = deleted && order >= 3;
    if (isDelete) this.#deleted.add(id);
    const row = isDelete ? { order_id: id } : { order_id: id, user_id: USERS[order % USERS.length] ?? '', amount, kind };
    const time = changedMinutesAgo === undefined || isDelete ? {} : { timeUs: T - changedMinutesAgo * MINUTE };
    await this.harness.send('Order', [[row, { eventTimeUs, change: { deleted: isDelete, ...time }, ...(isDelete ? {} : producer) }]]);
  }
}

/** The records of a dataset in the order of their partitions, without those that an erasure stands behind. */
async function leftIn<R extends { readonly user: string; readonly partition: number }>(
  { log, partitionCount }: Harness,
  dataset: DatasetDefinition,
  read: (record: LogRecord, partition: number) => R,
  noteErased: (erased: ErasedRecord & { readonly partition: number }) => void,
): Promise<R[]> {
  let left: R[] = [];
  for (let at = 0; at < partitionCount; at++) {
    const source = { topic: datasetTopic(DEPLOYMENT, dataset.name, 1), partition: at };
    for (const record of (await log.read(source, 0, { recordsMax: 100_000, bytesMax: 1e9 })).records) {
      const mark = isErasure(record.value) ? decodeErasure(record.value) : undefined;
      if (mark === undefined) left.push(read(record, at));
      else if (mark.kind === 'erased') noteErased({ ...mark, partition: at });
      else {
        const [user] = decodeKey(mark.entityKey);
        left = left.filter((each) => each.partition !== at || each.user !== user);
      }
    }
  }
  return left;
}

/** S13: a retry is one also where what it repeats was erased. */
function firstsOnly(): (record: { readonly partition: number; readonly producerId?: string; readonly sequence?: number }) => boolean {
  const seen = new Set<string>();
  return ({ partition: at, producerId, sequence }) => {
    const name = `${at} ${producerId} ${sequence}`;
    return producerId === undefined || (!seen.has(name) && seen.add(name).size > 0);
  };
}

async function checkAnswers(harness: Harness, picks: readonly number[]): Promise<void> {
  const orderCodec = compileRecordCodec(orders.fields);
  const clickCodec = compileRecordCodec(clicks.fields);
  const [firstOrder, firstClick] = [firstsOnly(), firstsOnly()];
  const changes = await leftIn(
    harness,
    orders,
    ({ offset, value }, at) => {
      const { row, ...rest } = orderCodec.decode(value);
      const [order, user, amount, kind] = row as [string, string, number | null, string | null];
      const stored: StoredChange = { ...rest, order, user, amount, kind, partition: at, offset };
      return { ...stored, repeated: !firstOrder(stored) };
    },
    firstOrder,
  );
  const clicked = await leftIn(
    harness,
    clicks,
    ({ value }, at) => {
      const { row, ...rest } = clickCodec.decode(value);
      const [user, amount, kind] = row as [string, number | null, string | null];
      const stored = { ...rest, user, amount, kind, partition: at };
      return { ...stored, repeated: !firstClick(stored) };
    },
    firstClick,
  );
  const versions = versionsOf(
    changes.filter(({ repeated }) => !repeated),
    Number.POSITIVE_INFINITY,
  ).versions;
  const counted = clicked.filter(({ repeated }) => !repeated);
  for (const asOfUs of [T + 1_000 * MINUTE, ...picks.map((pick) => T - (pick % 400) * MINUTE)]) {
    const instant = { asOfUs, knownAtUs: Number.POSITIVE_INFINITY };
    for (const user of USERS) {
      const isIn = (one: { readonly user: string }): boolean => one.user === user;
      expect(harness.ask('ByUser.build', [user], asOfUs), `orders of ${user}`).to.deep.equal(ordersExpected(versions, instant, isIn));
      expect(harness.ask('Clicks.build', [user], asOfUs), `clicks of ${user}`).to.deep.equal(clicksExpected(counted, asOfUs, isIn));
      expect(harness.ask('Chained.build', [user], asOfUs).n, `chained ${user}`).to.equal(clicksExpected(counted, asOfUs, isIn).n);
    }
    for (const kind of [...KINDS, 'none']) {
      const isIn = (one: { readonly kind: string | null }): boolean => (one.kind ?? 'none') === kind;
      expect(harness.ask('ByLabel.build', [kind], asOfUs), `labelled ${kind}`).to.deep.equal(clicksExpected(counted, asOfUs, isIn));
      expect(harness.ask('ByBucket.build', [kind], asOfUs), `bucket ${kind}`).to.deep.equal(ordersExpected(versions, instant, isIn));
    }
  }
}

/** A4: what was read is somewhere in the books. */
function checkBooks(harness: Harness): void {
  for (let at = 0; at < harness.partitionCount; at++) {
    for (const { read, received, sent: gone, ...books } of harness.view(at).applied()?.counters ?? []) {
      const { applied, filtered, late, outdated, duplicate, dead, erased, failed } = books;
      expect(read + received, `partition ${at}`).to.equal(applied + filtered + late + outdated + duplicate + dead + gone + erased);
      expect(failed, 'every step, and every end, found what it looked for').to.equal(0);
    }
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

describe('erasures against an oracle that never saw the earlier rows (S26)', () => {
  for (const partitionCount of [1, 3]) {
    it(`answers, books and replicas agree on ${partitionCount} partitions, also where a pipeline is built afterwards`, async function () {
      this.timeout(240_000);
      await fc.assert(
        fc.asyncProperty(
          fc.array(command, { minLength: 1, maxLength: 20 }),
          fc.array(fc.nat(), { minLength: 2, maxLength: 5 }),
          async (commands, picks) => {
            const model = new Model(partitionCount, await openLevelLog(new MemoryStore()));
            await model.harness.commit(definitions(1));
            for (const step of commands) await model.run(step);
            await model.harness.settle();
            await checkAnswers(model.harness, picks);
            await model.harness.commit(definitions(2));
            await model.harness.settle();
            await checkAnswers(model.harness, picks);
            checkBooks(model.harness);
            await model.rewrite();
            for (let at = 0; at < partitionCount; at++) model.harness.restart(at, { loseStore: true });
            await model.harness.settle();
            await checkAnswers(model.harness, picks);
            await checkReplicas(model.harness);
          },
        ),
        { numRuns: ERASURE_RUNS, endOnFailure: true },
      );
    });
  }
});
