// The owner of the log as a process of its own: registry, ingest, aggregator, and the gateway that takes its pushes.
// Its arguments are the folder and, where the log is Kafka, brokers and deployment.
import { startFraudPlatform } from './fraud-platform.js';

const [dataDir = '', brokers, deployment] = process.argv.slice(2);
const { THYME_INTERNAL_KEY: internalKey } = process.env;
const env = {
  ...(internalKey === undefined ? {} : { THYME_INTERNAL_KEY: internalKey }),
  ...(brokers === undefined || deployment === undefined ? {} : { THYME_KAFKA_BROKERS: brokers, THYME_DEPLOYMENT: deployment }),
};
const { platform, restUrl } = await startFraudPlatform(dataDir, ['registry', 'ingest', 'aggregator', 'gateway'], env);
process.send?.({ restUrl, grpcTarget: platform.grpcTarget });
process.once('disconnect', () => process.exit(1)); // the bench is gone
process.once('SIGTERM', () => {
  const { user, system } = process.cpuUsage();
  void platform.stop({ graceMs: 10_000 }).then(() => process.send?.({ cpuUs: user + system }, () => process.exit(0)));
});
