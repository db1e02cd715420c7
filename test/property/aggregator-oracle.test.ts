// Random records, batches, faults and restarts against an oracle that keeps every record and answers
// by a filter and a fold (STYLE 8).

import { expect } from 'chai';
import fc from 'fast-check';
import { planCrash } from '../../libs/lifecycle/crash-point.js';
import { digestStore } from '../../libs/change/digest.js';
import { applyBatch } from '../../libs/change/apply-batch.js';
import { Applier } from '../../libs/change/applier.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { datasetTopic, deadLetterTopic } from '../../libs/pipeline/topics.js';
import { MemoryStore } from '../../libs/store/memory-store.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from '../integration/aggregator-harness.js';
import { FaultyLog, type Fault } from '../integration/faulty-log.js';

const HOUR = 3_600e6;
const T = 1_700_000_000_000_000;
const LATENESS = 2 * HOUR;

const orders = dataset(
  'Order',
  [
    field('order_id', 'string'),
    field('user_id', 'string'),
    field('amount', 'float', true),
    field('kind', 'string', true),
    field('at', 'timestamp'),
  ],
  ['order_id'],
  { maxLatenessUs: LATENESS },
);
const visits = dataset(
  'Visit',
  [field('user_id', 'string'), field('amount', 'float', true), field('kind', 'string', true), field('at', 'timestamp')],
  ['user_id'],
  { maxLatenessUs: LATENESS },
);
const outputFields = [
  field('user_id', 'string'),
  field('n_1h', 'int'),
  field('sum_3h', 'float'),
  field('sum_big', 'float'),
  field('max_all', 'float', true),
  field('last_kind', 'string', true),
  { name: 'kinds', type: { kind: 'list', of: { kind: 'string', optional: true }, optional: false } } as const,
  field('at', 'timestamp'),
];
const byOrder = dataset('ByOrder', outputFields, ['user_id']);
const byVisit = dataset('ByVisit', outputFields, ['user_id']);
const amountOver = {
  kind: 'comparison',
  operator: 'gt',
  left: { kind: 'column', name: 'amount' },
  right: { kind: 'literal', value: { type: 'float', value: 50 } },
} as const;
const aggregate = {
  groupBy: ['user_id'],
  aggregations: [
    { field: 'n_1h', operator: 'count', windowUs: HOUR },
    { field: 'sum_3h', operator: 'sum', of: 'amount', windowUs: 3 * HOUR },
    { field: 'sum_big', operator: 'sum', of: 'amount', windowUs: 3 * HOUR, where: amountOver },
    { field: 'max_all', operator: 'max', of: 'amount', windowUs: null },
    { field: 'last_kind', operator: 'last', of: 'kind', windowUs: null },
    { field: 'kinds', operator: 'lastK', of: 'kind', windowUs: 3 * HOUR, k: 3 },
  ],
} as const;
const notTen = {
  kind: 'comparison',
  operator: 'ne',
  left: {
    kind: 'fillNull',
    operand: { kind: 'column', name: 'amount' },
    fallback: { kind: 'literal', value: { type: 'float', value: 0 } },
  },
  right: { kind: 'literal', value: { type: 'float', value: 10 } },
} as const;
const steps = [{ kind: 'filter', where: notTen }] as const;
const definitions = {
  datasets: [orders, visits, byOrder, byVisit],
  pipelines: [pipeline('ByOrder', ['Order'], { steps, aggregate }), pipeline('ByVisit', ['Visit'], { steps, aggregate })],
};

interface Event {
  readonly user: string;
  readonly order: string;
  readonly amount: number | null;
  readonly kind: string | null;
  readonly minutesAgo: number;
  readonly lane: string;
  readonly historical: boolean;
  readonly producer: { readonly id: string; readonly sequence: number } | undefined;
}

const event: fc.Arbitrary<Event> = fc.record({
  user: fc.constantFrom('a', 'b', 'c', 'd'),
  order: fc.constantFrom('o1', 'o2', 'o3', 'o4', 'o5', 'o6'),
  amount: fc.option(fc.integer({ min: 1, max: 100 }), { freq: 5 }),
  kind: fc.option(fc.constantFrom('x', 'y', 'ü'), { freq: 4 }),
  // Also ahead of the time at which the log takes it in: what a fast clock stamps moves no watermark past the present (S10).
  minutesAgo: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 400 }) },
    { weight: 4, arbitrary: fc.constantFrom(0, 60, 120, 180) },
    { weight: 1, arbitrary: fc.integer({ min: -400, max: -60 }) },
  ),
  lane: fc.constantFrom('push', 'push', 'push', 'shard-1'),
  historical: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  producer: fc.option(fc.record({ id: fc.constantFrom('p', 'q'), sequence: fc.integer({ min: 0, max: 30 }) }), { freq: 2, nil: undefined }),
});

type Command =
  | { readonly kind: 'send'; readonly name: 'Order' | 'Visit'; readonly events: readonly Event[] }
  | { readonly kind: 'tick' | 'restart' | 'lose'; readonly partition: number }
  | { readonly kind: 'fault'; readonly partition: number; readonly fault: Fault }
  | { readonly kind: 'crash'; readonly partition: number; readonly point: string };

const CRASH_POINTS = [
  'aggregator.beforeRead',
  'aggregator.beforeTransaction',
  'aggregator.afterCommit',
  'aggregator.afterApply',
  'aggregator.afterStream',
];
const partitionIndex = fc.nat({ max: 2 });
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      name: fc.constantFrom('Order' as const, 'Visit' as const),
      events: fc.array(event, { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('tick' as const), partition: partitionIndex }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'lose' as const), partition: partitionIndex }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      partition: partitionIndex,
      fault: fc.constantFrom<Fault>('beforeCommit', 'afterCommit', 'read'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('crash' as const), partition: partitionIndex, point: fc.constantFrom(...CRASH_POINTS) }),
  },
);

/** A record as the topic holds it, with its place. */
interface Stored extends Event {
  readonly eventTimeUs: number;
  readonly appendTimeUs: number;
  readonly partition: number;
  readonly offset: number;
}

/** What of a topic's records may count: S10 and S13 as loops over the log. */
function admitted(stored: readonly Stored[]): Stored[] {
  const watermarks = new Map<string, number>();
  const seen = new Set<string>();
  return stored.filter((record) => {
    if (record.producer !== undefined) {
      const name = `${record.partition} ${record.producer.id} ${record.producer.sequence}`;
      if (seen.has(name)) return false;
      seen.add(name);
    }
    const lane = `${record.partition} ${record.lane}`;
    const watermark = watermarks.get(lane) ?? Number.NEGATIVE_INFINITY;
    watermarks.set(lane, Math.max(watermark, Math.min(record.eventTimeUs, record.appendTimeUs)));
    return record.historical || record.eventTimeUs >= watermark - LATENESS;
  });
}

function oracle(stored: readonly Stored[], user: string, asOfUs: number, knownAtUs: number): Record<string, unknown> {
  const rows = admitted(stored)
    .filter(
      (record) =>
        record.user === user &&
        record.amount !== 10 &&
        record.eventTimeUs <= asOfUs &&
        (record.historical ? record.eventTimeUs : record.appendTimeUs) <= knownAtUs,
    )
    .sort((a, b) => a.eventTimeUs - b.eventTimeUs || a.partition - b.partition || a.offset - b.offset); // S7
  const within = (us: number): Stored[] => rows.filter((record) => record.eventTimeUs >= asOfUs - us);
  const amounts = (list: readonly Stored[]): number[] => list.flatMap(({ amount }) => amount ?? []);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const all = amounts(rows);
  return {
    n_1h: within(HOUR).length,
    sum_3h: sum(amounts(within(3 * HOUR))),
    sum_big: sum(amounts(within(3 * HOUR)).filter((amount) => amount > 50)),
    max_all: all.length === 0 ? null : Math.max(...all),
    last_kind: rows.at(-1)?.kind ?? null,
    kinds: within(3 * HOUR)
      .slice(-3)
      .reverse()
      .map(({ kind }) => kind),
  };
}

class Model {
  readonly log = new FaultyLog(new MemoryLog());
  readonly harness: Harness;

  constructor(readonly partitionCount: number) {
    this.harness = new Harness({ partitionCount, log: this.log, limits: { inputRecordsMax: 7 } });
  }

  async run(step: Command): Promise<void> {
    const partition = 'partition' in step ? step.partition % this.partitionCount : 0;
    switch (step.kind) {
      case 'send':
        return this.#send(step.name, step.events);
      case 'tick':
        return this.#tick(partition);
      case 'restart':
      case 'lose': {
        this.harness.restart(partition, { loseStore: step.kind === 'lose' });
        return;
      }
      case 'fault':
        this.log.next = step.fault;
        await this.#tick(partition);
        this.log.next = 'none';
        return;
      case 'crash':
        planCrash(`${step.point}:1:throw`);
        await this.#tick(partition);
        planCrash(undefined);
        return;
    }
  }

  /** An error drops the task, as its owner does. */
  async #tick(partition: number): Promise<void> {
    try {
      await (await this.harness.task(partition)).tick();
    } catch (error) {
      if (!(error instanceof Error) || !/the log failed|crash point/.test(error.message)) throw error;
      this.harness.restart(partition);
    }
  }

  async #send(name: 'Order' | 'Visit', events: readonly Event[]): Promise<void> {
    for (const { user, order, amount, kind, minutesAgo, lane, historical, producer } of events) {
      this.harness.clock.advance(60_000);
      const sent = {
        eventTimeUs: T - minutesAgo * 60e6,
        lane,
        historical,
        ...(producer === undefined ? {} : { producerId: producer.id, sequence: producer.sequence }),
      };
      await this.harness.send(name, [[{ user_id: user, order_id: order, amount, kind }, sent]]);
    }
  }
}

/** The records of a dataset's topic, in the order of the log. */
async function storedOf(
  harness: Harness,
  name: 'Order' | 'Visit',
  codec: (bytes: Uint8Array) => Omit<Stored, 'partition' | 'offset'>,
): Promise<Stored[]> {
  const stored: Stored[] = [];
  for (let partition = 0; partition < harness.partitionCount; partition++) {
    const { records } = await harness.log.read({ topic: datasetTopic(DEPLOYMENT, name, 1), partition }, 0, {
      recordsMax: 10_000,
      bytesMax: 1e9,
    });
    for (const { offset, value } of records) stored.push({ ...codec(value), partition, offset });
  }
  return stored;
}

async function checkAll(model: Model): Promise<void> {
  const { harness } = model;
  await harness.settle();
  const { compileRecordCodec } = await import('../../libs/codec/dataset-record.js');
  for (const [name, pipelineName, definition] of [
    ['Order', 'ByOrder.build', orders],
    ['Visit', 'ByVisit.build', visits],
  ] as const) {
    const codec = compileRecordCodec(definition.fields);
    const at = (column: string): number => definition.fields.findIndex((each) => each.name === column);
    const stored = await storedOf(harness, name, (bytes) => {
      const { row, producerId, sequence, ...rest } = codec.decode(bytes);
      return {
        ...rest,
        user: String(row[at('user_id')]),
        order: '',
        minutesAgo: 0,
        amount: row[at('amount')] as number | null,
        kind: row[at('kind')] as string | null,
        producer: producerId === undefined || sequence === undefined ? undefined : { id: producerId, sequence },
      };
    });
    for (const user of ['a', 'b', 'c', 'd', 'nobody']) {
      for (const asOfUs of [T, T - 60 * 60e6, T - 200 * 60e6, T + HOUR]) {
        for (const knownAtUs of [Number.POSITIVE_INFINITY, T - 30 * 60e6, T + 5 * 60e6]) {
          expect(harness.ask(pipelineName, [user], asOfUs, { knownAtUs }), `${name} ${user} ${asOfUs - T} ${knownAtUs - T}`).to.deep.equal(
            oracle(stored, user, asOfUs, knownAtUs),
          );
        }
      }
    }
    await checkBooks(harness, stored, pipelineName);
  }
  await checkReplicas(harness);
}

/** A4: per partition and in all. */
async function checkBooks(harness: Harness, stored: readonly Stored[], pipelineName: string): Promise<void> {
  const id = harness.revision?.timelines.find(({ name }) => name === pipelineName)?.id;
  const totals = { read: 0, received: 0, sent: 0, applied: 0, filtered: 0, late: 0, duplicate: 0, dead: 0 };
  for (let partition = 0; partition < harness.partitionCount; partition++) {
    const counters = harness
      .view(partition)
      .applied()
      ?.counters.find(({ readerId }) => readerId === id);
    if (counters === undefined) continue;
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += counters[name];
    expect(counters.read + counters.received, `books of ${pipelineName} in ${partition}`).to.equal(
      counters.applied + counters.filtered + counters.late + counters.duplicate + counters.dead + counters.sent,
    );
  }
  expect(totals.read).to.equal(stored.length);
  expect(totals.sent).to.equal(totals.received);
  const kept = admitted(stored);
  expect(totals.late + totals.duplicate).to.equal(stored.length - kept.length);
  expect(totals.filtered).to.equal(kept.filter(({ amount }) => amount === 10).length);
}

/** C2: whoever folds the same batches has the same bytes. */
async function checkReplicas(harness: Harness): Promise<void> {
  const { readBatches } = await import('../../libs/change/changelog.js');
  for (let partition = 0; partition < harness.partitionCount; partition++) {
    const replica = await Applier.open(new MemoryStore());
    for await (const batch of readBatches(harness.log, { topic: `${DEPLOYMENT}.changes`, partition }, 1)) await applyBatch(replica, batch);
    const owner = harness.partitions[partition];
    if (owner === undefined) throw new Error('no such partition');
    expect(await digestStore(replica.store)).to.deep.equal(await digestStore(owner.store));
  }
}

describe('aggregator against an oracle (S7, S10, S11, S13, S14, S22)', () => {
  for (const partitionCount of [1, 3]) {
    it(`answers, books and replicas agree on ${partitionCount} partitions, whatever fails and restarts`, async function () {
      this.timeout(120_000);
      await fc.assert(
        fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 25 }), async (commands) => {
          const model = new Model(partitionCount);
          await model.harness.commit(definitions);
          for (const step of commands) await model.run(step);
          await checkAll(model);
        }),
        { numRuns: 60 },
      );
    });
  }

  it('every dead-letter topic is empty when nothing is dead', async () => {
    const model = new Model(1);
    await model.harness.commit(definitions);
    await model.run({
      kind: 'send',
      name: 'Visit',
      events: [{ user: 'a', order: 'o', amount: 1, kind: null, minutesAgo: 1, lane: 'push', historical: false, producer: undefined }],
    });
    await checkAll(model);
    expect(await model.log.endOffset({ topic: deadLetterTopic(DEPLOYMENT, 'Visit', 1), partition: 0 })).to.equal(0);
  });
});
