import { EventRing } from '../libs/telemetry/event-ring.js';
import { createLogger } from '../libs/telemetry/logger.js';
import { MetricsRegistry } from '../libs/telemetry/metrics.js';
import { systemClock } from '../libs/time/clock.js';
import type { Command } from '../libs/cli/command.js';
import { openPlatform, type Platform } from './platform.js';
import { loadServeConfig, type ServeConfig } from './serve-config.js';

export const serve: Command = {
  name: 'serve',
  summary: 'run the platform, or some of its roles',
  usage: 'thyme serve [--roles all|registry,ingest,aggregator|store-replica|query|gateway] [--data-dir DIR] [--partitions N|FIRST-LAST] [--log level|kafka] [--brokers HOST:PORT,...] [--advertise HOST:PORT] [--standby HOST:PORT] [--owner HOST:PORT] [--query HOST:PORT,...] [--host ADDRESS] [--insecure]',
  async run(args) {
    const config = loadServeConfig(args, process.env);
    const platform = await startPlatform(config);
    process.stdout.write(readyLine(platform));
    await untilStopped(platform, config);
  },
};

/** Starts the platform with the process's own clock and log. */
export async function startPlatform(config: ServeConfig): Promise<Platform> {
  const clock = systemClock;
  const logger = createLogger({ level: config.logLevel, clock });
  const platform = await openPlatform(config, { clock, logger, metrics: new MetricsRegistry(), events: new EventRing(clock) });
  await platform.start();
  return platform;
}

/** Resolves after SIGTERM or SIGINT and a graceful stop, `beforeStop` first; rejects when a service of the process failed. */
export async function untilStopped(platform: Platform, { drainGraceMs }: ServeConfig, beforeStop?: () => Promise<void>): Promise<void> {
  const signalled = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  try {
    await Promise.race([signalled, platform.done]);
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
