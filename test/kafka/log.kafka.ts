import { logContract } from '../contract/log-contract.js';
import { openPrefixedLog, uniqueName, useKafka } from './kafka-fixture.js';

describe('the log on a real Kafka', function () {
  this.timeout(120_000);
  const kafka = useKafka();

  logContract(
    'KafkaLog',
    async () => {
      const prefix = uniqueName();
      let log = await openPrefixedLog(kafka().brokers, prefix);
      return {
        log,
        marksTransactions: true,
        close: () => log.close(),
        reopen: async () => {
          await log.close();
          return (log = await openPrefixedLog(kafka().brokers, prefix));
        },
      };
    },
    { modelRuns: 2 },
  );
});
