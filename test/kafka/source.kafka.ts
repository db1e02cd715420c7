// The Kafka source against a real broker: what producers do, each message once.
import { expect } from 'chai';
import type { DatasetDefinition, SourceDefinition } from '../../libs/definition/definitions.js';
import { MemoryLog } from '../../libs/log/memory/memory-log.js';
import { kafkaConnector } from '../../libs/source/kafka/kafka-connector.js';
import { systemClock } from '../../libs/time/clock.js';
import type { Sources } from '../../services/ingest/sources/sources.js';
import { numberDataset, SourcesFixture } from '../integration/sources-fixture.js';
import { eventually, useKafka } from './kafka-fixture.js';
import { Producers } from './topic-system.js';

const AT = '2026-01-31T11:00:00Z';
const LOOK_MS = 31_000;

describe('the Kafka source', function () {
  this.timeout(120_000);
  const kafka = useKafka();
  let producers: Producers;
  let fixture: SourcesFixture;
  const started: Sources[] = [];

  before(async () => {
    producers = await Producers.connect(kafka().brokers);
  });

  after(() => producers.disconnect());

  beforeEach(() => {
    fixture = newFixture();
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((sources) => sources.stop({ graceMs: 5_000 })));
  });

  function newFixture(): SourcesFixture {
    return new SourcesFixture(new MemoryLog(), (clock) => [
      kafkaConnector({ nowUs: () => clock.nowUs(), sleep: (ms, signal) => systemClock.sleep(ms, signal) }),
    ]);
  }

  const value = (n: number, more: object = {}): string => JSON.stringify({ k: `k${n % 7}`, n, at: AT, ...more });
  const status = (sources: Sources) => sources.list()[0];

  async function start(topic: string, dataset: Partial<DatasetDefinition> = {}, source: Partial<SourceDefinition> = {}): Promise<Sources> {
    const config = { topic, brokers: kafka().brokers.join(',') };
    await fixture.commit([numberDataset('A', dataset)], [{ dataset: 'A', connector: 'kafka', config, cdc: 'append', ...source }]);
    const sources = await fixture.start();
    started.push(sources);
    return sources;
  }

  async function counts(sources: Sources, rows: number, refused = 0): Promise<void> {
    await eventually(() => {
      const { phase } = status(sources) ?? {};
      if (phase?.kind === 'stopped' || phase?.kind === 'retrying') throw new Error(phase.cause);
      return status(sources)?.rows === rows && status(sources)?.refused === refused;
    }, `${rows} rows are published, and ${refused} set aside`).catch(async (cause: unknown) => {
      throw new Error(JSON.stringify([status(sources), await fixture.dead('A')]), { cause });
    });
  }

  const never = new AbortController().signal;

  async function expectRefused(dataset: string, sources: Sources, to: string, words: string): Promise<void> {
    const error: unknown = await sources.reset(dataset, to, never).then(
      (position) => `it went to ${position}`,
      (thrown: unknown) => thrown,
    );
    expect(String(error)).to.contain(words);
  }

  const upsert: Partial<DatasetDefinition> = { cdc: { mode: 'upsert', rowKey: ['k'] } };

  it('takes what a value lacks from its key and headers, and keeps every digit', async () => {
    const topic = await producers.createTopic();
    const fields = [
      ...numberDataset('A').fields,
      { name: 'price', type: { kind: 'decimal', optional: true } as const },
      { name: 'origin', type: { kind: 'string', optional: true } as const },
    ];
    await producers.send(topic, [
      { key: 'plain', value: `{"n":9007199254740991,"at":"${AT}","price":12345678901234567.123456789012345678}` },
      { key: '{"k":"of an object","n":7}', value: `{"at":"${AT}"}`, headers: { origin: 'header', n: '8' } },
    ]);
    const sources = await start(topic, { fields });
    await counts(sources, 2);
    const rows = (await fixture.published('A', 1, fields)).map(({ row }) => row);
    expect(rows.find(([k]) => k === 'plain')?.slice(1, 2)).to.deep.equal([9_007_199_254_740_991]);
    expect(String(rows.find(([k]) => k === 'plain')?.[3])).to.equal('12345678901234567.123456789012345678');
    expect(rows.find(([k]) => k === 'of an object')).to.include.members([7, 'header']);
  });

  it('sets aside what it cannot read with topic, partition and offset, and goes on', async () => {
    const topic = await producers.createTopic(1);
    await producers.send(topic, [
      { key: 'k', value: value(0) },
      { key: 'k', value: 'no json' },
      { key: 'k', value: Buffer.from([0xff, 0xfe]) },
      { key: 'k', value: null },
      { key: 'k', value: value(1, { n: 'many' }) },
      { key: 'k', value: value(2) },
    ]);
    const sources = await start(topic);
    await counts(sources, 2, 4);
    const dead = await fixture.dead('A');
    expect(dead.map(({ place }) => place)).to.deep.equal([1, 2, 3, 4].map((offset) => `${topic} partition 0 offset ${offset}`));
    expect(dead.map(({ reason }) => String(reason))).to.satisfy((reasons: readonly string[]) =>
      ['is no JSON', 'no text in UTF-8', 'has no value', 'A.n'].every((words, i) => reasons[i]?.includes(words)),
    );
  });

  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
    it(`reads what is compressed with ${codec}, as Java's own library does it`, async () => {
      const topic = await producers.createTopic(1, { 'compression.type': codec });
      await producers.send(
        topic,
        Array.from({ length: 3_000 }, (_, n) => ({ key: 'k', value: value(n), headers: { h: `${n}` } })),
      );
      const sources = await start(topic);
      await counts(sources, 3_000);
      expect(await fixture.numbers('A')).to.deep.equal(Array.from({ length: 3_000 }, (_, n) => n));
    });
  }

  it('leaves out what was aborted, and waits for what is undecided', async () => {
    const topic = await producers.createTopic(1);
    const transactional = producers.kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await transactional.connect();
    try {
      for (let round = 0; round < 6; round++) {
        const transaction = await transactional.transaction();
        await transaction.send({ topic, messages: [0, 1, 2].map((i) => ({ key: 'k', value: value(round * 3 + i) })) });
        await producers.send(topic, [{ key: 'k', value: value(100 + round) }]);
        if (round % 2 === 0) await transaction.commit();
        else await transaction.abort();
      }
      const open = await transactional.transaction();
      await open.send({ topic, messages: [{ key: 'k', value: value(18) }] });
      const sources = await start(topic);
      await counts(sources, 9 + 6);
      await open.commit();
      await counts(sources, 9 + 6 + 1);
      expect(await fixture.numbers('A')).to.deep.equal([0, 1, 2, 6, 7, 8, 12, 13, 14, 18, 100, 101, 102, 103, 104, 105]);
    } finally {
      await transactional.disconnect();
    }
  });

  it('replaces rows by their key, and deletes them by tombstones, in a compacted topic with gaps too', async () => {
    const topic = await producers.createTopic(1, {
      'cleanup.policy': 'compact',
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.01',
      'min.compaction.lag.ms': '0',
    });
    for (let round = 0; round < 5; round++) {
      await producers.send(
        topic,
        [0, 1, 2].map((n) => ({ key: `k${n}`, value: JSON.stringify({ n: round * 10 + n, at: AT }) })),
      );
      await new Promise((resolve) => setTimeout(resolve, 150)); // segments are closed by time alone
    }
    await producers.send(topic, [{ key: 'k1', value: null }]);
    await eventually(async () => {
      fixture = newFixture();
      const sources = await start(topic, upsert, { cdc: 'upsert' });
      await eventually(() => (status(sources)?.rows ?? 0) > 0 && status(sources)?.lag.rows === 0, 'all is read');
      await sources.stop({ graceMs: 5_000 });
      return (status(sources)?.rows ?? 0) < 16;
    }, 'the broker has compacted the topic');
    const last = new Map((await fixture.published('A')).map(({ row, change }) => [row[0], change?.deleted === true ? 'deleted' : row[1]]));
    expect(Object.fromEntries(last)).to.deep.equal({ k0: 40, k1: 'deleted', k2: 42 });
  });

  it('takes the order of the topic for the order of changes, whatever the clocks of producers say (S17)', async () => {
    const topic = await producers.createTopic(1);
    const nowMs = fixture.clock.nowUs() / 1_000;
    const sent = [nowMs - 1_000, nowMs - 60_000, nowMs + 3_600_000, nowMs - 30_000];
    await producers.send(
      topic,
      sent.map((timestamp, n) => ({ key: 'k', value: value(n, { k: 'k' }), timestamp: String(timestamp) })),
    );
    const sources = await start(topic, upsert, { cdc: 'upsert' });
    await counts(sources, 4);
    const times = (await fixture.published('A')).map(({ change }) => Number(change?.timeUs) / 1_000);
    expect(times).to.deep.equal([nowMs - 1_000, nowMs - 1_000, nowMs, nowMs]);
  });

  it("takes Debezium's envelopes, wrapped and bare, with and without the row before, and refuses what is of no row", async () => {
    const topic = await producers.createTopic(1);
    const debezium: Partial<DatasetDefinition> = { cdc: { mode: 'debezium', rowKey: ['n'] } };
    const source = { ts_ms: 1_769_850_000_000 };
    const rowSchema = (field: string): object => ({
      type: 'struct',
      field,
      fields: [
        { field: 'k', type: 'string' },
        { field: 'n', type: 'int32' },
        { field: 'at', type: 'int64', name: 'io.debezium.time.MicroTimestamp' },
      ],
    });
    const schema = {
      type: 'struct',
      fields: [rowSchema('before'), rowSchema('after'), { field: 'op', type: 'string' }, { field: 'source', type: 'struct', fields: [] }],
    };
    const wrapped = (payload: object): string => JSON.stringify({ schema, payload });
    const row = { k: 'a', n: 1, at: AT };
    const micros = { k: 'b', n: 2, at: 1_769_857_200_123_456 };
    await producers.send(topic, [
      { key: '{"n":1}', value: JSON.stringify({ op: 'r', before: null, after: row, source }) },
      { key: '{"n":1}', value: JSON.stringify({ op: 'u', before: row, after: { ...row, k: 'a2' }, source: { ts_ms: source.ts_ms + 1 } }) },
      {
        key: '{"schema":{"type":"struct","fields":[]},"payload":{"n":2}}',
        value: wrapped({ op: 'c', before: null, after: micros, source }),
      },
      { key: '{"n":1}', value: JSON.stringify({ op: 'd', before: null, after: null, source: { ts_ms: source.ts_ms + 2 } }) },
      { key: '{"n":1}', value: null },
      {
        key: '{"schema":{"type":"struct","fields":[]},"payload":{"n":2}}',
        value: wrapped({ op: 'd', before: micros, after: null, source: { ts_ms: source.ts_ms + 3 } }),
      },
      { key: null, value: JSON.stringify({ op: 't', source }) },
      { key: null, value: JSON.stringify({ op: 'm', message: {}, source }) },
    ]);
    const sources = await start(topic, debezium, { cdc: 'debezium' });
    await counts(sources, 6, 2);
    const changes = (await fixture.published('A')).map(({ change, row: [k, n, at] }) => [
      Number(n),
      change?.deleted === true ? 'deleted' : k,
      Number(at),
    ]);
    expect(changes.filter(([n]) => n === 1).map(([, what]) => what)).to.deep.equal(['a', 'a2', 'deleted', 'deleted']);
    expect(changes.filter(([n]) => n === 2).map(([, what]) => what)).to.deep.equal(['b', 'deleted']);
    expect(changes.find(([, what]) => what === 'b')?.[2]).to.equal(1_769_857_200_123_456);
    expect((await fixture.dead('A')).map(({ reason }) => String(reason).slice(0, 10))).to.deep.equal(["A.op: 't' ", "A.op: 'm' "]);
  });

  it('takes up partitions that are added while it runs, from their beginning, as what comes later', async () => {
    const topic = await producers.createTopic(1);
    await producers.send(topic, [{ value: value(0) }]);
    const sources = await start(topic);
    await counts(sources, 1);
    await producers.admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await eventually(
      async () =>
        (await producers.admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.filter(({ leader }) => leader >= 0).length ===
        3,
      'the partitions have leaders',
    );
    const newcomer = await Producers.connect(kafka().brokers); // one that was there before drops what is for partitions that it does not know
    await newcomer.producer.send({ topic, messages: [1, 2].map((partition) => ({ partition, value: value(partition) })) });
    await newcomer.disconnect();
    fixture.clock.advance(LOOK_MS);
    await counts(sources, 3);
    const lanes = (await fixture.published('A')).map(({ lane, historical, row }) => [lane, historical, Number(row[1])]);
    expect(lanes).to.have.deep.members([
      ['kafka:0', true, 0],
      ['kafka:1', false, 1],
      ['kafka:2', false, 2],
    ]);
  });

  it('stands still where the topic was made anew, and while it runs as well', async () => {
    const topic = await producers.createTopic(1);
    await producers.send(topic, [{ value: value(0) }, { value: value(1) }]);
    const sources = await start(topic);
    await counts(sources, 2);
    await producers.admin.deleteTopics({ topics: [topic] });
    await eventually(async () => !(await producers.admin.listTopics()).includes(topic), 'the topic is gone');
    await producers.createTopic(1, {}, topic);
    await producers.send(
      topic,
      [5, 6, 7].map((n) => ({ value: value(n) })),
    );
    await eventually(async () => {
      fixture.clock.advance(LOOK_MS);
      return status(sources)?.phase.kind === 'stopped';
    }, 'it stands still');
    expect(status(sources)?.phase).to.have.property('cause').that.contains('made anew');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1]);
    await expectRefused('A', sources, '0: 2', 'made anew');
    expect(await sources.reset('A', 'now', never)).to.contain('0: 3');
    await producers.send(topic, [{ value: value(8) }]);
    await eventually(async () => (await fixture.numbers('A')).includes(8), 'it goes on with what comes');
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 8]);
  });

  it('is reset to offsets ahead, and to none behind', async () => {
    const topic = await producers.createTopic(2);
    const send = (partition: number, ...numbers: number[]) =>
      producers.send(
        topic,
        numbers.map((n) => ({ value: value(n), partition })),
      );
    await send(0, 0, 1);
    await send(1, 10, 11);
    const sources = await start(topic);
    await counts(sources, 4);
    await sources.setPaused('A', true);
    await eventually(() => status(sources)?.phase.kind === 'paused', 'it is paused');
    await send(0, 2, 3, 4);
    await send(1, 12, 13);
    await expectRefused('A', sources, '0: 1', "upgrade: 'empty'");
    await expectRefused('A', sources, '0: 9', 'ends at 5');
    await expectRefused('A', sources, '7: 1', 'partitions 0 to 1');
    await expectRefused('A', sources, 'tomorrow', "'0: 120, 1: 7'");
    expect(await sources.reset('A', '0: 4', never)).to.contain('0: 4, 1: 2');
    await sources.setPaused('A', false);
    await counts(sources, 7);
    expect(await fixture.numbers('A')).to.deep.equal([0, 1, 4, 10, 11, 12, 13]);
    await sources.reset('A', 'now', never);
    await send(0, 5);
    await counts(sources, 8);
  });

  it('says how many messages its topic has deleted before they were read', async () => {
    const topic = await producers.createTopic(1);
    await producers.send(topic, [{ value: value(0) }]);
    const sources = await start(topic);
    await counts(sources, 1);
    await sources.setPaused('A', true);
    await eventually(() => status(sources)?.phase.kind === 'paused', 'it is paused');
    await producers.send(
      topic,
      [1, 2, 3].map((n) => ({ value: value(n) })),
    );
    await producers.admin.fetchTopicOffsets(topic); // without it, the library knows of no leader
    await producers.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] });
    await sources.setPaused('A', false);
    await counts(sources, 2);
    expect(await fixture.numbers('A')).to.deep.equal([0, 3]);
    const [notice] = fixture.events.list({ limit: 10, eventType: 'source_notice' });
    expect(notice?.message).to.contain('2 messages of partition 0').and.to.contain('deleted by its retention');
  });

  it('notes in a group how far it has published, for tools that show lag', async () => {
    const topic = await producers.createTopic(2);
    await producers.send(
      topic,
      [0, 1, 2].map((n) => ({ partition: n % 2, value: value(n) })),
    );
    const config = { topic, brokers: kafka().brokers.join(','), groupId: topic };
    await counts(await start(topic, {}, { config }), 3);
    await eventually(async () => {
      fixture.clock.advance(5_000); // a broker whose first group this is needs a moment
      const [noted] = await producers.admin.fetchOffsets({ groupId: topic, topics: [topic] }).catch(() => []);
      return (
        noted?.partitions
          .map(({ partition, offset }) => `${partition}: ${offset}`)
          .sort()
          .join() === '0: 2,1: 1'
      );
    }, 'the group has the offsets');
  });

  it('waits for a topic that is not there yet, and is tested with its first message', async () => {
    const topic = `${await producers.createTopic(1)}-later`;
    const sources = await start(topic);
    await eventually(() => status(sources)?.phase.kind === 'retrying', 'it waits');
    expect(status(sources)?.phase).to.have.property('cause').that.contains('there is no topic');
    const failed = await sources.test('A', new AbortController().signal);
    expect(failed.steps.map(({ what, ok }) => [what, ok])).to.deep.equal([
      ['reached', true],
      ['topic', false],
    ]);
    await producers.createTopic(2, {}, topic);
    await producers.send(topic, [{ key: 'k', value: value(0) }]);
    const tested = await sources.test('A', new AbortController().signal);
    expect(tested.steps.map(({ ok }) => ok)).to.deep.equal([true, true, true]);
    expect(tested.sample).to.include({ n: 0 });
    fixture.clock.advance(60_000);
    await eventually(() => status(sources)?.rows === 1, 'it is read');
  });
});
