import { EventRing } from '../../libs/telemetry/event-ring.js';
import { createLogger } from '../../libs/telemetry/logger.js';
import { MetricsRegistry } from '../../libs/telemetry/metrics.js';
import { systemClock } from '../../libs/time/clock.js';
import { command } from '../../libs/cli/command.js';
import { openPlatform, type Platform } from './platform.js';
import { loadServeConfig, type ServeConfig } from './serve-config.js';
import { untilSignalled } from './stop-signals.js';

export const serve = command({
  name: 'serve',
  summary: 'run the platform, or some of its roles',
  parameters: '',
  positionalsMax: 0,
  flags: {
    roles: { value: 'ROLES', about: 'all, or registry,ingest,aggregator, store-replica, query, gateway' },
    'data-dir': { value: 'DIR', about: 'where data lies; .thyme-data where it is absent' },
    partitions: { value: 'N', about: 'how many partitions; of a query service those that it holds, such as 0-7' },
    log: { value: 'LOG', about: 'level or kafka; kafka where brokers are named' },
    brokers: { value: 'HOST:PORT,...', about: 'where Kafka is' },
    advertise: { value: 'HOST:PORT', about: "where others reach this process's gRPC" },
    standby: { value: 'HOST:PORT', about: "a store replica whose snapshot fills an aggregator's empty disk" },
    owner: { value: 'HOST:PORT', about: 'a process with registry and ingest, for one without' },
    query: { value: 'HOST:PORT,...', about: 'query services, for a gateway without one' },
    host: { value: 'ADDRESS', about: 'where it listens; 127.0.0.1 where it is absent' },
    keys: { value: 'open|required', about: 'whether reads and pushes need a key' },
    insecure: { about: 'other addresses without TLS and keys' },
  },
  examples: ['thyme serve', 'thyme serve --data-dir /var/lib/thyme', 'thyme serve --log kafka --brokers kafka-1:9092 --partitions 8'],
  async run({ words }) {
    const config = loadServeConfig(words, process.env);
    const platform = await startPlatform(config);
    process.stdout.write(readyLine(platform));
    await untilStopped(platform, config);
  },
});

/** Starts the platform with the process's own clock and log. */
export async function startPlatform(config: ServeConfig): Promise<Platform> {
  const clock = systemClock;
  const logger = createLogger({ level: config.logLevel, clock });
  const platform = await openPlatform(config, { clock, logger, metrics: new MetricsRegistry(), events: new EventRing(clock) });
  await platform.start();
  return platform;
}

/** Resolves after SIGTERM or SIGINT and a graceful stop, `beforeStop` first; rejects when a service of the process failed. */
export async function untilStopped(
  platform: Pick<Platform, 'done' | 'stop'>,
  { drainGraceMs }: ServeConfig,
  beforeStop?: () => Promise<void>,
): Promise<void> {
  try {
    await Promise.race([untilSignalled(process, systemClock), platform.done]);
  } finally {
    await beforeStop?.();
    await platform.stop({ graceMs: drainGraceMs });
  }
}

/** The one line on standard output that says it answers (DESIGN 10). */
export function readyLine({ restUrl, grpcTarget }: Platform): string {
  const rest = restUrl === undefined ? '' : ` rest=${restUrl}`;
  return `thyme ready${rest} grpc=${grpcTarget}\n`;
}
