// The Kafka connector, put to the suite of all connectors, on a real broker.
import { holdsTheContract } from '../contract/holds-the-contract.js';
import { useKafka } from './kafka-fixture.js';
import { openTopicSystem } from './topic-system.js';

describe('the contract of sources: kafka', function () {
  this.timeout(120_000);
  const kafka = useKafka({ proxied: true });

  holdsTheContract(() => openTopicSystem(kafka()));
});
