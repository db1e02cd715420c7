// Records of an old dataset version carried into a new one (S19a), tick by tick.
import { expect } from 'chai';
import type { DatasetDefinition } from '../../libs/definition/definitions.js';
import type { CarryOver, Revision } from '../../libs/definition/revision.js';
import { datasetTopic, deadLetterTopic, historyTopic } from '../../libs/pipeline/topics.js';
import type { PipelineDeadLetter } from '../../services/aggregator/dead-letters.js';
import { dataset, DEPLOYMENT, field, Harness, type HarnessOptions, pipeline, revisionOf } from './aggregator-harness.js';

const ORDER = dataset('Order', [field('user', 'string'), field('amount', 'int'), field('at', 'timestamp')], ['user'], {
  maxLatenessUs: 1_000_000,
});
const ORDER_2: DatasetDefinition = { ...ORDER, version: 2, upgrade: { kind: 'function', function: 'Order#upgrade' } };
const STATS = dataset('Stats', [field('user', 'string'), field('n', 'int'), field('s', 'int'), field('at', 'timestamp')], ['user']);
const BUILD = pipeline('Stats', ['Order'], {
  aggregate: {
    groupBy: ['user'],
    aggregations: [
      { field: 'n', operator: 'count', windowUs: null },
      { field: 's', operator: 'sum', of: 'amount', windowUs: null },
    ],
  },
});
const BEGIN_US = 1_600_000_000_000_000;
const CARRY_OVER: CarryOver = { id: 77, from: ORDER, toVersion: 2, revision: 2 };

type Upgrade = (row: Record<string, unknown>) => unknown;

class World {
  readonly harness: Harness;

  constructor(upgrade: Upgrade, options: HarnessOptions = {}) {
    this.harness = new Harness({ ...options, functions: { 'Order#upgrade': upgrade } });
  }

  async begin(): Promise<void> {
    await this.harness.commit({ datasets: [ORDER, STATS], pipelines: [BUILD] });
  }

  /** As the registry does: a timeline of its own for whoever reads the new version. */
  async raise(): Promise<Revision> {
    const { harness } = this;
    for (const topic of [
      datasetTopic(DEPLOYMENT, 'Order', 2),
      deadLetterTopic(DEPLOYMENT, 'Order', 2),
      historyTopic(DEPLOYMENT, 'Order', 2),
    ])
      await harness.log.createTopic(topic, harness.partitionCount);
    const plain = revisionOf(2, { datasets: [ORDER_2, STATS], pipelines: [BUILD] }, []);
    const revision = {
      ...plain,
      timelines: plain.timelines.map((timeline) => ({ ...timeline, id: timeline.id + 10, inputs: ['Order.v2'] })),
      carryOvers: [CARRY_OVER],
    };
    harness.revision = revision;
    harness.feed.add(revision);
    return revision;
  }

  push(count: number, from: number, spread = 7): Promise<void> {
    return this.harness.send(
      'Order',
      Array.from({ length: count }, (_, i) => {
        const at = BEGIN_US + (from + i) * 1_000;
        return [
          { user: `u${(from + i) % spread}`, amount: from + i },
          { eventTimeUs: at, appendTimeUs: at + 5, producerId: 'p', sequence: from + i },
        ] as const;
      }),
    );
  }

  async deadLetters(): Promise<PipelineDeadLetter[]> {
    const letters: PipelineDeadLetter[] = [];
    for (let partition = 0; partition < this.harness.partitionCount; partition++) {
      const { records } = await this.harness.log.read({ topic: deadLetterTopic(DEPLOYMENT, 'Order', 2), partition }, 0, {
        recordsMax: 1_000,
        bytesMax: 1e6,
      });
      letters.push(...records.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as PipelineDeadLetter));
    }
    return letters;
  }
}

for (const partitionCount of [1, 3]) {
  describe(`a carry-over on ${partitionCount} partitions (S19a)`, () => {
    it('merges what a new key brings together as it came in: no sequence is forgotten, nothing becomes late', async () => {
      const world = new World((row) => ({ ...row, user: 'all' }), { partitionCount });
      await world.begin();
      await world.push(6_000, 0);
      await world.harness.settle();
      await world.raise();
      await world.harness.settle();
      expect(world.harness.ask('Stats.build', ['all'], BEGIN_US + 1e12)).to.deep.equal({ n: 6_000, s: (5_999 * 6_000) / 2 });
      expect(await world.deadLetters()).to.deep.equal([]);
    });

    it('goes on where the last commit left it, however often its process dies, with or without its store', async () => {
      const world = new World((row) => ({ ...row, amount: Number(row.amount) + 1 }), { partitionCount, limits: { inputRecordsMax: 16 } });
      await world.begin();
      await world.push(200, 0);
      await world.raise();
      await world.push(10, 1_000); // to the new version, while the old one's records are carried
      for (let death = 0; death < 20; death++) {
        for (let partition = 0; partition < partitionCount; partition++) {
          await (await world.harness.task(partition)).tick();
          world.harness.restart(partition, { loseStore: death % 3 === 2 });
        }
      }
      await world.harness.settle();
      let [n, s] = [0, 0];
      for (let user = 0; user < 7; user++) {
        const answer = world.harness.ask('Stats.build', [`u${user}`], BEGIN_US + 1e12);
        n += Number(answer.n);
        s += Number(answer.s);
      }
      expect([n, s]).to.deep.equal([210, (199 * 200) / 2 + 200 + 10 * 1_000 + 45]);
    });

    it('sets aside what cannot be carried, once, with reason, place and the old record, and counts it', async () => {
      const world = new World(
        (row) => {
          if (row.amount === 3) throw new Error('unlucky');
          return row.amount === 4 ? { ...row, amount: 'many' } : row.amount === 5 ? undefined : row;
        },
        { partitionCount },
      );
      await world.begin();
      await world.push(8, 0);
      await world.raise();
      await world.harness.settle();
      const letters = (await world.deadLetters()).sort((a, b) => a.record.localeCompare(b.record));
      expect(
        letters.map(({ pipeline: name, version, record }) => [name, version, (JSON.parse(record) as { amount: number }).amount]),
      ).to.have.deep.members([
        ['Order#upgrade', 2, 3],
        ['Order#upgrade', 2, 4],
        ['Order#upgrade', 2, 5],
      ]);
      expect(letters.map(({ reason }) => reason).sort()).to.satisfy(
        (reasons: readonly string[]) => reasons.some((reason) => reason === 'unlucky') && reasons.some((reason) => /amount/.test(reason)),
      );
      const counters = await Promise.all(
        Array.from({ length: partitionCount }, async (_, partition) =>
          (await world.harness.task(partition)).upgrades.map(({ counters: each }) => [each.read, each.applied, each.dead]),
        ),
      );
      const sums = counters.flat().reduce((sum, each) => sum.map((value, i) => value + (each[i] ?? 0)), [0, 0, 0]);
      expect(sums, 'read = applied + dead (A4)').to.deep.equal([8, 5, 3]);
    });

    it('stops at a function that fails always, and the old version serves on (S23)', async () => {
      const world = new World(
        () => {
          throw new Error('never');
        },
        { partitionCount },
      );
      await world.begin();
      await world.push(6_000, 0, 64);
      await world.harness.settle();
      await world.raise();
      await world.harness.settle();
      for (let partition = 0; partition < partitionCount; partition++) {
        const task = await world.harness.task(partition);
        expect(task.upgrades.map(({ paused, isClosed }) => [paused, isClosed])).to.deep.equal([[true, false]]);
        expect(task.readers.map(({ plan }) => plan.topic)).to.include('test.Order.v1');
      }
    });
  });
}

describe('a state of before identities named their topics (S19a)', () => {
  it('is taken up again after a raised version: the reader stands still, and the next commit builds anew', async () => {
    const world = new World((row) => row);
    const { harness } = world;
    await world.begin();
    await world.push(5, 0);
    await harness.settle();
    // As the registry once made it: the same timeline, over the new topic.
    for (const topic of [datasetTopic(DEPLOYMENT, 'Order', 2), deadLetterTopic(DEPLOYMENT, 'Order', 2)])
      await harness.log.createTopic(topic, 1);
    const raised = { ...ORDER, version: 2 };
    harness.revision = revisionOf(2, { datasets: [raised, STATS], pipelines: [BUILD] }, harness.known);
    harness.feed.add(harness.revision);
    await harness.settle();
    await world.push(2, 100);
    harness.restart(0);
    await harness.settle();
    expect((await harness.task(0)).readers, 'nothing of the new topic is read into the old timeline').to.deep.equal([]);
    const anew = revisionOf(3, { datasets: [raised, STATS], pipelines: [BUILD] }, []);
    harness.revision = { ...anew, timelines: anew.timelines.map((timeline) => ({ ...timeline, id: 9, inputs: ['Order.v2'] })) };
    harness.feed.add(harness.revision);
    await harness.settle();
    expect(harness.ask('Stats.build', ['u2'], BEGIN_US + 1e12)).to.deep.equal({ n: 1, s: 100 });
  });
});
