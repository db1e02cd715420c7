// Joins against an oracle that works from the log alone: the left records and right rows of each tick are told by
// the cursors of its commit record, and each left record takes the newest right row that was there by then (S24).

import { expect } from 'chai';
import fc from 'fast-check';
import { decodeBatch } from '../../libs/change/batch-codec.js';
import type { CommitRecord, ReaderCounters } from '../../libs/change/change.js';
import { readBatches } from '../../libs/change/changelog.js';
import { compileRecordCodec } from '../../libs/codec/dataset-record.js';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import { changesTopic, datasetTopic } from '../../libs/pipeline/topics.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline } from '../integration/aggregator-harness.js';

const MINUTE = 60e6;
const T = 1_700_000_000_000_000;
const PRODUCTS = ['a', 'b', 'c', 'd', 'e'];

const sales = dataset('Sale', [field('product', 'string'), field('at', 'timestamp')], ['product']);
const prices = dataset('Price', [field('product', 'string'), field('price', 'int'), field('at', 'timestamp')], ['product'], {
  index: true,
});
const totals = dataset(
  'Totals',
  [field('product', 'string'), field('n', 'int'), field('total', 'int'), field('last', 'int', true), field('at', 'timestamp')],
  ['product'],
);
const joined = pipeline('Totals', ['Sale'], {
  steps: [{ kind: 'join', dataset: 'Price', on: ['product'], how: 'left' }],
  aggregate: {
    groupBy: ['product'],
    aggregations: [
      { field: 'n', operator: 'count', windowUs: null },
      { field: 'total', operator: 'sum', of: 'price', windowUs: null },
      { field: 'last', operator: 'last', of: 'price', windowUs: null, dropNull: true },
    ],
  },
});

type Command =
  | { readonly kind: 'sale' | 'price'; readonly product: string; readonly minute: number }
  | { readonly kind: 'tick' | 'restart'; readonly partition: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('sale' as const, 'price' as const),
      product: fc.constantFrom(...PRODUCTS),
      minute: fc.nat({ max: 60 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('tick' as const), partition: fc.nat({ max: 7 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), partition: fc.nat({ max: 7 }) }) },
);

interface Stored {
  readonly product: string;
  readonly eventTimeUs: number;
  readonly price: number | null;
}

/** What the test knows beside the log: where prices ended when each sale was sent, by its partition and offset. */
type EndsAtSale = ReadonlyMap<string, number>;

async function storedOf(harness: Harness, definition: DatasetDefinition, partition: number): Promise<Stored[]> {
  const { decode } = compileRecordCodec(definition.fields);
  const { records } = await harness.log.read({ topic: datasetTopic(DEPLOYMENT, definition.name, 1), partition }, 0, {
    recordsMax: 10_000,
    bytesMax: 1e9,
  });
  return records.map(({ value }) => {
    const { eventTimeUs, row } = decode(value);
    const [product, second] = row;
    return { product: String(product), eventTimeUs, price: definition === prices ? Number(second) : null };
  });
}

async function run(harness: Harness, commands: readonly Command[]): Promise<Map<string, number>> {
  const ends = new Map<string, number>();
  let price = 0;
  for (const step of commands) {
    const partition = 'partition' in step ? step.partition % harness.partitionCount : 0;
    if (step.kind === 'tick') await (await harness.task(partition)).tick();
    else if (step.kind === 'restart') harness.restart(partition);
    else if (step.kind === 'price')
      await harness.send('Price', [[{ product: step.product, price: ++price }, { eventTimeUs: T + step.minute * MINUTE }]]);
    else if (step.kind === 'sale') {
      await harness.send('Sale', [[{ product: step.product }, { eventTimeUs: T + step.minute * MINUTE }]]);
      await noteEnds(harness, ends);
    }
  }
  await harness.settle();
  return ends;
}

async function noteEnds(harness: Harness, ends: Map<string, number>): Promise<void> {
  for (let partition = 0; partition < harness.partitionCount; partition++) {
    const last = (await harness.log.endOffset({ topic: datasetTopic(DEPLOYMENT, 'Sale', 1), partition })) - 1;
    const name = `${partition} ${last}`;
    if (last >= 0 && !ends.has(name))
      ends.set(name, await harness.log.endOffset({ topic: datasetTopic(DEPLOYMENT, 'Price', 1), partition }));
  }
}

/** The newest with t ≤ `eventTimeUs`; of equal times the later in the log (S7). */
function newest(rows: readonly Stored[], { product, eventTimeUs }: Stored): number | null {
  let found: Stored | undefined;
  for (const row of rows)
    if (row.product === product && row.eventTimeUs <= eventTimeUs && (found === undefined || row.eventTimeUs >= found.eventTimeUs))
      found = row;
  return found?.price ?? null;
}

interface Expected {
  readonly joined: { readonly product: string; readonly eventTimeUs: number; readonly price: number | null }[];
  /** Right rows that came after a left record of their key with t ≥ theirs. */
  late: number;
  /** ... or after one of any key. */
  lateAtMost: number;
}

const cursorOf = (commit: CommitRecord, dataset: DatasetDefinition): number =>
  commit.cursors.find(({ readerId, topic }) => readerId !== 0 && topic === datasetTopic(DEPLOYMENT, dataset.name, 1))?.nextOffset ?? 0;

async function recompute(harness: Harness, partition: number, ends: EndsAtSale): Promise<Expected> {
  const [left, right] = [await storedOf(harness, sales, partition), await storedOf(harness, prices, partition)];
  const expected: Expected = { joined: [], late: 0, lateAtMost: 0 };
  let [leftEnd, rightEnd] = [0, 0];
  for await (const { bytes } of readBatches(harness.log, { topic: changesTopic(DEPLOYMENT), partition }, 1)) {
    const { commit } = decodeBatch(bytes);
    const [leftNext, rightNext] = [cursorOf(commit, sales), cursorOf(commit, prices)];
    for (const row of right.slice(rightEnd, rightNext)) {
      const before = left.slice(0, leftEnd).filter((sale) => sale.eventTimeUs >= row.eventTimeUs);
      if (before.length > 0) expected.lateAtMost++;
      if (before.some(({ product }) => product === row.product)) expected.late++;
    }
    for (let offset = leftEnd; offset < leftNext; offset++) {
      const sale = left[offset];
      if (sale === undefined) throw new Error(`no sale at ${offset}`);
      expect(rightNext, `the right side when the sale ${partition}/${offset} was joined`).to.be.at.least(
        ends.get(`${partition} ${offset}`) ?? 0,
      );
      expected.joined.push({ ...sale, price: newest(right.slice(0, rightNext), sale) });
    }
    [leftEnd, rightEnd] = [leftNext, rightNext];
  }
  expect([leftEnd, rightEnd]).to.deep.equal([left.length, right.length]);
  return expected;
}

function checkAnswers(harness: Harness, joinedSales: Expected['joined']): void {
  for (const product of PRODUCTS) {
    for (const asOfUs of [T, T + 20 * MINUTE, T + 60 * MINUTE]) {
      const rows = joinedSales
        .filter((sale) => sale.product === product && sale.eventTimeUs <= asOfUs)
        .map((sale, i) => ({ ...sale, i }))
        .sort((a, b) => a.eventTimeUs - b.eventTimeUs || a.i - b.i);
      const found = rows.flatMap(({ price }) => price ?? []);
      const expected = { n: rows.length, total: found.reduce((total, price) => total + price, 0), last: found.at(-1) ?? null };
      expect(harness.ask('Totals.build', [product], asOfUs), `${product} at ${(asOfUs - T) / MINUTE}`).to.deep.equal(expected);
    }
  }
}

function booksOf(harness: Harness, partition: number): ReaderCounters | undefined {
  const id = harness.known.find(({ name }) => name === 'Totals.build')?.id;
  return harness
    .view(partition)
    .applied()
    ?.counters.find(({ readerId }) => readerId === id);
}

describe('joins against an oracle (S24)', () => {
  for (const partitionCount of [1, 3, 8]) {
    it(`take the newest right row of their tick, and count those that come too late, on ${partitionCount} partitions`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 60 }), async (commands) => {
          const harness = new Harness({ partitionCount, limits: { inputRecordsMax: 4 } });
          await harness.commit({ datasets: [sales, prices, totals], pipelines: [joined] });
          const ends = await run(harness, commands);
          const all: Expected['joined'] = [];
          const restarted = new Set(commands.flatMap((step) => (step.kind === 'restart' ? [step.partition % partitionCount] : [])));
          for (let partition = 0; partition < partitionCount; partition++) {
            const expected = await recompute(harness, partition, ends);
            all.push(...expected.joined);
            const counted = booksOf(harness, partition)?.lateRight;
            if (restarted.has(partition))
              expect(counted, `late right rows in ${partition}, restarted`).to.be.within(expected.late, expected.lateAtMost);
            else expect(counted, `late right rows in ${partition}`).to.equal(expected.late);
          }
          checkAnswers(harness, all);
        }),
        { numRuns: 40 },
      );
    });
  }

  it('what was counted, and how far was joined, survives a restart and a lost store', async () => {
    const harness = new Harness();
    await harness.commit({ datasets: [sales, prices, totals], pipelines: [joined] });
    const price = (product: string, minute: number) =>
      harness.send('Price', [[{ product, price: 1 }, { eventTimeUs: T + minute * MINUTE }]]);
    await harness.send('Sale', [[{ product: 'a' }, { eventTimeUs: T + 10 * MINUTE }]]);
    await harness.settle();
    await price('a', 10); // late, for both ends are included
    await price('a', 11);
    await price('b', 9); // no sale of it was joined
    await harness.settle();
    expect(booksOf(harness, 0)).to.include({ lateRight: 1, joinedUs: T + 10 * MINUTE });
    harness.restart(0, { loseStore: true });
    await price('a', 3);
    await price('b', 11);
    await harness.settle();
    expect(booksOf(harness, 0)).to.include({ lateRight: 2, joinedUs: T + 10 * MINUTE });
  });
});
