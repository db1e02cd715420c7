import { expect } from 'chai';
import type { Definitions } from '../../libs/definition/definitions.js';
import { ThymeError } from '../../libs/errors/errors.js';
import { encodeToken } from '../../libs/feature/token.js';
import {
  caller,
  dataset,
  feature,
  featureset,
  HOUR_US,
  NOON_US,
  objectOf,
  optional,
  QueryWorld,
  types,
  type WorldOptions,
} from '../support/query-world.js';
import { TEST_TOKEN_KEY } from '../support/test-keys.js';

const order = dataset('Order', { user_id: types.string, amount: optional(types.int), at: types.timestamp });
const stats = dataset('Stats', {
  user_id: types.string,
  n_1h: types.int,
  sum_24h: types.int,
  max_24h: optional(types.int),
  at: types.timestamp,
});
const pipeline = {
  name: 'Stats.stats',
  version: 1,
  output: 'Stats',
  inputs: ['Order'],
  steps: [],
  aggregate: {
    groupBy: ['user_id'],
    aggregations: [
      { field: 'n_1h', operator: 'count', windowUs: HOUR_US },
      { field: 'sum_24h', operator: 'sum', of: 'amount', windowUs: 24 * HOUR_US },
      { field: 'max_24h', operator: 'max', of: 'amount', windowUs: 24 * HOUR_US },
    ],
  },
} as const;
const signals = featureset('Signals', [
  feature('user_id', types.string),
  feature('n_1h', types.int, { ref: { dataset: 'Stats', field: 'n_1h' } }),
  feature('sum_24h', types.int, { ref: { dataset: 'Stats', field: 'sum_24h' } }),
  feature('max_24h', types.int, { ref: { dataset: 'Stats', field: 'max_24h' }, default: -1 }),
]);
const definitions: Definitions = { datasets: [order, stats], sources: [], pipelines: [pipeline], featuresets: [signals] };

async function ask(world: QueryWorld, entity: unknown, time: object = {}) {
  const answer = await world.engine.query({ featureset: 'Signals', entity, ...time }, caller);
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

async function create(options: Partial<WorldOptions> = {}): Promise<QueryWorld> {
  return QueryWorld.create({ definitions, ...options });
}

describe('query engine', () => {
  it('answers refs over an aggregated dataset at T = now, both ends included (S2, S3)', async () => {
    const world = await create();
    await world.feed('Order', [
      { row: ['u1', 5, NOON_US - 24 * HOUR_US] },
      { row: ['u1', 100, NOON_US - 24 * HOUR_US - 1] },
      { row: ['u1', 7, NOON_US - HOUR_US] },
      { row: ['u1', 1, NOON_US] },
      { row: ['u1', 9, NOON_US + 1] },
    ]);
    const answer = await world.engine.query({ featureset: 'Signals', entity: 'u1' }, caller);
    expect(answer.asOfUs).to.equal(NOON_US);
    expect(answer.pointInTime).to.equal(false);
    expect(objectOf(answer.columns, answer.row)).to.deep.equal({ user_id: 'u1', n_1h: 2, sum_24h: 13, max_24h: 7 });
  });

  it('windows slide with T, not with events (S3)', async () => {
    const world = await create();
    await world.feed('Order', [{ row: ['u1', 5, NOON_US] }]);
    world.clock.advance(2 * 3_600_000);
    expect(await ask(world, 'u1')).to.include({ n_1h: 0, sum_24h: 5 });
  });

  it('an entity never seen has nothing in its windows, and a default replaces null (S5)', async () => {
    expect(await ask(await create(), 'nobody')).to.deep.equal({ user_id: 'nobody', n_1h: 0, sum_24h: 0, max_24h: -1 });
  });

  it('a default leaves alone what is no null, such as 0 (S5)', async () => {
    const world = await create();
    await world.feed('Order', [{ row: ['u1', 0, NOON_US] }]);
    expect(await ask(world, 'u1')).to.deep.equal({ user_id: 'u1', n_1h: 1, sum_24h: 0, max_24h: 0 });
  });

  it('a lookup of an aggregated dataset is its windows at T, without defaults (S5)', async () => {
    const world = await create();
    const answer = await world.engine.lookup({ dataset: 'Stats', entity: 'nobody' }, caller);
    expect(objectOf(answer.columns, answer.row)).to.deep.equal({ user_id: 'nobody', n_1h: 0, sum_24h: 0, max_24h: null, at: NOON_US });
  });

  it('a lookup of a raw dataset is its newest row with t ≤ T, or null (S5)', async () => {
    const world = await create();
    await world.feed('Order', [{ row: ['u1', 5, NOON_US - 2] }, { row: ['u1', null, NOON_US - 1] }]);
    const lookup = async (entity: string, timestampUs: number) =>
      (await world.engine.lookup({ dataset: 'Order', entity, timestampUs }, caller)).row;
    expect(await lookup('u1', NOON_US)).to.deep.equal(['u1', null, NOON_US - 1]);
    expect(await lookup('u1', NOON_US - 2)).to.deep.equal(['u1', 5, NOON_US - 2]);
    expect(await lookup('u1', NOON_US - 3)).to.equal(null);
    expect(await lookup('u2', NOON_US)).to.equal(null);
  });

  it('refuses a timestamp more than a minute ahead (S3)', async () => {
    const world = await create();
    expect(await ask(world, 'u1', { timestampUs: NOON_US + 60e6 })).to.include({ n_1h: 0 });
    const error = await failureOf(ask(world, 'u1', { timestampUs: NOON_US + 60e6 + 1 }));
    expect(error.status).to.equal('INVALID_ARGUMENT');
    expect(error.message).to.match(/^timestamp: 2026-01-31T12:01:00\.000001Z is more than a minute ahead/);
  });

  it('an int sum beyond the safe range is OUT_OF_RANGE, naming the feature and the row of a batch (S8)', async () => {
    const world = await create();
    await world.feed('Order', [{ row: ['u1', Number.MAX_SAFE_INTEGER, NOON_US] }, { row: ['u1', 1, NOON_US] }]);
    const error = await failureOf(world.engine.queryBatch({ featureset: 'Signals', entities: ['u0', 'u1'] }, caller));
    expect(error.status).to.equal('OUT_OF_RANGE');
    expect(error.message).to.match(/^entities\[1\]: Signals\.sum_24h/);
  });

  it('a question below the horizon is OUT_OF_RANGE (S20)', async () => {
    const world = await create();
    await world.trim('Stats.stats', NOON_US - 24 * HOUR_US);
    expect(await ask(world, 'u1')).to.include({ sum_24h: 0 });
    const error = await failureOf(ask(world, 'u1', { timestampUs: NOON_US - 1 }));
    expect(error.status).to.equal('OUT_OF_RANGE');
    expect(error.message).to.match(/^Signals\.sum_24h asks for 2026-01-30T11:59:59\.999999Z/);
  });

  it('known_at leaves out what the log had not taken in by then (S22)', async () => {
    const world = await create();
    await world.feed('Order', [
      { row: ['u1', 5, NOON_US - 10], knownUs: NOON_US - 5 },
      { row: ['u1', 7, NOON_US - 9], knownUs: NOON_US - 9 },
    ]);
    expect(await ask(world, 'u1', { timestampUs: NOON_US })).to.include({ sum_24h: 12 });
    expect(await ask(world, 'u1', { timestampUs: NOON_US, knownAtUs: NOON_US - 6 })).to.include({ sum_24h: 7 });
  });

  it('after=<token> waits until the readers have applied the records, and T is not before their events (S21)', async () => {
    const world = await create();
    const position = { readerId: world.idOf('Stats.stats'), topic: 'd.Order.v1', partition: 0, nextOffset: 4, caughtUp: true };
    world.positions = [position];
    await world.tick();
    const after = encodeToken({ marks: [{ topic: 'd.Order.v1', partition: 0, nextOffset: 5 }], eventTimeUs: NOON_US + 3 }, TEST_TOKEN_KEY);
    const pending = world.engine.query({ featureset: 'Signals', entity: 'u1', after }, caller);
    world.positions = [{ ...position, nextOffset: 5 }];
    await world.feed('Order', [{ row: ['u1', 7, NOON_US + 3] }]);
    const answer = await pending;
    expect(answer.asOfUs).to.equal(NOON_US + 3);
    expect(objectOf(answer.columns, answer.row)).to.include({ n_1h: 1 });
  });

  it('a token that is not reached within the deadline is DEADLINE_EXCEEDED; topics that nobody reads are not waited for (S21)', async () => {
    const world = await create();
    world.positions = [{ readerId: world.idOf('Stats.stats'), topic: 'd.Order.v1', partition: 0, nextOffset: 4, caughtUp: true }];
    await world.tick();
    const other = encodeToken({ marks: [{ topic: 'd.Other.v1', partition: 0, nextOffset: 5 }], eventTimeUs: NOON_US }, TEST_TOKEN_KEY);
    expect(await ask(world, 'u1', { after: other })).to.include({ n_1h: 0 });
    const deadline = new AbortController();
    const after = encodeToken({ marks: [{ topic: 'd.Order.v1', partition: 0, nextOffset: 5 }], eventTimeUs: NOON_US }, TEST_TOKEN_KEY);
    const pending = failureOf(world.engine.query({ featureset: 'Signals', entity: 'u1', after }, { signal: deadline.signal }));
    deadline.abort();
    expect((await pending).status).to.equal('DEADLINE_EXCEEDED');
    expect((await failureOf(ask(world, 'u1', { after: 'rubbish!' }))).status).to.equal('INVALID_ARGUMENT');
  });

  it('a first revision says FAILED_PRECONDITION with progress until all partitions are ready (S18)', async () => {
    const world = await create({ partitions: 2, building: true });
    await world.ready('Stats.stats', [1]);
    const error = await failureOf(ask(world, 'u1'));
    expect(error.status).to.equal('FAILED_PRECONDITION');
    expect(error.message).to.contain('Stats.stats is ready in 1 of 2 partitions');
    await world.ready('Stats.stats', [0]);
    expect(await ask(world, 'u1')).to.include({ n_1h: 0 });
  });

  it('with a token a first revision is waited for, until the deadline (S18, S21)', async () => {
    const world = await create({ partitions: 2, building: true });
    const after = encodeToken({ marks: [{ topic: 'd.Order.v1', partition: 0, nextOffset: 0 }], eventTimeUs: NOON_US }, TEST_TOKEN_KEY);
    const deadline = new AbortController();
    const given = failureOf(world.engine.query({ featureset: 'Signals', entity: 'u1', after }, { signal: deadline.signal }));
    const pending = ask(world, 'u1', { after });
    await world.ready('Stats.stats', [1]);
    deadline.abort();
    expect((await given).message).to.contain('Stats.stats is ready in 1 of 2 partitions');
    await world.ready('Stats.stats', [0]);
    expect(await pending).to.include({ n_1h: 0 });
  });

  it('the previous revision serves until the new one is ready everywhere (S18)', async () => {
    const world = await create({ partitions: 2 });
    const wider = {
      ...definitions,
      pipelines: [{ ...pipeline, version: 2 }],
      featuresets: [
        { ...signals, features: [...signals.features, feature('again', types.int, { ref: { dataset: 'Stats', field: 'n_1h' } })] },
      ],
    };
    await world.adopt({ definitions: wider, building: true });
    expect(await ask(world, 'u1')).to.have.keys('user_id', 'n_1h', 'sum_24h', 'max_24h');
    await world.ready('Stats.stats');
    expect(await ask(world, 'u1')).to.include({ again: 0 });
  });

  for (const first of [0, 1]) {
    it(`the previous revision serves until every partition has adopted the new one, partition ${first} first (S18)`, async () => {
      const world = await create({ partitions: 2 });
      const wider = {
        ...definitions,
        featuresets: [
          { ...signals, features: [...signals.features, feature('again', types.int, { ref: { dataset: 'Stats', field: 'n_1h' } })] },
        ],
      };
      await world.adopt({ definitions: wider, adopters: [first] });
      for (const user of ['a', 'b', 'c', 'd']) expect(await ask(world, user)).to.have.keys('user_id', 'n_1h', 'sum_24h', 'max_24h');
      await world.adoptRevision(world.revision, false, [1 - first]);
      expect(await ask(world, 'a')).to.include({ again: 0 });
    });
  }

  it('while one partition is being restored the others serve on, and its own entities are UNAVAILABLE', async () => {
    const world = await create({ partitions: 2 });
    const users = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const answers = async () =>
      Promise.all(
        users.map((user) =>
          ask(world, user).then(
            () => 'answered',
            (error: unknown) => (error as ThymeError).status,
          ),
        ),
      );
    expect(new Set(await answers())).to.deep.equal(new Set(['answered']));
    await world.withoutPartition(1, async () => {
      expect(new Set(await answers())).to.deep.equal(new Set(['answered', 'UNAVAILABLE']));
    });
    expect(new Set(await answers())).to.deep.equal(new Set(['answered']));
  });

  it('names what is unknown, and the nearest', async () => {
    const world = await create();
    const error = await failureOf(world.engine.query({ featureset: 'Signal', entity: 'u1' }, caller));
    expect(error.status).to.equal('NOT_FOUND');
    expect(error.message).to.contain("did you mean 'Signals'?");
    expect((await failureOf(world.engine.lookup({ dataset: '__proto__', entity: 'u1' }, caller))).status).to.equal('NOT_FOUND');
  });

  it('says how fresh the state was: the oldest watermark, and the lag', async () => {
    const world = await create();
    const counters = {
      received: 0,
      sent: 0,
      read: 1,
      applied: 1,
      filtered: 0,
      late: 0,
      duplicate: 0,
      dead: 0,
      failed: 0,
      lateRight: 0,
      joinedUs: Number.NEGATIVE_INFINITY,
      ended: 0,
      unpublished: 0,
      erased: 0,
      outdated: 0,
    };
    world.counters = [
      { readerId: world.idOf('Stats.stats'), ...counters, watermarkUs: NOON_US - 7 },
      { readerId: 99, ...counters, watermarkUs: 1 },
    ];
    await world.tick();
    expect((await world.engine.query({ featureset: 'Signals', entity: 'u1' }, caller)).freshness).to.deep.equal({
      watermarkUs: NOON_US - 7,
      lagUs: 5_000,
    });
  });
});
