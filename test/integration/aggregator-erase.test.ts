// Erasures (S26) where topics hang together: a dataset's versions, chains, and what is published.
import { expect } from 'chai';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { Revision } from '../../libs/definition/revision.js';
import { datasetTopic, deadLetterTopic, historyTopic } from '../../libs/pipeline/topics.js';
import { eraseEntities } from '../../services/ingest/erasing.js';
import { dataset, DEPLOYMENT, field, Harness, pipeline, revisionOf } from './aggregator-harness.js';

const ORDER = dataset('Order', [field('user', 'string'), field('amount', 'int'), field('at', 'timestamp')], ['user']);
const ORDER_2: DatasetDefinition = { ...ORDER, version: 2, upgrade: { kind: 'function', function: 'Order#upgrade' } };
const STATS = dataset('Stats', [field('user', 'string'), field('n', 'int'), field('at', 'timestamp')], ['user']);
const BY_AMOUNT = dataset('ByAmount', [field('amount', 'int'), field('n', 'int'), field('at', 'timestamp')], ['amount']);
const COUNT = [{ field: 'n', operator: 'count', windowUs: null }] as const;
const PIPELINES = [
  pipeline('Stats', ['Order'], { aggregate: { groupBy: ['user'], aggregations: COUNT } }),
  pipeline('ByAmount', ['Order'], { aggregate: { groupBy: ['amount'], aggregations: COUNT } }),
];
const T = 1_600_000_000_000_000;

class World {
  readonly harness: Harness;

  constructor(partitionCount: number) {
    this.harness = new Harness({ partitionCount, functions: { 'Order#upgrade': (row) => row }, limits: { inputRecordsMax: 3 } });
  }

  async push(user: string, amount: number, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.harness.send('Order', [[{ user, amount }, { eventTimeUs: T + i }]]);
  }

  async erase(user: string, of?: DatasetDefinition): Promise<void> {
    const { log, clock, revision, partitionCount } = this.harness;
    if (revision === undefined) throw new Error('nothing is committed');
    const dataset = of ?? revision.definitions.datasets[0]!;
    const place = { log, deployment: DEPLOYMENT, nowUs: () => clock.nowUs() };
    const { receipts } = await eraseEntities(place, { dataset, revision, entities: [user, user] });
    expect(receipts).to.have.length(1);
    expect(receipts[0]?.partitions.every((partition) => partition < partitionCount)).to.equal(true);
  }

  /** As the registry does. */
  async raise(): Promise<Revision> {
    const { harness } = this;
    for (const topic of [datasetTopic, deadLetterTopic, historyTopic].map((of) => of(DEPLOYMENT, 'Order', 2)))
      await harness.log.createTopic(topic, harness.partitionCount);
    const plain = revisionOf(2, { datasets: [ORDER_2, STATS, BY_AMOUNT], pipelines: PIPELINES }, []);
    const revision = {
      ...plain,
      timelines: plain.timelines.map((timeline) => ({ ...timeline, id: timeline.id + 10, inputs: ['Order.v2'] })),
      carryOvers: [{ id: 77, from: ORDER, toVersion: 2, revision: 2 }],
    };
    harness.revision = revision;
    harness.feed.add(revision);
    return revision;
  }

  count(name: string, key: string | number): unknown {
    return this.harness.ask(`${name}.build`, [key], T + 1_000_000).n;
  }
}

describe('erasures and the versions of a dataset (S26, S19a)', () => {
  for (const partitionCount of [1, 3]) {
    it(`hold for what was erased before the upgrade, during it and after it, on ${partitionCount} partitions`, async () => {
      const world = new World(partitionCount);
      const { harness } = world;
      await harness.commit({ datasets: [ORDER, STATS, BY_AMOUNT], pipelines: PIPELINES });
      for (const user of ['before', 'during', 'after', 'never']) await world.push(user, 7, 5);
      await world.erase('before');
      await world.push('before', 8, 2);
      await harness.settle();
      expect([world.count('Stats', 'before'), world.count('ByAmount', 7)]).to.deep.equal([2, 15]);

      await world.raise();
      for (let partition = 0; partition < partitionCount; partition++) await (await harness.task(partition)).tick();
      await world.erase('during');
      await harness.settle();
      expect(['before', 'during', 'after', 'never'].map((user) => world.count('Stats', user))).to.deep.equal([2, 0, 5, 5]);
      expect([world.count('ByAmount', 7), world.count('ByAmount', 8)]).to.deep.equal([10, 2]);

      await world.erase('after');
      await world.push('after', 9, 1);
      await harness.settle();
      expect(['before', 'during', 'after', 'never'].map((user) => world.count('Stats', user))).to.deep.equal([2, 0, 1, 5]);
      expect([7, 8, 9].map((amount) => world.count('ByAmount', amount))).to.deep.equal([5, 2, 1]);
    });
  }

  it('let no retry of an erased record count in the new version, which its producer sent behind the erasure (S13)', async () => {
    for (const partitionCount of [1, 3]) {
      const world = new World(partitionCount);
      const { harness } = world;
      await harness.commit({ datasets: [ORDER, STATS, BY_AMOUNT], pipelines: PIPELINES });
      const sent = { eventTimeUs: T, producerId: 'p', sequence: 7 };
      await harness.send('Order', [[{ user: 'erased', amount: 7 }, sent]]);
      await world.erase('erased');
      await harness.send('Order', [[{ user: 'erased', amount: 7 }, sent]]);
      await harness.settle();
      expect([world.count('Stats', 'erased'), world.count('ByAmount', 7)]).to.deep.equal([0, 0]);
      await world.raise();
      await harness.settle();
      expect([world.count('Stats', 'erased'), world.count('ByAmount', 7)], `upgraded on ${partitionCount}`).to.deep.equal([0, 0]);
    }
  });

  it('refuses too many entities, and none', async () => {
    const world = new World(1);
    const { log, clock } = world.harness;
    const revision = await world.harness.commit({ datasets: [ORDER, STATS, BY_AMOUNT], pipelines: PIPELINES });
    const place = { log, deployment: DEPLOYMENT, nowUs: () => clock.nowUs() };
    for (const entities of [[], Array.from({ length: 1_001 }, (_, i) => `u${i}`)]) {
      const refused = await eraseEntities(place, { dataset: ORDER, revision, entities }).catch((error: unknown) =>
        error instanceof Error ? error.message : '',
      );
      expect(refused).to.match(/entity_ids: .*send 1 to 1000/);
    }
  });
});
