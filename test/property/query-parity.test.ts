import { expect } from 'chai';
import fc from 'fast-check';
import type { Aggregation, Definitions } from '../../libs/definition/definitions.js';
import type { ExtractorContext } from '../../libs/feature/bound-extractor.js';
import type { Row, Value } from '../../libs/schema/value-type.js';
import type { OfflineQuestion } from '../../services/query/answers.js';
import { caller, dataset, feature, featureset, NOON_US, optional, QueryWorld, types } from '../support/query-world.js';

const USERS = ['u0', 'u1', 'u2', 'u3', 'u4'];
const WINDOWS_US = [5, 40, null];
const FIELDS: readonly {
  readonly name: string;
  readonly type: 'int' | 'float?' | 'list';
  readonly aggregation: Omit<Aggregation, 'field' | 'windowUs'>;
}[] = [
  { name: 'n', type: 'int', aggregation: { operator: 'count' } },
  { name: 'present', type: 'int', aggregation: { operator: 'count', of: 'amount' } },
  {
    name: 'large',
    type: 'int',
    aggregation: {
      operator: 'count',
      where: {
        kind: 'comparison',
        operator: 'gt',
        left: { kind: 'column', name: 'amount' },
        right: { kind: 'literal', value: { type: 'float', value: 2 } },
      },
    },
  },
  { name: 'sum', type: 'float?', aggregation: { operator: 'sum', of: 'amount' } },
  { name: 'avg', type: 'float?', aggregation: { operator: 'avg', of: 'amount' } },
  { name: 'min', type: 'float?', aggregation: { operator: 'min', of: 'amount' } },
  { name: 'max', type: 'float?', aggregation: { operator: 'max', of: 'amount' } },
  { name: 'median', type: 'float?', aggregation: { operator: 'percentile', of: 'amount', pct: 50 } },
  { name: 'last3', type: 'list', aggregation: { operator: 'lastK', of: 'amount', k: 3 } },
];
const typeOf = {
  int: types.int,
  'float?': optional(types.float),
  list: { kind: 'list', of: optional(types.float), optional: false },
} as const;
const columns = FIELDS.flatMap((field) => WINDOWS_US.map((windowUs, w) => ({ ...field, windowUs, column: `${field.name}_${w}` })));

const order = dataset('Order', { user_id: types.string, amount: optional(types.float), at: types.timestamp });
const stats = dataset('Stats', {
  user_id: types.string,
  ...Object.fromEntries(columns.map(({ column, type }) => [column, typeOf[type]])),
  at: types.timestamp,
});
const definitions: Definitions = {
  datasets: [order, stats],
  sources: [],
  pipelines: [
    {
      name: 'Stats.stats',
      version: 1,
      output: 'Stats',
      inputs: ['Order'],
      steps: [],
      aggregate: {
        groupBy: ['user_id'],
        aggregations: columns.map(({ column, windowUs, aggregation }): Aggregation => ({ ...aggregation, field: column, windowUs })),
      },
    },
  ],
  featuresets: [
    featureset(
      'F',
      [
        feature('user_id', types.string),
        ...columns.map(({ column, type }) => feature(column, typeOf[type], { ref: { dataset: 'Stats', field: column } })),
        feature('spent', types.float),
      ],
      { extractors: [{ name: 'spent', inputs: ['sum_1', 'user_id'], outputs: ['spent'], function: 'spent' }] },
    ),
  ],
};
const functions = {
  spent: ({ lookup }: ExtractorContext, { sum_1, user_id }: Record<string, unknown>) => ({
    spent: Number(sum_1) - ((lookup('Order', user_id) as { amount: number | null } | null)?.amount ?? 0),
  }),
};

interface Event {
  readonly user: string;
  readonly amount: number | null;
  readonly atUs: number;
  readonly knownUs: number;
}

/** S2, S5, S6, S7, S22 as loops over the events in the order they were fed. */
function oracle(events: readonly Event[], user: string, asOfUs: number, knownAtUs: number): Row {
  const known = events
    .filter((event) => event.user === user && event.atUs <= asOfUs && event.knownUs <= knownAtUs)
    .sort((a, b) => a.atUs - b.atUs);
  const values = columns.map(({ name, windowUs }): Value => {
    const within = known.filter(({ atUs }) => windowUs === null || atUs >= asOfUs - windowUs);
    const present = within.map(({ amount }) => amount).filter((amount) => amount !== null);
    const sorted = [...present].sort((a, b) => a - b);
    const sum = present.reduce((total, amount) => total + amount, 0);
    switch (name) {
      case 'n':
        return within.length;
      case 'present':
        return present.length;
      case 'large':
        return present.filter((amount) => amount > 2).length;
      case 'sum':
        return sum;
      case 'avg':
        return present.length === 0 ? null : sum / present.length;
      case 'min':
        return sorted[0] ?? null;
      case 'max':
        return sorted.at(-1) ?? null;
      case 'median':
        return sorted[Math.max(1, Math.ceil(present.length / 2)) - 1] ?? null;
      default:
        return within
          .slice(-3)
          .reverse()
          .map(({ amount }) => amount);
    }
  });
  return [user, ...values, Number(values[columns.findIndex(({ column }) => column === 'sum_1')]) - (known.at(-1)?.amount ?? 0)];
}

// Eighths of small numbers: their sums are exact in any order.
const amounts = fc.option(
  fc.integer({ min: -40, max: 80 }).map((eighths) => eighths / 8),
  { nil: null, freq: 6 },
);
const events = fc
  .array(
    fc.record({
      user: fc.constantFrom(...USERS.slice(0, 4)),
      amount: amounts,
      agoUs: fc.integer({ min: 0, max: 120 }),
      lateUs: fc.integer({ min: 0, max: 60 }),
    }),
    { maxLength: 150 },
  )
  .map((drawn): Event[] =>
    drawn.map(({ user, amount, agoUs, lateUs }) => ({ user, amount, atUs: NOON_US - agoUs, knownUs: NOON_US - agoUs + lateUs })),
  );
const questions = fc.array(
  fc.record({ user: fc.constantFrom(...USERS), agoUs: fc.integer({ min: -3, max: 130 }), knownAgoUs: fc.integer({ min: -60, max: 130 }) }),
  { minLength: 1, maxLength: 12 },
);

async function worldOf(given: readonly Event[], ticks: number): Promise<QueryWorld> {
  const world = await QueryWorld.create({ definitions, functions, partitions: 3 });
  for (let tick = 0; tick < ticks; tick++) {
    await world.feed(
      'Order',
      given.filter((_, i) => i % ticks === tick).map(({ user, amount, atUs, knownUs }) => ({ row: [user, amount, atUs], knownUs })),
    );
  }
  return world;
}

/** The events in the order that `worldOf` fed them, which decides between equal times (S7). */
function fedOrder(given: readonly Event[], ticks: number): Event[] {
  return Array.from({ length: ticks }, (_, tick) => given.filter((__, i) => i % ticks === tick)).flat();
}

async function* chunked(all: readonly OfflineQuestion[], size: number): AsyncGenerator<readonly OfflineQuestion[]> {
  for (let start = 0; start < all.length; start += size) yield await Promise.resolve(all.slice(start, start + size));
}

describe('queries against an oracle', function () {
  this.timeout(60_000);

  it('online, past, batch, offline and known_at agree with it and with each other (S2, S3, S4, S5, S6, S7, S22)', async () => {
    await fc.assert(
      fc.asyncProperty(events, questions, fc.integer({ min: 1, max: 4 }), async (given, asked, ticks) => {
        const world = await worldOf(given, ticks);
        const fed = fedOrder(given, ticks);
        const single: Row[] = [];
        for (const { user, agoUs, knownAgoUs } of asked) {
          const [timestampUs, knownAtUs] = [NOON_US - agoUs, NOON_US - knownAgoUs];
          const { row } = await world.engine.query({ featureset: 'F', entity: user, timestampUs }, caller);
          expect(row).to.deep.equal(oracle(fed, user, timestampUs, Infinity));
          expect((await world.engine.query({ featureset: 'F', entity: user, timestampUs, knownAtUs }, caller)).row).to.deep.equal(
            oracle(fed, user, timestampUs, knownAtUs),
          );
          single.push(row);
        }
        const offline = async (knownAt?: 'timestamp') => {
          const answer = world.engine.queryOffline(
            { featureset: 'F', knownAt },
            chunked(
              asked.map(({ user, agoUs }) => ({ entity: user, timestampUs: NOON_US - agoUs })),
              5,
            ),
            caller,
          );
          const rows: Row[] = [];
          for await (const chunk of answer.rows) rows.push(...chunk.map(({ row }) => row));
          return rows;
        };
        expect(await offline()).to.deep.equal(single);
        expect(await offline('timestamp')).to.deep.equal(
          asked.map(({ user, agoUs }) => oracle(fed, user, NOON_US - agoUs, NOON_US - agoUs)),
        );
        const timestampUs = NOON_US - (asked[0]?.agoUs ?? 0);
        const batch = await world.engine.queryBatch({ featureset: 'F', entities: USERS, timestampUs }, caller);
        expect(batch.rows).to.deep.equal(USERS.map((user) => oracle(fed, user, timestampUs, Infinity)));
      }),
      { numRuns: 60 },
    );
  });

  it('what was answered now is answered again at as_of, byte for byte, whatever came after it (S4)', async () => {
    await fc.assert(
      fc.asyncProperty(
        events,
        fc.array(fc.tuple(fc.constantFrom(...USERS), fc.integer({ min: 1, max: 30 }), amounts), { maxLength: 60 }),
        async (given, steps) => {
          const world = await worldOf(given, 2);
          const answered: { user: string; asOfUs: number; bytes: string }[] = [];
          for (const [user, aheadUs, amount] of steps) {
            const { row, asOfUs } = await world.engine.query({ featureset: 'F', entity: user }, caller);
            answered.push({ user, asOfUs, bytes: JSON.stringify(row) });
            world.clock.advanceUs(aheadUs);
            await world.feed('Order', [{ row: [user, amount, world.clock.nowUs()] }]);
          }
          for (const { user, asOfUs, bytes } of answered) {
            const { row } = await world.engine.query({ featureset: 'F', entity: user, timestampUs: asOfUs }, caller);
            expect(JSON.stringify(row)).to.equal(bytes);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
