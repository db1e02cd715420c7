import { expect } from 'chai';
import { entityCursor, FIRST_PLACE, readEntityCursor } from '../../libs/feature/entity-cursor.js';
import type { EntityPlace } from '../../libs/feature/entity-cursor.js';
import type { Row } from '../../libs/schema/value-type.js';
import { caller, dataset, feature, featureset, NOON_US, optional, QueryWorld, types } from '../support/query-world.js';

const keys = ['from', 'gate'];
const raw = (name: string) => dataset(name, { from: types.string, gate: types.int, at: types.timestamp }, { keys, index: false });
const counted = (name: string, field: string) =>
  dataset(name, { from: types.string, gate: types.int, [field]: types.int, at: types.timestamp }, { keys });
const counting = (input: string, output: string, field: string, groupBy: readonly string[]) => ({
  name: output,
  version: 1,
  inputs: [input],
  output,
  steps: [],
  aggregate: { groupBy, aggregations: [{ operator: 'count' as const, field, windowUs: null }] },
});
const ref = (of: string, field: string) => feature(field, optional(types.int), { ref: { dataset: of, field } });
/** Of the second timeline the groups' key has its parts in the other order. */
const definitions = {
  datasets: [raw('Trip'), raw('Back'), counted('Trips', 'trips'), counted('Backs', 'backs')],
  sources: [],
  pipelines: [counting('Trip', 'Trips', 'trips', keys), counting('Back', 'Backs', 'backs', ['gate', 'from'])],
  featuresets: [
    featureset('Gate', [feature('from', types.string), feature('gate', types.int), ref('Trips', 'trips'), ref('Backs', 'backs')], {
      entity: keys,
    }),
    featureset('Alone', [feature('from', types.string), feature('gate', types.int)], { entity: keys }),
  ],
};

async function worldOf(trips: readonly string[], backs: readonly string[], partitions: number): Promise<QueryWorld> {
  const world = await QueryWorld.create({ definitions, partitions });
  const rowsOf = (names: readonly string[]) => names.map((name, i) => ({ row: [name, name.length, NOON_US - i] }));
  await world.feed('Trip', rowsOf(trips));
  await world.feed('Back', rowsOf(backs));
  return world;
}

async function listed(
  world: QueryWorld,
  limit: number,
  featureset = 'Gate',
): Promise<{ readonly keys: readonly Row[]; readonly pages: number }> {
  const keys: Row[] = [];
  let pages = 0;
  for (let place: EntityPlace | undefined = FIRST_PLACE; place !== undefined; pages++) {
    const page: Awaited<ReturnType<QueryWorld['engine']['entities']>> = await world.engine.entities({ featureset, limit, place }, caller);
    expect(page.entities.length).to.be.at.most(limit);
    keys.push(...page.entities);
    place = page.next === undefined ? undefined : readEntityCursor(entityCursor(page.next));
  }
  return { keys, pages };
}

describe('the entities of a featureset', () => {
  const trips = Array.from({ length: 60 }, (_, i) => `t${i}`);
  const backs = [...trips.slice(40), ...Array.from({ length: 20 }, (_, i) => `back${i}`)];
  const all = [...new Set([...trips, ...backs])].sort();

  it('are those of all its timelines, each once, in the same order however they are cut into pages', async () => {
    for (const partitions of [1, 3]) {
      const world = await worldOf(trips, backs, partitions);
      const whole = await listed(world, 10_000);
      expect(whole.pages).to.equal(partitions);
      expect(whole.keys.map(([from]) => from).sort()).to.deep.equal(all);
      expect(whole.keys.every(([from, gate]) => String(from).length === gate)).to.equal(true);
      for (const limit of [1, 7]) expect((await listed(world, limit)).keys).to.deep.equal(whole.keys);
    }
  });

  it('are found behind groups of many pages, and an entity that comes meanwhile moves no other', async () => {
    const hot = Array.from({ length: 4_000 }, () => 'hot');
    const world = await worldOf([...hot, ...trips], [], 1);
    const before = (await listed(world, 10_000)).keys;
    expect(before.map(([from]) => from).sort()).to.deep.equal(['hot', ...trips].sort());
    const first = await world.engine.entities({ featureset: 'Gate', limit: 30, place: FIRST_PLACE }, caller);
    await world.feed(
      'Trip',
      Array.from({ length: 50 }, (_, i) => ({ row: [`new${i}`, 4, NOON_US] })),
    );
    const rest = await world.engine.entities({ featureset: 'Gate', limit: 10_000, place: first.next ?? FIRST_PLACE }, caller);
    const old = [...first.entities, ...rest.entities].filter(([from]) => !String(from).startsWith('new'));
    expect(old).to.deep.equal(before);
  });

  it('are refused where nothing says who they are, and for what is no cursor or limit', async () => {
    const world = await worldOf(trips, [], 1);
    const refusal = async (asked: Partial<{ featureset: string; limit: number; place: EntityPlace }>): Promise<string> =>
      world.engine.entities({ featureset: 'Gate', limit: 10, place: FIRST_PLACE, ...asked }, caller).then(
        () => 'none',
        (error: unknown) => String(error),
      );
    expect(await refusal({ featureset: 'Alone' })).to.match(/Alone refers to no dataset.*name them/);
    expect(await refusal({ featureset: 'Gates' })).to.match(/did you mean 'Gate'/);
    expect(await refusal({ limit: 10_001 })).to.match(/limit.*1 to 10000/);
    expect(await refusal({ place: { partition: 1, pass: 0, slot: 0 } })).to.match(/cursor.*there are 1/);
    for (const text of [
      'x',
      Buffer.from('[0,0,0]').toString('base64url'),
      Buffer.from('[0,0,1024,null]').toString('base64url'),
      'a'.repeat(9_000),
    ])
      expect(() => readEntityCursor(text), text.slice(0, 20)).to.throw(/this is no cursor/);
  });
});
