// The owner of the log as a process of its own: registry, ingest, aggregator, and the gateway that takes its pushes.
import { startFraudPlatform } from './fraud-platform.js';

const { platform, restUrl } = await startFraudPlatform(process.argv[2] ?? '', ['registry', 'ingest', 'aggregator', 'gateway']);
process.send?.({ restUrl, grpcTarget: platform.grpcTarget });
process.once('disconnect', () => process.exit(1)); // the bench is gone
process.once('SIGTERM', () => {
  const { user, system } = process.cpuUsage();
  void platform.stop({ graceMs: 10_000 }).then(() => process.send?.({ cpuUs: user + system }, () => process.exit(0)));
});
