import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { collectDefinitions } from '../../libs/definition/collect.js';
import { evaluateBundle } from '../../libs/definition/evaluate-bundle.js';
import { bundleModule } from '../../libs/definition/load-module.js';
import type { Definitions } from '../../libs/definition/definitions.js';
import { openLevelStore } from '../../libs/store/level-store.js';
import type { ExtractorContext } from '../../libs/feature/bound-extractor.js';
import type { Store } from '../../libs/store/store.js';
import { QueryRuns } from '../../services/query/query-runs.js';
import { caller, dataset, feature, featureset, HOUR_US, NOON_US, objectOf, QueryWorld, types } from '../support/query-world.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const order = dataset('Order', { user_id: types.string, amount: types.int, at: types.timestamp });
const count = (name: string) => dataset(name, { user_id: types.string, n: types.int, at: types.timestamp });
const pipelineOf = (output: string) =>
  ({
    name: `${output}.count`,
    version: 1,
    output,
    inputs: ['Order'],
    steps: [],
    aggregate: { groupBy: ['user_id'], aggregations: [{ field: 'n', operator: 'count', windowUs: null }] },
  }) as const;
const definitions: Definitions = {
  datasets: [order, count('A'), count('B')],
  sources: [],
  pipelines: [pipelineOf('A'), pipelineOf('B')],
  featuresets: [
    featureset('F', [
      feature('user_id', types.string),
      feature('a', types.int, { ref: { dataset: 'A', field: 'n' } }),
      feature('b', types.int, { ref: { dataset: 'B', field: 'n' } }),
    ]),
    featureset(
      'Slow',
      [feature('user_id', types.string), feature('a', types.int, { ref: { dataset: 'A', field: 'n' } }), feature('later', types.int)],
      { extractors: [{ name: 'later', inputs: [], outputs: ['later'], function: 'later' }] },
    ),
  ],
};
const functions = {
  later: async ({ lookup }: ExtractorContext) => {
    for (let i = 0; i < 3; i++) await setImmediate();
    return { later: (lookup('B', 'all') as { n: number }).n };
  },
};

const MODULE = `
import { dataset, key, field, timestamp, pipeline, featureset, feature, input, extractor, Count, Sum, t, type Input, type Stream, type ExtractorContext } from 'thyme';

@dataset({ version: 1, index: true })
export class Order {
  @key(t.string) user_id!: string;
  @field(t.float) amount!: number;
  @timestamp() ordered_at!: Date;
}

@dataset({ version: 1, index: true })
export class Stats {
  @key(t.string) user_id!: string;
  @field(t.int) n_1h!: number;
  @field(t.float) spent_24h!: number;
  @timestamp() ordered_at!: Date;

  @pipeline({ version: 1, inputs: [Order] })
  static stats(orders: Stream<Order>) {
    return orders.filter((o) => o.amount.gt(0)).groupBy('user_id').aggregate({ n_1h: Count({ window: '1h' }), spent_24h: Sum({ of: 'amount', window: '24h' }) });
  }
}

@featureset({ entity: 'user_id' })
export class Signals {
  @feature(t.string, { id: 1 }) user_id!: string;
  @feature(t.int, { id: 2, ref: [Stats, 'n_1h'] }) n_1h!: number;
  @input(t.float, { id: 3 }) cart!: Input<number>;
  @feature(t.bool, { id: 4 }) suspicious!: boolean;
  @feature(t.float, { id: 5 }) latest!: number;

  static factor() { return 3; }

  @extractor({ inputs: ['user_id', 'cart'], outputs: ['suspicious', 'latest'] })
  static judge({ lookup }: ExtractorContext, { user_id, cart }: Pick<Signals, 'user_id' | 'cart'>) {
    return { suspicious: cart > lookup(Stats, user_id).spent_24h * this.factor(), latest: lookup(Order, user_id)?.amount ?? 0 };
  }
}
`;

describe('the read path over LevelDB', function () {
  this.timeout(60_000);
  let stores: Store[] = [];
  const open = async (): Promise<Store[]> => {
    stores = await Promise.all([0, 1].map(() => openLevelStore(temporaryFolder())));
    return stores;
  };
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
  });

  it('one query sees one tick while ticks are written: at once, in large batches, and across awaits (S15)', async () => {
    const world = await QueryWorld.create({ definitions, functions, stores: await open(), partitions: 2 });
    const writing = { now: true };
    const writer = (async () => {
      for (let tick = 0; tick < 200; tick++)
        await world.feed('Order', [{ row: ['all', 1, NOON_US - tick] }, { row: [`u${tick % 50}`, 1, NOON_US - tick] }]);
      writing.now = false;
    })();
    const seen = new Set<number>();
    while (writing.now) {
      const { row } = await world.engine.query({ featureset: 'F', entity: 'all' }, caller);
      expect(row[1]).to.equal(row[2]);
      seen.add(Number(row[1]));
      const batch = await world.engine.queryBatch({ featureset: 'F', entities: Array.from({ length: 600 }, () => 'all') }, caller);
      expect(new Set(batch.rows.flatMap(([, a, b]) => [a, b])).size).to.equal(1);
      const slow = await world.engine.query({ featureset: 'Slow', entity: 'all' }, caller);
      expect(slow.row[1]).to.equal(slow.row[2]);
      await setImmediate();
    }
    await writer;
    expect(seen.size).to.be.greaterThan(3);
    expect((await world.engine.query({ featureset: 'F', entity: 'all' }, caller)).row).to.deep.equal(['all', 200, 200]);
  });

  it("serves an author's module: refs, inputs, lookups by class, `this` (S5)", async () => {
    const path = join(temporaryFolder(), 'features.ts');
    await writeFile(path, MODULE);
    const bundle = await bundleModule(path);
    const collected = collectDefinitions(evaluateBundle(bundle.code));
    expect(collected.problems).to.deep.equal([]);
    const world = await QueryWorld.create({ definitions: collected.definitions, functions: {}, stores: await open(), partitions: 2 });
    await world.adoptRevision({ ...world.revision, number: 2, bundle });
    await world.feed('Order', [{ row: ['u1', 10, NOON_US - HOUR_US - 1] }, { row: ['u1', 5, NOON_US - 1] }, { row: ['u1', -1, NOON_US] }]);
    const answer = await world.engine.query({ featureset: 'Signals', entity: 'u1', inputs: new Map([['cart', 46]]) }, caller);
    expect(objectOf(answer.columns, answer.row)).to.deep.equal({ user_id: 'u1', n_1h: 1, cart: 46, suspicious: true, latest: -1 });
  });

  it('an offline query takes questions as it goes and answers before they end', async () => {
    const world = await QueryWorld.create({ definitions, stores: await open(), partitions: 2 });
    await world.feed(
      'Order',
      Array.from({ length: 300 }, (_, i) => ({ row: [`u${i % 7}`, 1, NOON_US - i] })),
    );
    let asked = 0;
    async function* questions() {
      for (let message = 0; message < 40; message++) {
        await setImmediate();
        yield Array.from({ length: 500 }, () => ({ entity: `u${asked % 7}`, timestampUs: NOON_US - (asked++ % 300) }));
      }
    }
    const { rows } = world.engine.queryOffline({ featureset: 'F' }, questions(), caller);
    let answered = 0;
    let aheadMax = 0;
    for await (const chunk of rows) {
      for (const { row, timestampUs } of chunk) {
        const agoUs = NOON_US - timestampUs;
        const expected = Array.from({ length: 300 }, (_, i) => i).filter((i) => i % 7 === answered % 7 && i >= agoUs).length;
        expect(row).to.deep.equal([`u${answered % 7}`, expected, expected]);
        answered++;
      }
      aheadMax = Math.max(aheadMax, asked - answered);
    }
    expect(answered).to.equal(20_000);
    expect(aheadMax).to.be.lessThan(1_001);
  });

  it('an offline query that is refused names the row, and one that is left is recorded', async () => {
    const [store] = await open();
    const runs = await QueryRuns.open({ store: store ?? expect.fail(), randomBytes });
    const world = await QueryWorld.create({ definitions }, runs);
    async function* questions(bad: unknown) {
      yield [{ entity: 'u1', timestampUs: NOON_US }];
      await setImmediate();
      yield [{ entity: bad, timestampUs: NOON_US }];
    }
    const refused = world.engine.queryOffline({ featureset: 'F' }, questions(null), caller);
    let message = '';
    try {
      for await (const chunk of refused.rows) expect(chunk).to.have.length(1);
    } catch (error) {
      message = String(error);
    }
    expect(message).to.contain('queries[1].entity_id');
    const left = world.engine.queryOffline({ featureset: 'F' }, questions('u2'), caller);
    for await (const chunk of left.rows) {
      expect(chunk).to.have.length(1);
      break;
    }
    await runs.stop();
    expect(await runs.get(refused.queryRunId)).to.include({ rowCount: 1, error: 'THYME_INVALID_ARGUMENT: queries[1].entity_id' });
    expect(await runs.get(left.queryRunId)).to.include({ kind: 'offline', rowCount: 1 });
  });
});
