// Joins, streams, re-keyed aggregations and chains of them over several partitions, against a recomputation that
// knows neither partitions nor ticks. Records are sent in order of their event times: what a join finds and a
// link publishes is then the same whatever the ticks are (S24, S25), and everything can be told from the records.

import { expect } from 'chai';
import fc from 'fast-check';
import { dataset, field, Harness, pipeline } from '../integration/aggregator-harness.js';

const HOUR = 3_600e6;
const T = 1_700_000_000_000_000;
const USERS = ['ann', 'bob', 'cem', 'dee', 'eva', 'fay'];
const PRODUCTS = ['p', 'q', 'r', 's'];

const at = field('at', 'timestamp');
const sales = dataset('Sale', [field('sale', 'string'), field('user', 'string'), field('product', 'string'), at], ['sale']);
const prices = dataset('Price', [field('product', 'string'), field('price', 'int'), at], ['product'], { index: true });
const priced = dataset('Priced', [field('user', 'string'), field('product', 'string'), field('price', 'int', true), at], ['user'], {
  publish: true,
});
const spend = dataset('Spend', [field('user', 'string'), field('n', 'int'), field('total_1h', 'int'), at], ['user']);
const byProduct = dataset('ByProduct', [field('product', 'string'), field('n', 'int'), field('unpriced', 'int'), at], ['product']);
const visits = dataset('Visit', [field('user', 'string'), at], ['user']);
const pace = dataset('Pace', [field('user', 'string'), field('n_1h', 'int'), at], ['user'], { publish: true });
const histogram = dataset('Histogram', [field('n_1h', 'int'), field('n', 'int'), at], ['n_1h']);

const isUnpriced = { kind: 'isNull', operand: { kind: 'column', name: 'price' } } as const;
const count = (name = 'n', windowUs: number | null = null) => ({ field: name, operator: 'count', windowUs }) as const;
const definitions = {
  datasets: [sales, prices, priced, spend, byProduct, visits, pace, histogram],
  pipelines: [
    pipeline('Spend', ['Priced'], {
      aggregate: { groupBy: ['user'], aggregations: [count(), { field: 'total_1h', operator: 'sum', of: 'price', windowUs: HOUR }] },
    }),
    pipeline('ByProduct', ['Priced'], {
      aggregate: { groupBy: ['product'], aggregations: [count(), { ...count('unpriced'), where: isUnpriced }] },
    }),
    pipeline('Priced', ['Sale'], {
      steps: [
        { kind: 'join', dataset: 'Price', on: ['product'], how: 'left' },
        { kind: 'select', names: ['user', 'product', 'price', 'at'] },
      ],
    }),
    pipeline('Pace', ['Visit'], { aggregate: { groupBy: ['user'], aggregations: [count('n_1h', HOUR)] } }),
    pipeline('Histogram', ['Pace'], { aggregate: { groupBy: ['n_1h'], aggregations: [count()] } }),
  ],
};

type Sent =
  | { readonly kind: 'sale'; readonly user: string; readonly product: string }
  | { readonly kind: 'price'; readonly product: string }
  | { readonly kind: 'visit'; readonly user: string };
type Command =
  { readonly minutes: number; readonly sent: Sent } | { readonly tick: number } | { readonly restart: number; readonly loseStore: boolean };

const [user, product, partition] = [fc.constantFrom(...USERS), fc.constantFrom(...PRODUCTS), fc.nat({ max: 7 })];
const sent: fc.Arbitrary<Sent> = fc.oneof(
  fc.record({ kind: fc.constant('sale' as const), user, product }),
  fc.record({ kind: fc.constant('price' as const), product }),
  fc.record({ kind: fc.constant('visit' as const), user: fc.constantFrom('ann', 'bob') }),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ minutes: fc.integer({ min: 1, max: 30 }), sent }) },
  { weight: 4, arbitrary: fc.record({ tick: partition }) },
  { weight: 1, arbitrary: fc.record({ restart: partition, loseStore: fc.boolean() }) },
);

type Told = Sent & { readonly eventTimeUs: number; readonly number: number };

async function run(harness: Harness, commands: readonly Command[]): Promise<Told[]> {
  const all: Told[] = [];
  let eventTimeUs = T;
  for (const step of commands) {
    if ('tick' in step) await (await harness.task(step.tick % harness.partitionCount)).tick();
    else if ('restart' in step) harness.restart(step.restart % harness.partitionCount, step);
    else {
      eventTimeUs += step.minutes * 60e6;
      const told = { ...step.sent, eventTimeUs, number: all.length };
      all.push(told);
      await send(harness, told);
    }
  }
  await harness.settle();
  return all;
}

async function send(harness: Harness, told: Told): Promise<void> {
  const { eventTimeUs, number } = told;
  if (told.kind === 'sale') await harness.send('Sale', [[{ sale: `s${number}`, user: told.user, product: told.product }, { eventTimeUs }]]);
  else if (told.kind === 'price') await harness.send('Price', [[{ product: told.product, price: number }, { eventTimeUs }]]);
  else await harness.send('Visit', [[{ user: told.user }, { eventTimeUs }]]);
}

function priceOf(all: readonly Told[], product: string, eventTimeUs: number): number | null {
  return all.findLast((told) => told.kind === 'price' && told.product === product && told.eventTimeUs <= eventTimeUs)?.number ?? null;
}

function checkSales(harness: Harness, all: readonly Told[], asOfUs: number): void {
  const sold = all.flatMap((told) =>
    told.kind === 'sale' && told.eventTimeUs <= asOfUs ? [{ ...told, price: priceOf(all, told.product, told.eventTimeUs) }] : [],
  );
  for (const name of USERS) {
    const own = sold.filter((sale) => sale.user === name);
    const total = own.filter(({ eventTimeUs }) => eventTimeUs >= asOfUs - HOUR).reduce((sum, { price }) => sum + (price ?? 0), 0);
    expect(harness.ask('Spend.build', [name], asOfUs), `spend of ${name}`).to.deep.equal({ n: own.length, total_1h: total });
  }
  for (const name of PRODUCTS) {
    const own = sold.filter((sale) => sale.product === name);
    expect(harness.ask('ByProduct.build', [name], asOfUs), `sales of ${name}`).to.deep.equal({
      n: own.length,
      unpriced: own.filter(({ price }) => price === null).length,
    });
  }
}

function checkPaces(harness: Harness, all: readonly Told[], asOfUs: number): void {
  const visited = all.filter((told) => told.kind === 'visit' && told.eventTimeUs <= asOfUs);
  const paces = visited.map(
    (visit) =>
      visited.filter(
        (other) =>
          other.kind === 'visit' &&
          visit.kind === 'visit' &&
          other.user === visit.user &&
          other.eventTimeUs <= visit.eventTimeUs &&
          other.eventTimeUs >= visit.eventTimeUs - HOUR,
      ).length,
  );
  for (let n = 0; n <= Math.max(2, ...paces); n++) {
    expect(harness.ask('Histogram.build', [n], asOfUs), `visits that were the ${n}th of an hour`).to.deep.equal({
      n: paces.filter((each) => each === n).length,
    });
  }
}

describe('chains, re-keying and joins against a recomputation (S13, S24, S25)', () => {
  for (const partitionCount of [1, 3, 8]) {
    it(`agree on ${partitionCount} partitions, whatever the ticks and restarts`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 60 }), async (commands) => {
          const harness = new Harness({ partitionCount, limits: { inputRecordsMax: 5 } });
          await harness.commit(definitions);
          const all = await run(harness, commands);
          const lastUs = all.at(-1)?.eventTimeUs ?? T;
          for (const asOfUs of [lastUs, lastUs - 2 * HOUR, T + HOUR]) {
            checkSales(harness, all, asOfUs);
            checkPaces(harness, all, asOfUs);
          }
          const late = Array.from({ length: partitionCount }, (_, each) => harness.view(each).applied()?.counters ?? [])
            .flat()
            .reduce((sum, { lateRight }) => sum + lateRight, 0);
          expect(late, 'right rows that came too late, where all come in order').to.equal(0);
        }),
        { numRuns: 25 },
      );
    });
  }
});
