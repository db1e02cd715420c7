// The table of values as messages of a topic, on a real broker.
import { kafkaConnector } from '../../libs/source/kafka/kafka-connector.js';
import { systemClock } from '../../libs/time/clock.js';
import { givesTheTableOfValues, jsonRow } from '../support/value-suite.js';
import { useKafka } from './kafka-fixture.js';
import { Producers } from './topic-system.js';

describe('the Kafka source and the table of values', function () {
  this.timeout(120_000);
  const kafka = useKafka();
  let producers: Producers;

  before(async () => {
    producers = await Producers.connect(kafka().brokers);
  });

  after(() => producers?.disconnect());

  givesTheTableOfValues('kafka', () => ({
    connector: (clock) => kafkaConnector({ nowUs: () => clock.nowUs(), sleep: (ms, signal) => systemClock.sleep(ms, signal) }),
    async write(column, texts) {
      const topic = await producers.createTopic(1);
      await producers.send(
        topic,
        texts.map((text, n) => ({ value: jsonRow(column, text, n) })),
      );
      return { config: { topic, brokers: kafka().brokers.join(',') } };
    },
  }));
});
