import { expect } from 'chai';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { KafkaCluster } from '../../libs/log/kafka/cluster.js';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import { newIdempotentProducer, ProducerSession } from '../../libs/log/kafka/producer-id.js';
import { encodeRecordBatch } from '../../libs/log/kafka/record-batch.js';
import { produce } from '../../libs/log/kafka/requests.js';
import { KafkaTransactions } from '../../libs/log/kafka/transaction.js';
import { APPEND_BYTES_MAX, RECORD_BYTES_MAX } from '../../libs/log/log-limits.js';
import type { Log, NewRecord, TopicPartition } from '../../libs/log/log.js';
import { systemClock } from '../../libs/time/clock.js';
import { eventually, uniqueName, useKafka, valuesOf } from './kafka-fixture.js';

const SMALL = { recordsMax: 3, bytesMax: 100 };

describe('the Kafka driver on a real broker', function () {
  this.timeout(120_000);
  const kafka = useKafka();
  let log: Log;
  let admin: Admin;
  let target: TopicPartition;
  const clusters: KafkaCluster[] = [];

  before(async () => {
    admin = new Kafka({ brokers: [...kafka().brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
  });
  after(() => admin?.disconnect());
  beforeEach(async () => {
    log = await openKafkaLog({ brokers: kafka().brokers, clientId: 'thyme-test' });
    target = { topic: uniqueName(), partition: 0 };
    await log.createTopic(target.topic, 1);
  });
  afterEach(async () => {
    await log.close();
    await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
  });

  function newCluster(): KafkaCluster {
    const cluster = new KafkaCluster({ brokers: kafka().brokers, clientId: 'thyme-test' }, systemClock);
    clusters.push(cluster);
    return cluster;
  }
  const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'it succeeded',
      (error: unknown) => error,
    );

  it('shows no aborted record of writers that interleave on a partition, however small the reads (L3)', async () => {
    const send = async (transactions: KafkaTransactions, value: string): Promise<void> => {
      await transactions.send([{ target, records: [text(value), { key: new Uint8Array(4), value: Buffer.from(`${value} zeros`) }] }]);
    };
    const expected: string[] = [];
    for (let round = 0; round < 6; round++) {
      const ids = [`${target.topic}.a`, `${target.topic}.b`];
      const writers = await Promise.all(ids.map((id) => KafkaTransactions.open(newCluster(), id, systemClock)));
      for (const writer of writers) await writer.addPartitions([target]);
      for (const step of [0, 1, 2]) {
        for (const [index, writer] of writers.entries()) {
          await send(writer, `${round}.${index}.${step}`);
          if (round % 2 === index) expected.push(`${round}.${index}.${step}`, `${round}.${index}.${step} zeros`);
        }
      }
      // One commits; the other is cut off, and its next epoch aborts what it left open.
      await writers[round % 2]?.commit();
      await KafkaTransactions.open(newCluster(), ids[1 - (round % 2)] ?? '', systemClock);
    }
    const committed = await log.append(target, [text('last')]);
    expect(await valuesOf(log, target, SMALL)).to.deep.equal([...expected, 'last']);
    expect(await valuesOf(log, target)).to.deep.equal([...expected, 'last']);
    for (let offset = 0; offset <= committed; offset++) {
      // also from the middle of what was aborted
      const { records } = await log.read(target, offset, { recordsMax: 1_000, bytesMax: 1_000_000 });
      expect(records.map(({ value }) => Buffer.from(value).toString())).to.deep.equal([...expected, 'last'].slice(-records.length));
    }
  });

  it('shows no record of an aborted writer behind the end of another one that was aborted (L3)', async () => {
    const [first, second] = [`${target.topic}.a`, `${target.topic}.b`];
    const writers = await Promise.all([first, second].map((id) => KafkaTransactions.open(newCluster(), id, systemClock)));
    for (const writer of writers) {
      await writer.addPartitions([target]);
      await writer.send([{ target, records: [text('aborted')] }]);
    }
    await KafkaTransactions.open(newCluster(), first, systemClock); // ends what the first has begun
    await log.append(target, [text('between')]);
    await writers[1]?.send([{ target, records: [text('aborted later')] }]);
    await KafkaTransactions.open(newCluster(), second, systemClock);
    await log.append(target, [text('last')]);
    expect(await valuesOf(log, target)).to.deep.equal(['between', 'last']);
    expect(await valuesOf(log, target, SMALL)).to.deep.equal(['between', 'last']);
  });

  it('takes a producer past 2^31 records of a partition, and stores what is sent again once', async () => {
    const cluster = newCluster();
    const session = new ProducerSession(await newIdempotentProducer(cluster), 2 ** 31 - 4);
    const { producerId, producerEpoch } = session;
    for (let n = 0; n < 6; n++) {
      const records = [text(`${n}`), text(`${n}'`)];
      const batch = encodeRecordBatch(records, {
        producerId,
        producerEpoch,
        baseSequence: session.takeSequences(target.topic, 0, records.length),
        transactional: false,
        timestampMs: 0,
      });
      for (const attempt of [1, 2]) {
        const [answer] = await produce(await cluster.leader(target), [{ ...target, batch }], null);
        expect([answer?.errorCode, answer?.baseOffset], `attempt ${attempt} of ${n}`).to.deep.equal([0, 2 * n]);
      }
    }
    expect(await valuesOf(log, target)).to.deep.equal([0, 1, 2, 3, 4, 5].flatMap((n) => [`${n}`, `${n}'`]));
  });

  it('closes every connection, also those that many asked for at once: one that stays keeps its process from ending', async () => {
    const connections = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const before = connections();
    const fresh = await openKafkaLog({ brokers: kafka().brokers, clientId: 'thyme-test' });
    const waiting = new AbortController();
    const waits = [0, 1, 2].map(() => fresh.waitFor(target, 1_000, waiting.signal));
    await Promise.all([0, 1, 2].flatMap(() => [fresh.append(target, [text('a')]), fresh.read(target, 0, SMALL), fresh.endOffset(target)]));
    waiting.abort();
    await Promise.all(waits);
    await fresh.close();
    await eventually(() => connections() <= before, 'no connection is left');
  });

  it('takes the largest append as one batch, and splits the largest transaction into several', async () => {
    const large = Math.floor(RECORD_BYTES_MAX / 2);
    const records = Array.from({ length: Math.floor(APPEND_BYTES_MAX / RECORD_BYTES_MAX) }, (_, n) => ({
      key: Buffer.from(`${n}`),
      value: new Uint8Array(RECORD_BYTES_MAX - 2).fill(n),
    }));
    expect(await log.append(target, records)).to.equal(0);
    const writer = await log.writer(target.topic);
    expect(
      (
        await writer.commit(
          [
            { target, records },
            { target, records: [{ key: new Uint8Array(), value: new Uint8Array(large) }] },
          ].slice(0, 1),
        )
      ).offsets,
    ).to.deep.equal([records.length]);
    let seen = 0;
    for (let offset = 0; offset < 2 * records.length;) {
      const read = await log.read(target, offset, { recordsMax: 5, bytesMax: 8_000_000 });
      for (const { value } of read.records) expect([value.length, value[0]]).to.deep.equal([RECORD_BYTES_MAX - 2, seen++ % records.length]);
      offset = read.nextOffset;
    }
    expect(seen).to.equal(2 * records.length);
  });

  it('refuses a topic that would lose records, with its name, what it has, what it needs, and the command', async () => {
    const wrong = {
      'cleanup.policy': 'compact',
      'retention.ms': '1000',
      'retention.bytes': '1000',
      'unclean.leader.election.enable': 'true',
      'max.message.bytes': '1000',
    };
    for (const [name, value] of Object.entries(wrong)) {
      const topic = uniqueName();
      const fine = {
        'cleanup.policy': 'delete',
        'retention.ms': '-1',
        'retention.bytes': '-1',
        'unclean.leader.election.enable': 'false',
        'max.message.bytes': '100000000',
        [name]: value,
      };
      await admin.createTopics({
        topics: [{ topic, numPartitions: 2, configEntries: Object.entries(fine).map(([entry, set]) => ({ name: entry, value: set })) }],
      });
      const error = await failureOf(log.createTopic(topic, 2));
      expect(error, name).to.include({ code: 'THYME_TOPIC_CONFIG', status: 'FAILED_PRECONDITION' });
      expect(String(error)).to.contain(`'${topic}'`).and.contain(`${name}=${value}`).and.contain(`--add-config ${name}=`);
      const count = await failureOf(log.createTopic(topic, 3));
      expect(count).to.include({ code: 'THYME_PARTITION_COUNT' });
      expect(String(count)).to.contain(`'${topic}'`).and.contain('2 partitions').and.contain('3');
    }
  });

  it('says that what was trimmed is gone, to who reads it and to who waits for it', async () => {
    await log.append(
      target,
      Array.from({ length: 10 }, (_, n) => text(`${n}`)),
    );
    await admin.fetchTopicOffsets(target.topic); // kafkajs deletes from topics only that it has asked about before
    await admin.deleteTopicRecords({ topic: target.topic, partitions: [{ partition: 0, offset: '6' }] });
    const fresh = await openKafkaLog({ brokers: kafka().brokers, clientId: 'thyme-test' });
    try {
      const error = await failureOf(fresh.read(target, 2, SMALL));
      expect(error).to.include({ code: 'THYME_LOG_TRIMMED', status: 'OUT_OF_RANGE' });
      expect(String(error)).to.contain(target.topic).and.contain('offset 6').and.contain('2 was asked for');
      await fresh.waitFor(target, 2, new AbortController().signal);
      expect(await fresh.endOffset(target)).to.equal(10);
      expect((await fresh.read(target, 6, { recordsMax: 10, bytesMax: 1_000 })).records.map(({ offset }) => offset)).to.deep.equal([
        6, 7, 8, 9,
      ]);
    } finally {
      await fresh.close();
    }
  });
});

function text(value: string): NewRecord {
  return { key: Buffer.from('k'), value: Buffer.from(value) };
}
