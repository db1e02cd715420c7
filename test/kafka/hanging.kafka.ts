// A broker that dies after it has written down how a transaction ends, and before it has marked the partitions, can
// come back and forget the markers. Made here by a broker that is told to take records of no transaction.
import { expect } from 'chai';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { KafkaCluster } from '../../libs/log/kafka/cluster.js';
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';
import { openPartitions } from '../../libs/log/kafka/hanging.js';
import { newIdempotentProducer } from '../../libs/log/kafka/producer-id.js';
import { KafkaTransactions } from '../../libs/log/kafka/transaction.js';
import type { Log, NewRecord, TopicPartition } from '../../libs/log/log.js';
import { systemClock } from '../../libs/time/clock.js';
import { eventually, uniqueName, useKafka, valuesOf } from './kafka-fixture.js';

describe('a transaction whose markers are lost', function () {
  this.timeout(120_000);
  const kafka = useKafka({ own: true });
  let log: Log;
  let cluster: KafkaCluster;
  let places: readonly [TopicPartition, TopicPartition];

  before(async () => {
    const admin = new Kafka({ brokers: [...kafka().brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.BROKER,
          name: '1',
          configEntries: [{ name: 'transaction.partition.verification.enable', value: 'false' }],
        },
      ],
    });
    await admin.disconnect();
  });
  beforeEach(async () => {
    log = await openKafkaLog({ brokers: kafka().brokers, clientId: 'thyme-test' });
    cluster = new KafkaCluster({ brokers: kafka().brokers, clientId: 'thyme-test' }, systemClock);
    const topic = uniqueName();
    places = [
      { topic, partition: 0 },
      { topic, partition: 1 },
    ];
    await log.createTopic(topic, 2);
  });
  afterEach(async () => {
    await log.close();
    await cluster.close();
  });

  const open = (): Promise<KafkaTransactions> => KafkaTransactions.open(cluster, places[0].topic, systemClock);
  const seen = (): Promise<readonly (readonly string[])[]> => Promise.all(places.map((place) => valuesOf(log, place)));
  /** The broker's settings arrive when they do: until then it refuses the records of an unknown transaction, and the writer dies. */
  const sendUnmarked = async (value: string, begin: (writer: KafkaTransactions) => Promise<void>): Promise<KafkaTransactions> => {
    let sent: KafkaTransactions | undefined;
    await eventually(async () => {
      const writer = await open();
      await begin(writer);
      sent = await writer.send([{ target: places[1], records: [text(value)] }]).then(
        () => writer,
        () => undefined,
      );
      return sent !== undefined;
    }, 'the broker takes records of no transaction');
    if (sent === undefined) throw new Error('it has been sent');
    return sent;
  };

  it('is committed where it was decided so, before the next writer reads (L3, L4)', async () => {
    const writer = await sendUnmarked('b', async (begun) => {
      await begun.addPartitions([places[0]]);
      await begun.send([{ target: places[0], records: [text('a')] }]);
    });
    await writer.commit();
    await eventually(async () => (await valuesOf(log, places[0])).length === 1, 'one half is shown');
    expect(await seen()).to.deep.equal([['a'], []]);
    const next = await log.writer(places[0].topic);
    expect(await seen()).to.deep.equal([['a'], ['b']]);
    await next.commit(places.map((target) => ({ target, records: [text('later')] })));
    expect(await seen()).to.deep.equal([
      ['a', 'later'],
      ['b', 'later'],
    ]);
  });

  it('is aborted where nobody was told of a commit, and is not committed by the next one', async () => {
    await sendUnmarked('never', () => Promise.resolve());
    const next = await log.writer(places[0].topic);
    await next.commit(places.map((target) => ({ target, records: [text('later')] })));
    expect(await seen()).to.deep.equal([['later'], ['later']]);
  });

  it('does not touch what others have under way', async () => {
    const other = await KafkaTransactions.open(cluster, `${places[0].topic}.other`, systemClock);
    await other.addPartitions([places[1]]);
    await other.send([{ target: places[1], records: [text('other')] }]);
    const next = await log.writer(places[0].topic);
    await next.commit([{ target: places[0], records: [text('own')] }]);
    await other.commit();
    await eventually(async () => (await valuesOf(log, places[1])).length === 1, 'the other is shown');
    expect(await seen()).to.deep.equal([['own'], ['other']]);
    expect(await openPartitions(cluster, places[0].topic, (await newIdempotentProducer(cluster)).producerId)).to.deep.equal([]);
  });
});

function text(value: string): NewRecord {
  return { key: Buffer.from('k'), value: Buffer.from(value) };
}
