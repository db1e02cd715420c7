import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import type { Definitions, ExtractorDefinition, FeatureDefinition } from '../../libs/definition/definitions.js';
import { ThymeError } from '../../libs/errors/errors.js';
import type { ExtractorFunction } from '../../libs/feature/bound-extractor.js';
import { encodeToken } from '../../libs/feature/token.js';
import { caller, dataset, feature, featureset, HOUR_US, NOON_US, objectOf, optional, QueryWorld, types } from '../support/query-world.js';
import { TEST_TOKEN_KEY } from '../support/test-keys.js';

const order = dataset('Order', { user_id: types.string, amount: types.float, at: types.timestamp });
const stats = dataset('Stats', { user_id: types.string, n: types.int, top: optional(types.float), at: types.timestamp });
const pipeline = {
  name: 'Stats.stats',
  version: 1,
  output: 'Stats',
  inputs: ['Order'],
  steps: [],
  aggregate: {
    groupBy: ['user_id'],
    aggregations: [
      { field: 'n', operator: 'count', windowUs: HOUR_US },
      { field: 'top', operator: 'max', of: 'amount', windowUs: HOUR_US },
    ],
  },
} as const;

function extractor(name: string, inputs: readonly string[], outputs: readonly string[]): ExtractorDefinition {
  return { name, inputs, outputs, function: name };
}

interface Given {
  readonly features: readonly FeatureDefinition[];
  readonly extractors?: readonly ExtractorDefinition[];
  readonly functions?: Readonly<Record<string, ExtractorFunction>>;
  readonly more?: Definitions['featuresets'];
  readonly partitions?: number;
}

const key = feature('user_id', types.string);
const n = feature('n', types.int, { ref: { dataset: 'Stats', field: 'n' } });

async function create({ features, extractors = [], functions = {}, more = [], partitions = 1 }: Given): Promise<QueryWorld> {
  const definitions: Definitions = {
    datasets: [order, stats],
    sources: [],
    pipelines: [pipeline],
    featuresets: [featureset('F', [key, ...features], { extractors }), ...more],
  };
  const world = await QueryWorld.create({ definitions, functions, partitions });
  await world.feed('Order', [{ row: ['u1', 5.5, NOON_US - 1] }, { row: ['u1', 2.5, NOON_US - 2] }, { row: ['u2', 9, NOON_US - 1] }]);
  return world;
}

async function ask(world: QueryWorld, inputs: Readonly<Record<string, unknown>> = {}) {
  const answer = await world.engine.query({ featureset: 'F', entity: 'u1', inputs: new Map(Object.entries(inputs)) }, caller);
  return objectOf(answer.columns, answer.row);
}

async function failureOf(promise: Promise<unknown>): Promise<ThymeError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ThymeError) return error;
  throw new Error(`expected a ThymeError, got ${String(error)}`);
}

describe('extractors', () => {
  it('run after what they take, whatever order they are declared in', async () => {
    const world = await create({
      features: [feature('c', types.int), n, feature('b', types.int), feature('a', types.int)],
      extractors: [extractor('toC', ['a', 'b'], ['c']), extractor('toB', ['a'], ['b']), extractor('toA', ['n'], ['a'])],
      functions: {
        toC: (_, { a, b }) => ({ c: Number(a) * 100 + Number(b) }),
        toB: (_, { a }) => ({ b: Number(a) + 1 }),
        toA: (_, { n: count }) => ({ a: Number(count) * 2 }),
      },
    });
    expect(await ask(world)).to.deep.equal({ user_id: 'u1', c: 405, n: 2, b: 5, a: 4 });
  });

  it('see author values: a timestamp is a Date, and T is asOf', async () => {
    const world = await create({
      features: [
        feature('seen', optional(types.timestamp), { ref: { dataset: 'Order', field: 'at' } }),
        feature('age_ms', types.int),
        feature('half', types.timestamp),
      ],
      extractors: [extractor('age', ['seen'], ['age_ms', 'half'])],
      functions: {
        age: ({ asOf }, { seen }) =>
          seen instanceof Date ? { age_ms: asOf.getTime() - seen.getTime(), half: new Date(asOf.getTime() / 2) } : {},
      },
    });
    world.clock.advance(10);
    expect(await ask(world)).to.include({ seen: NOON_US - 1, age_ms: 11, half: (NOON_US + 10_000) / 2 });
  });

  it('look up other entities synchronously, of an aggregated dataset its windows, of a raw one its newest row or null (S5)', async () => {
    const world = await create({
      features: [feature('other', types.float), feature('raw', types.float), feature('nobody', types.bool)],
      extractors: [extractor('look', ['user_id'], ['other', 'raw', 'nobody'])],
      functions: {
        look: ({ lookup }) => {
          const windows = lookup('Stats', 'u2') as { n: number; top: number; at: Date };
          const raw = lookup('Order', { user_id: 'u2' }) as { amount: number };
          return {
            other: windows.n + windows.top + (windows.at instanceof Date ? 0 : NaN),
            raw: raw.amount,
            nobody: lookup('Order', 'u3') === null,
          };
        },
      },
      partitions: 4,
    });
    expect(await ask(world)).to.deep.equal({ user_id: 'u1', other: 10, raw: 9, nobody: true });
  });

  it('may be async, and then read the tick at which the query began (S15)', async () => {
    const world = await create({
      features: [n, feature('before', types.int), feature('after', types.int)],
      extractors: [extractor('wait', ['user_id'], ['before', 'after'])],
      functions: {
        wait: async ({ lookup }) => {
          const read = (): number => (lookup('Stats', 'u1') as { n: number }).n;
          const before = read();
          await world.feed('Order', [{ row: ['u1', 1, NOON_US - 3] }]);
          await setImmediate();
          return { before, after: read() };
        },
      },
    });
    expect(await ask(world)).to.deep.equal({ user_id: 'u1', n: 2, before: 2, after: 2 });
    const answer = await world.engine.lookup({ dataset: 'Stats', entity: 'u1' }, caller);
    expect(objectOf(answer.columns, answer.row)).to.include({ n: 3 });
  });

  it('that look up after the query was answered are told so', async () => {
    let late: (() => unknown) | undefined;
    const world = await create({
      features: [feature('x', types.int)],
      extractors: [extractor('leak', ['user_id'], ['x'])],
      functions: {
        leak: ({ lookup }) => {
          late = () => lookup('Stats', 'u1');
          return { x: 1 };
        },
      },
    });
    await ask(world);
    expect(() => late?.()).to.throw(ThymeError, 'the query has been answered');
  });

  it('have their outputs checked: the error names feature and extractor', async () => {
    const returning = async (given: unknown) =>
      failureOf(
        ask(
          await create({
            features: [feature('x', types.int)],
            extractors: [extractor('make', ['user_id'], ['x'])],
            functions: { make: () => given },
          }),
        ),
      );
    for (const [given, message] of [
      [{ x: 'text' }, /^extractor F\.make returned F\.x: expected an int, got text "text"/],
      [{ x: null }, /^extractor F\.make returned F\.x: null, but it is t\.int/],
      [{}, /^extractor F\.make returned F\.x: null/],
      [undefined, /^extractor F\.make returned no object/],
    ] as const) {
      const error = await returning(given);
      expect(error.status).to.equal('FAILED_PRECONDITION');
      expect(error.message).to.match(message);
    }
  });

  it('have nulls replaced by the default before the type is asked (S5)', async () => {
    const world = await create({
      features: [feature('x', types.int, { default: 7 }), feature('y', optional(types.int))],
      extractors: [extractor('make', ['user_id'], ['x', 'y'])],
      functions: { make: () => ({ x: null }) },
    });
    expect(await ask(world)).to.deep.equal({ user_id: 'u1', x: 7, y: null });
  });

  it('that throw, now or later, are FAILED_PRECONDITION with their name and without a stack', async () => {
    for (const boom of [
      () => {
        throw new Error('no luck');
      },
      async () => {
        await setImmediate();
        throw new Error('no luck');
      },
    ]) {
      const error = await failureOf(
        ask(
          await create({ features: [feature('x', types.int)], extractors: [extractor('boom', ['user_id'], ['x'])], functions: { boom } }),
        ),
      );
      expect(error.status).to.equal('FAILED_PRECONDITION');
      expect(error.message).to.equal('extractor F.boom threw: no luck');
    }
  });

  it('that hang are left at the deadline, alone and in a batch', async () => {
    const world = await create({
      features: [feature('x', types.int)],
      extractors: [extractor('hang', ['user_id'], ['x'])],
      functions: { hang: () => new Promise(() => undefined) },
    });
    for (const ask of [
      (signal: AbortSignal) => world.engine.query({ featureset: 'F', entity: 'u1' }, { signal }),
      (signal: AbortSignal) => world.engine.queryBatch({ featureset: 'F', entities: ['u1', 'u2'] }, { signal }),
    ]) {
      const deadline = new AbortController();
      const failure = failureOf(ask(deadline.signal));
      await setImmediate();
      deadline.abort();
      expect((await failure).status).to.equal('DEADLINE_EXCEEDED');
    }
  });

  it('whose lookup is OUT_OF_RANGE say which and keep the status (S20)', async () => {
    const world = await create({
      features: [feature('x', types.int)],
      extractors: [extractor('look', ['user_id'], ['x'])],
      functions: { look: ({ lookup }) => ({ x: (lookup('Stats', 'u2') as { n: number }).n }) },
    });
    await world.trim('Stats.stats', NOON_US);
    const error = await failureOf(ask(world));
    expect(error.status).to.equal('OUT_OF_RANGE');
    expect(error.message).to.match(/^extractor F\.look: Stats\.n asks for/);
  });

  it("are read after one's own writes also where only they look into the topic (S21)", async () => {
    const world = await create({
      features: [feature('x', types.int)],
      extractors: [extractor('look', ['user_id'], ['x'])],
      functions: { look: ({ lookup }) => ({ x: (lookup('Stats', 'u1') as { n: number }).n }) },
    });
    const position = { readerId: world.idOf('Stats.stats'), topic: 'd.Order.v1', partition: 0, nextOffset: 3, caughtUp: true };
    world.positions = [position];
    await world.tick();
    const after = encodeToken({ marks: [{ topic: 'd.Order.v1', partition: 0, nextOffset: 4 }], eventTimeUs: NOON_US }, TEST_TOKEN_KEY);
    const pending = world.engine.query({ featureset: 'F', entity: 'u1', after }, caller);
    for (let i = 0; i < 5; i++) await setImmediate();
    world.positions = [{ ...position, nextOffset: 4 }];
    await world.feed('Order', [{ row: ['u1', 1, NOON_US] }]);
    expect((await pending).row).to.deep.equal(['u1', 3]);
  });

  it('that look up what is not ready yet leave the query to the previous revision (S18)', async () => {
    const world = await create({
      features: [feature('x', types.int)],
      extractors: [extractor('one', ['user_id'], ['x'])],
      functions: { one: () => ({ x: 1 }) },
    });
    const { definitions } = world.revision;
    await world.adopt({
      definitions: { ...definitions, pipelines: [{ ...pipeline, version: 2 }] },
      functions: { one: ({ lookup }) => ({ x: 10 + (lookup('Stats', 'u1') as { n: number }).n }) },
      building: true,
    });
    expect(await ask(world)).to.include({ x: 1 });
    expect(await ask(world)).to.include({ x: 1 });
    await world.ready('Stats.stats');
    expect(await ask(world)).to.include({ x: 10 });
  });
});

describe('features', () => {
  it('brought by the request are read in their types, and errors name the input', async () => {
    const world = await create({
      features: [
        feature('cart', types.float, { input: true }),
        feature('note', optional(types.string), { input: true }),
        feature('kind', types.string, { input: true, default: 'web' }),
        feature('big', types.bool),
      ],
      extractors: [extractor('isBig', ['cart'], ['big'])],
      functions: { isBig: (_, { cart }) => ({ big: Number(cart) > 10 }) },
    });
    expect(await ask(world, { cart: 12 })).to.deep.equal({ user_id: 'u1', cart: 12, note: null, kind: 'web', big: true });
    const messageOf = async (inputs: Record<string, unknown>) => (await failureOf(ask(world, inputs))).message;
    expect(await messageOf({})).to.match(/^inputs\.cart: required, but missing/);
    expect(await messageOf({ cart: 'much' })).to.match(/^inputs\.cart: expected a float/);
    expect(await messageOf({ cart: 1, carts: 2 })).to.match(/^inputs\.carts: F has no such input; did you mean 'cart'/);
  });

  it('from another featureset bring its extractors along, for the same entity', async () => {
    const world = await create({
      features: [feature('twice', types.int, { from: { featureset: 'Base', feature: 'twice' } }), feature('plus', types.int)],
      extractors: [extractor('plus', ['twice'], ['plus'])],
      functions: {
        plus: (_, { twice }) => ({ plus: Number(twice) + 1 }),
        twice: (_, { n: count, who }) => ({ twice: who === 'u1' ? Number(count) * 2 : -1 }),
        unused: () => {
          throw new Error('not asked for');
        },
      },
      more: [
        featureset('Base', [feature('who', types.string), n, feature('twice', types.int), feature('unused', types.int)], {
          entity: ['who'],
          extractors: [extractor('twice', ['n', 'who'], ['twice']), extractor('unused', ['n'], ['unused'])],
        }),
      ],
    });
    expect(await ask(world)).to.deep.equal({ user_id: 'u1', twice: 4, plus: 5 });
  });

  it('from another featureset have nulls replaced by their own default, and nothing else, such as 0 (S5)', async () => {
    const world = await create({
      features: [
        feature('none', types.int, { from: { featureset: 'Base', feature: 'none' }, default: 7 }),
        feature('zero', types.int, { from: { featureset: 'Base', feature: 'zero' }, default: 7 }),
      ],
      functions: { make: () => ({ none: null, zero: 0 }) },
      more: [
        featureset('Base', [feature('who', types.string), feature('none', optional(types.int)), feature('zero', types.int)], {
          entity: ['who'],
          extractors: [extractor('make', ['who'], ['none', 'zero'])],
        }),
      ],
    });
    expect(await ask(world)).to.deep.equal({ user_id: 'u1', none: 7, zero: 0 });
  });

  it('that depend on themselves, or on nothing, are refused by name', async () => {
    const cyclic = await create({
      features: [feature('a', types.int), feature('b', types.int)],
      extractors: [extractor('toA', ['b'], ['a']), extractor('toB', ['a'], ['b'])],
    });
    expect((await failureOf(ask(cyclic))).message).to.match(/^F\.a is computed from itself/);
    const bare = await create({ features: [feature('a', types.int)] });
    expect((await failureOf(ask(bare))).message).to.match(/^F\.a has no extractor/);
  });

  it('of a composite key are asked by object or list', async () => {
    const rides = dataset('Ride', { city: types.string, line: types.int, at: types.timestamp }, { keys: ['city', 'line'] });
    const counted = dataset(
      'Counted',
      { line: types.int, city: types.string, n: types.int, at: types.timestamp },
      { keys: ['line', 'city'] },
    );
    const count = {
      name: 'Counted.count',
      version: 1,
      output: 'Counted',
      inputs: ['Ride'],
      steps: [],
      aggregate: { groupBy: ['line', 'city'], aggregations: [{ field: 'n', operator: 'count', windowUs: null }] },
    } as const;
    const line = featureset(
      'Line',
      [feature('number', types.int), feature('town', types.string), feature('n', types.int, { ref: { dataset: 'Counted', field: 'n' } })],
      { entity: ['number', 'town'] },
    );
    const world = await QueryWorld.create({
      definitions: { datasets: [rides, counted], sources: [], pipelines: [count], featuresets: [line] },
      partitions: 3,
    });
    await world.feed('Ride', [{ row: ['Bern', 4, NOON_US] }]);
    for (const entity of [{ town: 'Bern', number: 4 }, ['4', 'Bern']]) {
      expect((await world.engine.query({ featureset: 'Line', entity }, caller)).row).to.deep.equal([4, 'Bern', 1]);
    }
    expect((await world.engine.lookup({ dataset: 'Ride', entity: ['Bern', 4] }, caller)).row).to.deep.equal(['Bern', 4, NOON_US]);
    expect((await failureOf(world.engine.query({ featureset: 'Line', entity: 'Bern' }, caller))).message).to.contain('entity_id');
  });
});
